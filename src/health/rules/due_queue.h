#pragma once

// When rules are to be evaluated besides their interval: because samples they read were committed,
// or because a pending alert reaches its `for`. Moments are those of the steady clock, so that a
// wall clock that is set holds nothing up. Pure; not thread-safe. Costs: logarithmic.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/time.h"

namespace wellrun::health::rules {

struct DuePolicy {
  Duration settle{100};        ///< after the last commit: what belongs together is seen together
  Duration longest_wait{300};  ///< but not more than this after the first
  Duration spacing{500};       ///< after its last evaluation
};

struct RuleId {
  std::string group;
  std::size_t index = 0;  ///< in its group
  auto operator<=>(const RuleId&) const = default;
};

class DueQueue {
 public:
  explicit DueQueue(DuePolicy policy = {}) : policy_(policy) {}

  /// Samples that it reads were committed.
  void committed(const RuleId& rule, Duration now);
  /// It must be evaluated at `moment`, whatever is committed; the earliest such moment counts.
  void at(const RuleId& rule, Duration moment);
  /// It was evaluated with what was committed before `now`: nothing is due any more.
  void evaluated(const RuleId& rule, Duration now);
  void forget(const std::string& group);

  /// When the first one is due.
  std::optional<Duration> next() const;
  /// The group whose rule has been due longest at `now`, among those that `may` admits, with all of
  /// its rules that are due, ascending; they count as evaluated then. std::nullopt: none.
  struct Due {
    std::string group;
    std::vector<std::size_t> rules;
  };
  template <typename May>
  std::optional<Due> take(Duration now, May may) {
    for (const auto& [due, rule] : order_) {
      if (due > now) return std::nullopt;
      if (may(rule.group)) return take_group(rule.group, now);
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    std::optional<Duration> first_commit, last_commit, fixed;
    Duration last_evaluation{0};
    bool was_evaluated = false;
    std::optional<Duration> due;  ///< as it stands in order_
  };
  void place(const RuleId& rule, Entry& entry);
  Due take_group(std::string group, Duration now);

  DuePolicy policy_;
  std::map<RuleId, Entry> entries_;
  std::set<std::pair<Duration, RuleId>> order_;
};

}  // namespace wellrun::health::rules
