#include "procedures/run.h"

#include <array>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::procedures {
namespace {

struct KindName {
  const char* key;  ///< the step's field that holds it
  StepKind kind;
};
constexpr std::array<KindName, 6> kKinds{{{"run", StepKind::kRun},
                                          {"http", StepKind::kHttp},
                                          {"query", StepKind::kQuery},
                                          {"wait", StepKind::kWait},
                                          {"approve", StepKind::kApprove},
                                          {"runbook", StepKind::kRunbook}}};

Result<Duration> duration_field(const Json& step, const char* key, Duration fallback,
                                const std::string& where) {
  const auto text = text_or(step, key);
  if (text.empty()) return fallback;
  auto duration = parse_duration(text);
  if (!duration) return fail(ErrorCode::kInvalid, duration.error().message, where + "." + key);
  return duration;
}

/// Reading and waiting do no harm the second time.
bool always_repeatable(StepKind kind, const Json& spec) {
  if (kind == StepKind::kQuery || kind == StepKind::kWait) return true;
  return kind == StepKind::kHttp && text_or(spec, "method", "GET") == "GET";
}

Result<StepPlan> read_step(const Json& step, std::size_t index) {
  StepPlan plan;
  plan.name = text_or(step, "name", fmt::format("step-{}", index + 1));
  const auto where = fmt::format("steps[{}] {}", index, quote(plan.name));
  int kind_count = 0;
  for (const auto& [key, kind] : kKinds) {
    if (!step.is_object() || !step.contains(key) || step.at(key).is_null()) continue;
    ++kind_count;
    plan.kind = kind;
    plan.spec = step.at(key);
  }
  if (kind_count != 1) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("needs exactly one of run, http, query, wait, approve, runbook; it has {}",
                    kind_count),
        where);
  }
  TRY(plan.timeout, duration_field(step, "timeout", plan.timeout, where));
  plan.retries = static_cast<int>(number_or(step, "retries", 0));
  if (plan.retries < 0 || plan.retries > 100)
    return fail(ErrorCode::kInvalid, "retries must be 0 to 100", where);
  plan.repeatable = bool_or(step, "repeatable", false) || always_repeatable(plan.kind, plan.spec);
  plan.continue_on_failure = text_or(step, "onFailure", "stop") == "continue";
  return plan;
}

Json step_json(const Run& run, std::size_t index) {
  const auto& plan = run.plan[index];
  const auto& state = run.steps[index];
  Json json{{"index", index},
            {"name", plan.name},
            {"kind", name_of(plan.kind)},
            {"state", name_of(state.status)},
            {"attempt", state.attempt},
            {"repeatable", plan.repeatable},
            {"spec", plan.spec},
            {"output", state.output},
            {"output_digest", state.output_digest},
            {"error", state.error},
            {"exit_code", state.exit_code},
            {"duration_ms", state.duration_ms}};
  if (state.attempt > 0) json["started_at"] = format_rfc3339(state.started_at);
  if (plan.kind == StepKind::kApprove) {
    json["role"] = text_or(plan.spec, "role", "responder");
    json["prompt"] = state.prompt.empty() ? text_or(plan.spec, "prompt") : state.prompt;
  }
  return json;
}

}  // namespace

const char* name_of(StepKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].key;
}

const char* name_of(StepStatus status) {
  switch (status) {
    case StepStatus::kPending:
      return "pending";
    case StepStatus::kRunning:
      return "running";
    case StepStatus::kWaitingApproval:
      return "waiting_approval";
    case StepStatus::kSucceeded:
      return "succeeded";
    case StepStatus::kFailed:
      return "failed";
    case StepStatus::kUnknown:
      return "unknown";
    case StepStatus::kSkipped:
      return "skipped";
  }
  return "pending";
}

const char* name_of(RunStatus status) {
  switch (status) {
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kWaitingApproval:
      return "waiting_approval";
    case RunStatus::kUnknown:
      return "unknown";
    case RunStatus::kSucceeded:
      return "succeeded";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kCancelled:
      return "cancelled";
  }
  return "running";
}

bool is_finished(RunStatus status) {
  return status == RunStatus::kSucceeded || status == RunStatus::kFailed ||
         status == RunStatus::kCancelled;
}

Result<std::vector<StepPlan>> read_plan(const Json& steps) {
  if (!steps.is_array() || steps.empty())
    return fail(ErrorCode::kInvalid, "a runbook needs at least one step", "steps");
  std::vector<StepPlan> plan;
  for (const auto& step : steps) {
    TRY(auto read, read_step(step, plan.size()));
    plan.push_back(std::move(read));
  }
  return plan;
}

Json to_json(const Run& run, bool with_steps) {
  Json inputs = Json::object();
  for (const auto& [name, value] : run.inputs) inputs[name] = value;
  const bool over = run.current_index >= run.plan.size();
  Json json{
      {"id", run.id},
      {"runbook", run.runbook},
      {"state", name_of(run.status)},
      {"by", run.by},
      {"incident", run.incident},
      {"workload", run.workload},
      {"inputs", std::move(inputs)},
      {"parent_run", run.parent_run},
      {"started_at", format_rfc3339(run.started_at)},
      {"finished_at", is_finished(run.status) ? Json(format_rfc3339(run.finished_at)) : Json()},
      {"step_count", run.plan.size()},
      {"current_index", run.current_index},
      {"current_step", over ? std::string() : run.plan[run.current_index].name},
      {"helped", run.helped ? Json(*run.helped) : Json()}};
  if (with_steps) {
    auto& steps = json["steps"] = Json::array();
    for (std::size_t index = 0; index < run.plan.size(); ++index)
      steps.push_back(step_json(run, index));
  }
  return json;
}

}  // namespace wellrun::procedures
