#pragma once

// Facts of the procedures domain: runs of runbooks, their steps and approvals, automations.
// Streams: run/<id>, automation/<name>.

#include <string>
#include <vector>

#include "core/json.h"

namespace wellrun::facts {

/// A run began. It carries its plan, so that it goes on with the revision it started with whatever
/// is applied later.
struct RunStarted {
  static constexpr auto kType = "run.started";
  std::string run;
  std::string runbook;
  std::string digest;  ///< of the runbook's resource
  Json inputs;  ///< name -> text; secret inputs are references (env:NAME, file:/path), never values
  Json secret_inputs;    ///< names of those inputs
  Json plan;             ///< [step], as Runbook.spec.steps
  std::string incident;  ///< or empty
  std::string workload;  ///< what it is about, or empty
  std::string by;
  std::string parent_run;  ///< the run whose step this is, or empty
  int parent_index = 0;
  int depth = 0;  ///< 0 for a run that a person or automation started
};

struct RunStepStarted {
  static constexpr auto kType = "run.step_started";
  std::string run;
  std::string step;
  int index = 0;
  int attempt = 1;
};

struct RunStepFinished {
  static constexpr auto kType = "run.step_finished";
  std::string run;
  std::string step;
  int index = 0;
  int attempt = 1;
  std::string outcome;  ///< succeeded, failed, unknown or skipped
  int exit_code = 0;
  std::string output;         ///< the last 4 KiB, secrets masked
  std::string output_digest;  ///< of the whole (bounded) output, or empty
  std::int64_t duration_ms = 0;
  std::string error;
};

struct RunApprovalRequested {
  static constexpr auto kType = "run.approval_requested";
  std::string run;
  std::string step;
  int index = 0;
  std::string role;
  std::string prompt;
};

struct RunApproved {
  static constexpr auto kType = "run.approved";
  std::string run;
  std::string step;
  int index = 0;
  std::string by;
  bool approved = false;
  std::string comment;
};

/// A person said what became of a step whose outcome could not be known.
struct RunResumed {
  static constexpr auto kType = "run.resumed";
  std::string run;
  std::string step;
  int index = 0;
  std::string decision;  ///< done, retry or abort
  std::string by;
};

struct RunFinished {
  static constexpr auto kType = "run.finished";
  std::string run;
  std::string runbook;
  std::string incident;
  std::string outcome;  ///< succeeded, failed or cancelled
  std::int64_t duration_ms = 0;
  std::string by;  ///< who cancelled, or who started it
};

struct RunVerdictGiven {
  static constexpr auto kType = "run.verdict_given";
  std::string run;
  std::string runbook;
  bool helped = false;
  std::string comment;
  std::string by;
};

struct AutomationTriggered {
  static constexpr auto kType = "automation.triggered";
  std::string automation;
  std::string runbook;
  std::string run;
  std::string incident;
  std::uint64_t trigger_seq = 0;
};

struct AutomationSuppressed {
  static constexpr auto kType = "automation.suppressed";
  std::string automation;
  std::string reason;
  std::uint64_t trigger_seq = 0;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunStarted, run, runbook, digest, inputs,
                                                secret_inputs, plan, incident, workload, by,
                                                parent_run, parent_index, depth)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunStepStarted, run, step, index, attempt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunStepFinished, run, step, index, attempt, outcome,
                                                exit_code, output, output_digest, duration_ms,
                                                error)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunApprovalRequested, run, step, index, role,
                                                prompt)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunApproved, run, step, index, by, approved,
                                                comment)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunResumed, run, step, index, decision, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunFinished, run, runbook, incident, outcome,
                                                duration_ms, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunVerdictGiven, run, runbook, helped, comment, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AutomationTriggered, automation, runbook, run,
                                                incident, trigger_seq)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AutomationSuppressed, automation, reason,
                                                trigger_seq)

}  // namespace wellrun::facts
