#include "telemetry/scrape/relabel.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <re2/re2.h>

#include "core/text.h"
#include "core/unicode.h"
#include "telemetry/regex_template.h"

namespace wellrun::telemetry::scrape {
namespace {

const std::vector<std::string>& actions() {
  static const std::vector<std::string> known{"replace",   "keep",      "drop",     "keepequal",
                                              "dropequal", "hashmod",   "labelmap", "labeldrop",
                                              "labelkeep", "lowercase", "uppercase"};
  return known;
}

bool needs_target(std::string_view action) {
  constexpr std::array kThese = {"replace",   "hashmod",   "lowercase",
                                 "uppercase", "keepequal", "dropequal"};
  return std::ranges::find(kThese, action) != kThese.end();
}

/// The last eight bytes of the MD5 of `text`, big endian: as Prometheus shards.
std::uint64_t hash_of(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::uint64_t hash = 0;
  for (std::size_t i = 8; i < 16; ++i) hash = hash << 8 | digest[i];
  return hash;
}

std::string in_case(std::string_view text, bool upper) {
  std::string out;
  while (!text.empty()) {
    const auto c = next_code_point(text);
    append_utf8(out, upper ? to_upper(c) : to_lower(c));
  }
  return out;
}

/// The match of the whole of `text`; empty when it does not match.
std::vector<std::string_view> match(const re2::RE2& regex, std::string_view text) {
  std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                       1);
  if (!regex.Match({text.data(), text.size()}, 0, text.size(), re2::RE2::ANCHOR_BOTH, pieces.data(),
                   static_cast<int>(pieces.size())))
    return {};
  std::vector<std::string_view> groups;
  for (const auto& piece : pieces)
    groups.emplace_back(piece.data() != nullptr ? piece.data() : "", piece.size());
  return groups;
}

Status check(const RelabelStep& step) {
  if (std::ranges::find(actions(), step.action) == actions().end())
    return fail(ErrorCode::kInvalid,
                fmt::format("relabel action {} is not known{}", quote(step.action),
                            did_you_mean(step.action, actions())));
  if (needs_target(step.action) && step.target_label.empty())
    return fail(ErrorCode::kInvalid,
                fmt::format("relabel action {} needs a target label", step.action));
  if (step.action == "hashmod" && step.modulus == 0)
    return fail(ErrorCode::kInvalid, "relabel action hashmod needs a modulus above 0");
  return {};
}

}  // namespace

Result<Relabelling> Relabelling::compile(std::vector<RelabelStep> steps) {
  Relabelling made;
  for (auto& step : steps) {
    step.action = in_case(step.action, false);
    TRY_STATUS(check(step));
    auto regex = std::make_shared<const re2::RE2>("(?s:" + step.regex + ")", re2::RE2::Quiet);
    if (!regex->ok())
      return fail(ErrorCode::kInvalid, fmt::format("relabel expression {} cannot be read: {}",
                                                   quote(step.regex), regex->error()));
    made.steps_.push_back({std::move(step), std::move(regex)});
  }
  return made;
}

std::optional<Labels> Relabelling::apply(Labels labels) const {
  for (const auto& step : steps_)
    if (!apply(step, labels)) return std::nullopt;
  return labels;
}

/// False: dropped.
bool Relabelling::apply(const Compiled& compiled, Labels& labels) {
  const auto& [step, regex] = compiled;
  std::string value;
  for (std::size_t i = 0; i < step.source_labels.size(); ++i) {
    if (i > 0) value += step.separator;
    value += labels.get(step.source_labels[i]);
  }
  if (step.action == "keep") return !match(*regex, value).empty();
  if (step.action == "drop") return match(*regex, value).empty();
  if (step.action == "keepequal") return labels.get(step.target_label) == value;
  if (step.action == "dropequal") return labels.get(step.target_label) != value;
  if (step.action == "hashmod") {
    labels.set(step.target_label, std::to_string(hash_of(value) % step.modulus));
  } else if (step.action == "lowercase" || step.action == "uppercase") {
    labels.set(step.target_label, in_case(value, step.action == "uppercase"));
  } else if (step.action == "replace") {
    const auto groups = match(*regex, value);
    if (groups.empty()) return true;
    const auto target = expand_template(step.target_label, *regex, groups);
    if (!target.empty()) labels.set(target, expand_template(step.replacement, *regex, groups));
  } else {
    const Labels before = labels;
    for (const auto& label : before) {
      const auto groups = match(*regex, label.name);
      if (step.action == "labelmap" && !groups.empty())
        labels.set(expand_template(step.replacement, *regex, groups), label.value);
      if ((step.action == "labeldrop" && !groups.empty()) ||
          (step.action == "labelkeep" && groups.empty()))
        labels.remove(label.name);
    }
  }
  return true;
}

bool Relabelling::operator==(const Relabelling& other) const {
  return std::ranges::equal(steps_, other.steps_, {}, &Compiled::step, &Compiled::step);
}

}  // namespace wellrun::telemetry::scrape
