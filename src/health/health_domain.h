#pragma once

// Which alerts fire and how KPIs stand, as the journal knows it. A functional core: the evaluator
// asks what to record, and what is already recorded is not recorded again.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "facts/health.h"
#include "facts/telemetry.h"
#include "facts/views.h"
#include "health/alert.h"
#include "health/slo/budget_policy.h"
#include "journal/ledger.h"

namespace wellrun::health {

/// At most this many transitions become facts in a minute, of the pages of each workload and of all
/// other alerts together, so that no flood takes the room of another's page; and of one group at
/// one time. The rest follow when they still hold then.
inline constexpr std::size_t kMaxTransitionsPerMinute = 120;

inline constexpr std::size_t kMostLately = 1000;

struct FiringAlert {
  facts::AlertFired fired;
  Timestamp since;
  journal::Sequence seq = 0;  ///< of its alert.fired
};

struct KpiStanding {
  std::string status = "no_data";
  Timestamp since{};
  Timestamp reviewed_at{};  ///< the epoch: never
  Timestamp viewed_at{};    ///< the first view of the last day with one; the epoch: never
};

struct BudgetStanding {
  facts::BudgetStepReached step;
  Timestamp since;
};

/// Whose series are at their limit: a workload, or a job that is part of none.
struct LimitedOwner {
  std::string workload, job;
  bool operator==(const LimitedOwner&) const = default;
};

class HealthDomain final : public journal::Domain {
 public:
  std::string_view name() const override { return "health"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// By fingerprint.
  const std::map<std::string, FiringAlert>& firing() const { return firing_; }
  /// Of a KPI that never changed: no_data since the epoch.
  KpiStanding kpi(const std::string& name) const;

  /// Of a workload, or of a job that is none's, as the journal knows it.
  bool is_at_series_limit(const std::string& workload, const std::string& job) const;
  std::vector<LimitedOwner> at_series_limit() const;
  /// What was said of each when it got there, by its stream.
  const std::map<std::string, facts::SeriesLimitReached>& series_limits() const {
    return series_limits_;
  }

  /// True when reconcile() would have something to record.
  bool differs(const std::string& group,
               const std::map<std::string, facts::AlertFired>& wanted) const;

  /// Makes the alerts of `group` ("rules/<name>/", "slos/<name>/") be exactly `wanted` (by
  /// fingerprint): what fires and is not recorded fires, what is recorded and no longer fires
  /// resolves for `reason`. Pages first, at most what kMaxTransitionsPerMinute leaves. An alert
  /// that is too large for a fact is cut (alert_size.h).
  journal::Decision reconcile(const std::string& group,
                              const std::map<std::string, facts::AlertFired>& wanted,
                              const std::string& reason, Timestamp now) const;

  /// Nothing when the KPI already stands so.
  journal::Decision change_kpi(facts::KpiStatusChanged change) const;

  /// The steps of error budgets that stand, by budget_step_key().
  const std::map<std::string, BudgetStanding>& budget_steps() const { return budget_steps_; }
  BudgetSteps standing_steps() const;

  /// Makes the steps of `slo` be exactly `wanted`; `used`: per cent of its budget, now.
  journal::Decision stand_budget(const std::string& slo, const BudgetSteps& wanted,
                                 double used) const;
  /// Makes all that stand be among `said` (still_said()), whatever is used of the budgets now.
  journal::Decision leave_unsaid(const BudgetSteps& said) const;

  /// A person's word on an alert that fires or has fired lately (`firing()`, `lately()`).
  /// kNotFound, kInvalid for another word than real and noise.
  Result<journal::Decision> give_verdict(const std::string& fingerprint, const std::string& verdict,
                                         const std::string& comment, const std::string& by) const;
  /// kInvalid without a name of a KPI; `workload` is its.
  journal::Decision review_kpi(const facts::KpiReviewed& review) const;
  /// Nothing when somebody looked at it on this (UTC) day already. Says nothing of who.
  journal::Decision view_kpi(const facts::KpiViewed& view, Timestamp now) const;

  /// The last kMostLately alerts that resolved, oldest first.
  const std::deque<FiringAlert>& lately() const { return lately_; }

  /// Nothing when the owner is known to be at its limit, or to be below it.
  journal::Decision reach_series_limit(const facts::SeriesLimitReached& reached) const;
  journal::Decision clear_series_limit(const facts::SeriesLimitCleared& cleared) const;

 private:
  std::map<std::string, FiringAlert> firing_;
  std::map<std::string, KpiStanding> kpis_;
  std::map<std::string, BudgetStanding> budget_steps_;
  std::map<std::string, facts::SeriesLimitReached> series_limits_;  ///< by stream
  std::deque<FiringAlert> lately_;
  /// Of the last minute before the newest, by whose room they took: "page/<workload>", or "" of all
  /// that are no pages.
  std::map<std::string, std::deque<Timestamp>> transitions_;
};

}  // namespace wellrun::health
