#pragma once

// The change domain: deployments and changes as they are reported, joined with what happened after
// them. A functional core: see journal/ledger.h.

#include <deque>
#include <map>
#include <string>

#include "catalog/catalog.h"
#include "change/budget_gate.h"
#include "change/deployment.h"
#include "journal/ledger.h"

namespace wellrun::change {

/// What a reporter says of a deployment or change; empty fields are unknown.
struct DeploymentReport {
  std::string workload, component, environment, version, commit, commit_time, url;
  std::string id;       ///< the reporter's own; empty: one is given
  std::string outcome;  ///< empty: it has only started
};

class ChangeDomain final : public journal::Domain {
 public:
  explicit ChangeDomain(const catalog::Catalog& catalog) : catalog_(catalog) {}

  std::string_view name() const override { return "change"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// A deployment that began, and ended too when the report has an outcome. Reported twice under
  /// one id it is recorded once: the second report may only bring the outcome. kInvalid without
  /// workload or version, or for another outcome word.
  Result<journal::Decision> record(const DeploymentReport& report, const std::string& actor) const;
  /// kNotFound, kConflict when it has ended already with another outcome.
  Result<journal::Decision> finish(const std::string& id, const std::string& outcome,
                                   const std::string& actor) const;
  /// kInvalid for another kind or without a summary; kNotFound when what it `reverses` is not
  /// known.
  Result<journal::Decision> record(facts::ChangeRecorded change, const std::string& actor) const;
  /// The deployment that going back to `report.version` ended: the newest in that place that was
  /// neither failed nor taken back. nullptr when there is none, or when it is that version: then
  /// the way back is known already.
  const Deployment* taken_back_by(const DeploymentReport& report) const;

  const Deployment* find(const std::string& id) const;
  const std::deque<Deployment>& deployments() const { return deployments_; }
  const std::deque<Change>& changes() const { return changes_; }
  /// What error budgets say of deployments. Recording is never refused: what happened is kept, with
  /// the state of the gate at that time.
  const BudgetGate& budget_gate() const { return gate_; }
  /// The id that the next deployment or change without one gets: "dep-0007", or the first after it
  /// that no reporter has used.
  std::string next_id(std::string_view prefix) const;

 private:
  bool knows(const std::string& id) const;
  Deployment* find_mutable(const std::string& id);
  std::string version_in(const facts::DeploymentStarted& started) const;
  void incident_opened(const journal::Fact& fact);
  void incident_resolved(const journal::Fact& fact);

  const catalog::Catalog& catalog_;
  std::deque<Deployment> deployments_;  ///< oldest first, at most kKept
  std::deque<Change> changes_;
  BudgetGate gate_;
  std::uint64_t recorded_count_ = 0;
};

}  // namespace wellrun::change
