#pragma once

// A run: one execution of a runbook as a durable workflow. Plain data; what happens to it is in
// run_fsm.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "facts/procedures.h"
#include "journal/fact.h"

namespace wellrun::procedures {

enum class StepKind { kRun, kHttp, kQuery, kWait, kApprove, kRunbook };
const char* name_of(StepKind kind);

/// One step as the runbook has it. Text fields still hold their {{templates}}.
struct StepPlan {
  std::string name;
  StepKind kind = StepKind::kRun;
  Json spec;  ///< of that kind: {"command": …}, {"method": …, "url": …}, …
  Duration timeout{300'000};
  int retries = 0;
  bool repeatable = false;  ///< performing it twice does no harm
  bool continue_on_failure = false;
};

/// Steps out of `Runbook.spec.steps` (section "Runbook" of the kind reference). kInvalid names the
/// step and the field.
Result<std::vector<StepPlan>> read_plan(const Json& steps);

enum class StepStatus {
  kPending,
  kRunning,
  kWaitingApproval,
  kSucceeded,
  kFailed,
  kUnknown,
  kSkipped
};
const char* name_of(StepStatus status);

struct StepState {
  StepStatus status = StepStatus::kPending;
  int attempt = 0;
  Timestamp started_at;
  Timestamp finished_at;
  std::int64_t duration_ms = 0;
  int exit_code = 0;
  std::string output;
  std::string output_digest;
  std::string error;
  std::string approver_role, prompt;  ///< of an approval
};

enum class RunStatus { kRunning, kWaitingApproval, kUnknown, kSucceeded, kFailed, kCancelled };
const char* name_of(RunStatus status);
bool is_finished(RunStatus status);

struct Run {
  std::string id;
  std::string runbook;
  std::string digest;
  std::map<std::string, std::string> inputs;
  std::vector<std::string> secret_inputs;
  std::string by;
  std::string incident;
  std::string workload;
  std::string parent_run;
  int parent_index = 0;
  int depth = 0;
  Timestamp started_at;
  Timestamp finished_at;
  RunStatus status = RunStatus::kRunning;
  Json plan_source;  ///< what `plan` was read from
  std::vector<StepPlan> plan;
  std::vector<StepState> steps;   ///< one for each of `plan`
  std::size_t current_index = 0;  ///< plan.size() once all are over
  std::optional<bool> helped;     ///< a person's verdict
  journal::Sequence started_seq = 0;
};

/// As GET /api/v1/runs has it; `with_steps` adds the steps.
Json to_json(const Run& run, bool with_steps);

/// Everything of a run, for a snapshot, and back. The latter throws Json::exception on what
/// to_snapshot did not write.
Json to_snapshot(const Run& run);
Run run_from_snapshot(const Json& saved);

}  // namespace wellrun::procedures
