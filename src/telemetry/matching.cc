#include "telemetry/matching.h"

#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>

#include "core/text.h"

namespace wellrun::telemetry {

struct MatcherSet::Compiled {
  Matcher matcher;
  std::unique_ptr<re2::RE2> regex;

  bool matches(std::string_view value) const {
    switch (matcher.kind) {
      case Matcher::Kind::kEqual:
        return value == matcher.value;
      case Matcher::Kind::kNotEqual:
        return value != matcher.value;
      default:
        return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex) ==
               (matcher.kind == Matcher::Kind::kRegex);
    }
  }
};

MatcherSet::MatcherSet() = default;
MatcherSet::MatcherSet(MatcherSet&&) noexcept = default;
MatcherSet& MatcherSet::operator=(MatcherSet&&) noexcept = default;
MatcherSet::~MatcherSet() = default;

Result<MatcherSet> MatcherSet::compile(const std::vector<Matcher>& matchers) {
  MatcherSet set;
  for (const auto& matcher : matchers) {
    Compiled compiled{matcher, nullptr};
    if (matcher.kind == Matcher::Kind::kRegex || matcher.kind == Matcher::Kind::kNotRegex) {
      compiled.regex = std::make_unique<re2::RE2>("(?s:" + matcher.value + ")", re2::RE2::Quiet);
      if (!compiled.regex->ok())
        return fail(ErrorCode::kInvalid,
                    fmt::format("the regular expression {} of label {} cannot be read: {}",
                                quote(matcher.value), matcher.name, compiled.regex->error()));
    }
    set.matchers_.push_back(std::move(compiled));
  }
  return set;
}

bool MatcherSet::matches(const Labels& labels) const {
  return std::ranges::all_of(matchers_, [&](const Compiled& compiled) {
    return compiled.matches(labels.get(compiled.matcher.name));
  });
}

bool matches_any(const std::vector<MatcherSet>& sets, const Labels& labels) {
  return sets.empty() ||
         std::ranges::any_of(sets, [&](const MatcherSet& set) { return set.matches(labels); });
}

Result<std::vector<MatcherSet>> compile_all(const std::vector<std::vector<Matcher>>& sets) {
  std::vector<MatcherSet> compiled;
  for (const auto& set : sets) {
    TRY(auto one, MatcherSet::compile(set));
    compiled.push_back(std::move(one));
  }
  return compiled;
}

}  // namespace wellrun::telemetry
