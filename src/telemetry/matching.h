#pragma once

// Label matchers applied to label sets in memory; the store has an index of its own. Pure.

#include <memory>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "telemetry/storage.h"

namespace re2 {
class RE2;
}

namespace wellrun::telemetry {

/// Several matchers, all of which must hold; their regular expressions are compiled once. Not
/// copied; safe from any thread.
class MatcherSet {
 public:
  /// kInvalid for a regular expression that RE2 does not take.
  static Result<MatcherSet> compile(const std::vector<Matcher>& matchers);
  MatcherSet(MatcherSet&&) noexcept;
  MatcherSet& operator=(MatcherSet&&) noexcept;
  ~MatcherSet();

  /// An absent label is an empty value.
  bool matches(const Labels& labels) const;

 private:
  struct Compiled;
  MatcherSet();
  std::vector<Compiled> matchers_;
};

/// Whether any of the sets matches; an empty list matches everything.
bool matches_any(const std::vector<MatcherSet>& sets, const Labels& labels);

Result<std::vector<MatcherSet>> compile_all(const std::vector<std::vector<Matcher>>& sets);

}  // namespace wellrun::telemetry
