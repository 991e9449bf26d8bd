#pragma once

// The procedures domain: runs of runbooks and the automations that start them. A functional core:
// see journal/ledger.h.

#include <deque>
#include <map>
#include <string>

#include "catalog/catalog.h"
#include "journal/ledger.h"
#include "procedures/run.h"

namespace wellrun::procedures {

struct StartRequest {
  std::string runbook;
  std::map<std::string, std::string> inputs;
  std::string incident;  ///< or empty
  std::string workload;  ///< empty: the runbook's
  std::string by;
};

/// How often a runbook ran and how it went: DP3's evidence.
struct RunbookRecord {
  std::size_t started = 0, succeeded = 0, failed = 0;
  std::size_t helped = 0, did_not_help = 0;  ///< runs, by the last verdict on each
  Timestamp last_started_at;
};

struct AutomationRecord {
  std::size_t triggered = 0, suppressed = 0;
  std::deque<Timestamp> recent;  ///< of the last hour
  Timestamp last_at;
  std::string last_reason;  ///< why it was last suppressed
};

struct ProceduresOptions {
  /// Absolute; files below it may be given as secret inputs of any runbook. Empty: none.
  std::string secrets_folder;
};

class ProceduresDomain final : public journal::Domain {
 public:
  explicit ProceduresDomain(const catalog::Catalog& catalog, ProceduresOptions options = {})
      : catalog_(catalog), options_(std::move(options)) {}

  std::string_view name() const override { return "procedures"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact& fact, Timestamp now) override;
  journal::Decision tick(Timestamp now) override;
  std::optional<Timestamp> next_due() const override;
  journal::Decision outcome(const journal::Intent& intent, const journal::Outcome& outcome,
                            Timestamp now) override;
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// kNotFound for an unknown runbook (nearest named), kInvalid for unknown or missing inputs and
  /// for a secret input that is not a reference, kForbidden for a reference that may not be given
  /// (procedures/secret_inputs.h), kTooLarge when the plan does not fit into a fact.
  Result<journal::Decision> start(const StartRequest& request) const;

  /// Whether the step that `intent` performs is still wanted. Asked when it is about to begin,
  /// which may be a minute after it was decided, or after a restart: its run may have been
  /// cancelled since.
  bool may_begin(const journal::Intent& intent) const;

  /// Null when there is no such run among those in memory: all open ones and the newest kKeptRuns
  /// closed ones.
  const Run* find(const std::string& id) const;
  const std::map<std::string, Run>& runs() const { return runs_; }
  const std::map<std::string, RunbookRecord>& runbook_records() const { return runbook_records_; }
  const std::map<std::string, AutomationRecord>& automation_records() const {
    return automation_records_;
  }
  /// The id that the run of a start() right now would get, after `started_already` others of the
  /// same decision.
  std::string next_id(std::uint64_t started_already = 0) const;

 private:
  Result<journal::NewFact> started_fact(const StartRequest& request, const Run* parent,
                                        int parent_index, std::string id) const;
  journal::Decision proceed_with(const Run& run, Timestamp now,
                                 std::uint64_t started_already = 0) const;
  journal::Decision child_finished(const Run& child, const std::string& outcome,
                                   Timestamp now) const;
  journal::Decision cancel_children(const Run& cancelled, const std::string& by,
                                    Timestamp now) const;
  journal::Decision automations(const journal::Fact& fact, Timestamp now) const;
  void forget_old_runs();

  const catalog::Catalog& catalog_;
  const ProceduresOptions options_;
  std::map<std::string, Run> runs_;
  std::deque<std::string> finished_;  ///< ids, oldest first
  std::uint64_t run_count_ = 0;
  std::map<std::string, RunbookRecord> runbook_records_;
  std::map<std::string, AutomationRecord> automation_records_;
};

}  // namespace wellrun::procedures
