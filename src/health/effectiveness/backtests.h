#pragma once

// Proposals tried on what was measured: the rule as it is beside the rule as proposed, against the
// incidents that were real. docs/effectiveness.md says what counts as support.

#include <functional>
#include <vector>

#include "health/effectiveness/history.h"
#include "health/effectiveness/proposals.h"
#include "platform/runtime/runtime.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health::effectiveness {

/// Summaries of back-tests, as rules::backtest_report() makes them.
struct Tried {
  Json proposed = {};          ///< of Proposal.rule; null: there is none
  std::vector<Json> now = {};  ///< of Proposal.now
};

/// Whether the measured past supports a proposal, and why in words: {supports, text}; `supports` is
/// null when too little happened to say.
Json support_by(const Proposal& proposal, const Tried& tried);

/// Tries one proposal after the other; together for at most kLongest. Synchronous, for workers; all
/// outlive it.
class Backtests {
 public:
  static constexpr Duration kLongest{30'000};

  /// `history`: what the proposals rest on, of [from, now]. Once `cancelled` (may be empty) says
  /// so, nothing is tried any more.
  Backtests(const telemetry::promql::Engine& engine, const Clock& clock, const History& history,
            Timestamp from, Timestamp now, std::function<bool()> cancelled);

  /// {start, end, interval, summary, now, supports, text}, or {error} when it could not be made;
  /// null: there is nothing to try. As far back as what the rules read was measured; where that
  /// takes too long, the last week.
  Json of(const Proposal& proposal);

 private:
  struct Span;
  Result<Json> tried(const Proposal& proposal);
  Result<Json> tried_over(const Proposal& proposal, const Span& span);
  Result<Json> summary(const Proposal& proposal, const Json& rule, const Span& span,
                       const std::function<bool()>& is_late);

  const telemetry::promql::Engine& engine_;
  const Clock& clock_;
  const std::function<bool()> cancelled_;
  std::vector<rules::PastIncident> real_;
  Timestamp from_, now_;
  std::chrono::nanoseconds ends_;  ///< by the steady clock
  std::size_t tried_ = 0;
};

}  // namespace wellrun::health::effectiveness
