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

Json to_snapshot(const Run& run) {
  Json steps = Json::array();
  for (const auto& step : run.steps) {
    steps.push_back({{"status", step.status},
                     {"attempt", step.attempt},
                     {"started_at", to_unix_ms(step.started_at)},
                     {"finished_at", to_unix_ms(step.finished_at)},
                     {"duration_ms", step.duration_ms},
                     {"exit_code", step.exit_code},
                     {"output", step.output},
                     {"output_digest", step.output_digest},
                     {"error", step.error},
                     {"approver_role", step.approver_role},
                     {"prompt", step.prompt}});
  }
  return {{"id", run.id},
          {"runbook", run.runbook},
          {"digest", run.digest},
          {"inputs", run.inputs},
          {"secret_inputs", run.secret_inputs},
          {"by", run.by},
          {"incident", run.incident},
          {"workload", run.workload},
          {"parent_run", run.parent_run},
          {"parent_index", run.parent_index},
          {"depth", run.depth},
          {"started_at", to_unix_ms(run.started_at)},
          {"finished_at", to_unix_ms(run.finished_at)},
          {"status", run.status},
          {"plan", run.plan_source},
          {"steps", std::move(steps)},
          {"current_index", run.current_index},
          {"helped", run.helped ? Json(*run.helped) : Json()},
          {"started_seq", run.started_seq}};
}

Run run_from_snapshot(const Json& saved) {
  const auto time = [](const Json& json, const char* key) {
    return from_unix_ms(json.at(key).get<std::int64_t>());
  };
  Run run{.id = saved.at("id"), .runbook = saved.at("runbook"), .digest = saved.at("digest")};
  run.inputs = saved.at("inputs").get<std::map<std::string, std::string>>();
  run.secret_inputs = saved.at("secret_inputs").get<std::vector<std::string>>();
  run.by = saved.at("by");
  run.incident = saved.at("incident");
  run.workload = saved.at("workload");
  run.parent_run = saved.at("parent_run");
  run.parent_index = saved.at("parent_index");
  run.depth = saved.at("depth");
  run.started_at = time(saved, "started_at");
  run.finished_at = time(saved, "finished_at");
  run.status = saved.at("status").get<RunStatus>();
  run.plan_source = saved.at("plan");
  run.plan = read_plan(run.plan_source).value_or(std::vector<StepPlan>{});
  for (const auto& step : saved.at("steps")) {
    run.steps.push_back({.status = step.at("status").get<StepStatus>(),
                         .attempt = step.at("attempt"),
                         .started_at = time(step, "started_at"),
                         .finished_at = time(step, "finished_at"),
                         .duration_ms = step.at("duration_ms"),
                         .exit_code = step.at("exit_code"),
                         .output = step.at("output"),
                         .output_digest = step.at("output_digest"),
                         .error = step.at("error"),
                         .approver_role = step.at("approver_role"),
                         .prompt = step.at("prompt")});
  }
  run.current_index = saved.at("current_index");
  if (!saved.at("helped").is_null()) run.helped = saved.at("helped").get<bool>();
  run.started_seq = saved.at("started_seq");
  return run;
}

}  // namespace wellrun::procedures
