#include "procedures/run_fsm.h"

#include <fmt/format.h>

#include "catalog/shell_command.h"
#include "core/text.h"
#include "journal/body_limit.h"
#include "platform/http/message.h"
#include "procedures/quoted_template.h"
#include "procedures/url_template.h"

namespace wellrun::procedures {
namespace {

// Of a fact's 16 KiB, as JSON.
constexpr std::size_t kMaxOutput = 8 << 10;
constexpr std::size_t kMaxError = 2 << 10;
constexpr std::size_t kMaxPrompt = 8 << 10;

template <typename Payload>
journal::NewFact fact_of(const Run& run, const Payload& payload,
                         const std::string& actor = "system") {
  return {.stream = "run/" + run.id,
          .type = Payload::kType,
          .actor = actor,
          .body = payload,
          .correlation = run.incident.empty() ? run.id : run.incident};
}

const StepState* current(const Run& run) {
  return run.current_index < run.steps.size() ? &run.steps[run.current_index] : nullptr;
}

journal::NewFact finish(const Run& run, std::string outcome, Timestamp now, const std::string& by) {
  return fact_of(run,
                 facts::RunFinished{.run = run.id,
                                    .runbook = run.runbook,
                                    .incident = run.incident,
                                    .outcome = std::move(outcome),
                                    .duration_ms = (now - run.started_at).count(),
                                    .by = by},
                 by);
}

std::string value_of(std::string_view name, const Run& run);

/// A command's templates become variables of its shell, their values go beside it: whatever an
/// input holds, the shell does not read it as a command.
Json shell_spec(const Json& spec, const Run& run) {
  Json rendered = spec.is_string() ? Json::object() : render_all(spec, run);
  const auto command =
      catalog::shell_command(spec.is_string() ? spec.get<std::string>() : text_or(spec, "command"));
  rendered["command"] = command.text;
  auto& values = rendered["values"] = Json::object();
  for (std::size_t i = 0; i < command.names.size(); ++i)
    values[catalog::shell_variable(i)] = value_of(command.names[i], run);
  return rendered;
}

std::string content_type(const Json& http_spec) {
  http::Headers headers;
  const auto given = http_spec.value("headers", Json::object());
  for (const auto& [name, value] : given.items()) headers.push_back({name, value});
  return std::string(http::find_header(headers, "Content-Type"));
}

/// A request's values: each in its place, see url_template.h and quoted_template.h. `public_only`:
/// whoever gave the host may not reach what only the server can.
Json http_spec(const Json& spec, const Run& run) {
  auto rendered = render_all(spec, run);
  const auto value = [&](std::string_view name) { return value_of(name, run); };
  const auto filled = fill_url(text_or(spec, "url"), value);
  rendered["url"] = filled.url;
  if (spec.contains("body"))
    rendered["body"] = fill_body(text_or(spec, "body"), content_type(rendered), value);
  rendered["public_only"] = filled.host_is_filled_in && !bool_or(spec, "privateAddresses", false);
  return rendered;
}

/// A check before a dangerous step must not hold because of what a value adds to its question.
Json query_spec(const Json& spec, const Run& run) {
  auto rendered = render_all(spec, run);
  rendered["expr"] =
      fill_query(text_or(spec, "expr"), [&](std::string_view name) { return value_of(name, run); });
  return rendered;
}

Json step_spec(const StepPlan& plan, const Run& run) {
  if (plan.kind == StepKind::kRun) return shell_spec(plan.spec, run);
  if (plan.kind == StepKind::kHttp && plan.spec.is_object()) return http_spec(plan.spec, run);
  if (plan.kind == StepKind::kQuery && plan.spec.is_object()) return query_spec(plan.spec, run);
  return render_all(plan.spec, run);
}

/// What the performer of a step's kind gets. References to secrets stay references.
Json step_request(const Run& run, const StepPlan& plan) {
  Json secrets = Json::object();
  for (const auto& name : run.secret_inputs) {
    const auto input = run.inputs.find(name);
    if (input != run.inputs.end()) secrets[name] = input->second;
  }
  Json inputs = Json::object();
  for (const auto& [name, value] : run.inputs) {
    if (!secrets.contains(name)) inputs[name] = value;
  }
  return {{"run", run.id},
          {"run_started_ms", to_unix_ms(run.started_at)},
          {"index", run.current_index},
          {"attempt", run.steps[run.current_index].attempt + 1},
          {"spec", step_spec(plan, run)},
          {"inputs", std::move(inputs)},
          {"secrets", std::move(secrets)},
          {"incident", run.incident},
          {"workload", run.workload},
          {"timeout_ms", plan.timeout.count()}};
}

/// Waits between attempts: 1 s, 2 s, 4 s … at most a minute.
Duration backoff(int attempt) {
  return std::chrono::seconds(std::min(60, 1 << std::min(attempt - 1, 6)));
}

Next start_step(const Run& run, Timestamp now) {
  const auto index = run.current_index;
  const auto& plan = run.plan[index];
  const int attempt = run.steps[index].attempt + 1;
  Next next;
  next.decision.facts.push_back(
      fact_of(run, facts::RunStepStarted{run.id, plan.name, static_cast<int>(index), attempt}));
  switch (plan.kind) {
    case StepKind::kRun:
    case StepKind::kHttp:
    case StepKind::kQuery:
      next.decision.intents.push_back(
          {.key = fmt::format("procedures/{}/{}/{}", run.id, index, attempt),
           .kind = fmt::format("procedures.{}", name_of(plan.kind)),
           .request = step_request(run, plan),
           .repeatable = plan.repeatable,
           .not_before = attempt == 1 ? Timestamp{} : now + backoff(attempt - 1)});
      break;
    case StepKind::kWait:
      break;  // derived: see wait_due()
    case StepKind::kApprove:
      next.decision.facts.push_back(fact_of(
          run,
          facts::RunApprovalRequested{.run = run.id,
                                      .step = plan.name,
                                      .index = static_cast<int>(index),
                                      .role = text_or(plan.spec, "role", "responder"),
                                      .prompt = journal::beginning_within(
                                          render(text_or(plan.spec, "prompt"), run), kMaxPrompt)}));
      break;
    case StepKind::kRunbook: {
      ChildRun child{.step_index = index, .runbook = text_or(plan.spec, "name"), .inputs = {}};
      if (plan.spec.contains("inputs") && plan.spec.at("inputs").is_object()) {
        for (const auto& [name, value] : plan.spec.at("inputs").items()) {
          child.inputs[name] =
              render(value.is_string() ? value.get<std::string>() : value.dump(), run);
        }
      }
      next.child = std::move(child);
      break;
    }
  }
  return next;
}

/// Its outcome has not come: it was let begin, or will be.
bool is_under_way(const Run& run, int index, int attempt) {
  const auto at = static_cast<std::size_t>(index);
  return at < run.steps.size() && run.steps[at].attempt == attempt &&
         run.steps[at].status == StepStatus::kRunning;
}

void apply_step_finished(Run& run, const facts::RunStepFinished& body, Timestamp time) {
  const auto index = static_cast<std::size_t>(body.index);
  if (index >= run.steps.size()) return;
  auto& step = run.steps[index];
  step.finished_at = time;
  step.duration_ms = body.duration_ms;
  step.exit_code = body.exit_code;
  step.output = body.output;
  step.output_digest = body.output_digest;
  step.error = body.error;
  if (body.outcome == "succeeded") step.status = StepStatus::kSucceeded;
  if (body.outcome == "skipped") step.status = StepStatus::kSkipped;
  if (body.outcome == "failed") step.status = StepStatus::kFailed;
  if (body.outcome == "unknown") step.status = StepStatus::kUnknown;
  if (is_finished(run.status)) return;
  run.status = body.outcome == "unknown" ? RunStatus::kUnknown : RunStatus::kRunning;
  const bool over = step.status == StepStatus::kSucceeded || step.status == StepStatus::kSkipped;
  if (over) run.current_index = index + 1;
}

RunStatus status_of(const std::string& outcome) {
  if (outcome == "succeeded") return RunStatus::kSucceeded;
  return outcome == "cancelled" ? RunStatus::kCancelled : RunStatus::kFailed;
}

std::string value_of(std::string_view name, const Run& run) {
  constexpr std::string_view kInputs = "inputs.";
  constexpr std::string_view kSteps = "steps.";
  if (name == "run.id") return run.id;
  if (name == "incident.id") return run.incident;
  if (name == "incident.workload" || name == "workload") return run.workload;
  if (name.starts_with(kInputs)) {
    const auto input = run.inputs.find(std::string(name.substr(kInputs.size())));
    return input == run.inputs.end() ? std::string() : input->second;
  }
  if (name.starts_with(kSteps) && name.ends_with(".output")) {
    const auto step_name = name.substr(
        kSteps.size(), name.size() - kSteps.size() - std::string_view(".output").size());
    for (std::size_t i = 0; i < run.plan.size(); ++i) {
      if (run.plan[i].name == step_name) return std::string(trimmed(run.steps[i].output));
    }
  }
  return {};
}

}  // namespace

Run begin(const journal::Fact& started) {
  const auto body = started.body.get<facts::RunStarted>();
  Run run{.id = body.run, .runbook = body.runbook, .digest = body.digest};
  if (body.inputs.is_object()) run.inputs = body.inputs.get<std::map<std::string, std::string>>();
  if (body.secret_inputs.is_array())
    run.secret_inputs = body.secret_inputs.get<std::vector<std::string>>();
  run.by = body.by;
  run.incident = body.incident;
  run.workload = body.workload;
  run.parent_run = body.parent_run;
  run.parent_index = body.parent_index;
  run.depth = body.depth;
  run.started_at = started.time;
  run.started_seq = started.seq;
  run.plan_source = body.plan;
  if (auto plan = read_plan(body.plan)) run.plan = std::move(*plan);
  run.steps.resize(run.plan.size());
  return run;
}

void apply(Run& run, const journal::Fact& fact) {
  if (fact.type == facts::RunStepStarted::kType) {
    const auto body = fact.body.get<facts::RunStepStarted>();
    const auto index = static_cast<std::size_t>(body.index);
    if (index >= run.steps.size()) return;
    run.steps[index] = {
        .status = StepStatus::kRunning, .attempt = body.attempt, .started_at = fact.time};
    run.current_index = index;
    run.status = RunStatus::kRunning;
  } else if (fact.type == facts::RunApprovalRequested::kType) {
    const auto body = fact.body.get<facts::RunApprovalRequested>();
    const auto index = static_cast<std::size_t>(body.index);
    if (index >= run.steps.size()) return;
    run.steps[index].status = StepStatus::kWaitingApproval;
    run.steps[index].approver_role = body.role;
    run.steps[index].prompt = body.prompt;
    run.status = RunStatus::kWaitingApproval;
  } else if (fact.type == facts::RunStepFinished::kType) {
    apply_step_finished(run, fact.body.get<facts::RunStepFinished>(), fact.time);
  } else if (fact.type == facts::RunResumed::kType) {
    const auto body = fact.body.get<facts::RunResumed>();
    if (run.current_index >= run.steps.size()) return;
    run.status = RunStatus::kRunning;
    if (body.decision == "retry") run.steps[run.current_index].status = StepStatus::kPending;
  } else if (fact.type == facts::RunFinished::kType) {
    run.status = status_of(fact.body.get<facts::RunFinished>().outcome);
    run.finished_at = fact.time;
  } else if (fact.type == facts::RunVerdictGiven::kType) {
    run.helped = fact.body.get<facts::RunVerdictGiven>().helped;
  }
}

Result<Run> read_run(const journal::Store& store, const std::string& id) {
  constexpr std::size_t kMaxFactsRead = 100'000;
  TRY(const auto facts, store.read({.stream = "run/" + id, .limit = kMaxFactsRead}));
  if (facts.empty() || facts.front().type != facts::RunStarted::kType) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no run {}; GET /api/v1/runs lists the newest", quote(id)));
  }
  auto run = begin(facts.front());
  for (std::size_t i = 1; i < facts.size(); ++i) apply(run, facts[i]);
  return run;
}

Next proceed(const Run& run, Timestamp now) {
  if (run.status != RunStatus::kRunning) return {};
  const auto* step = current(run);
  if (step == nullptr) {
    const bool any_failed = std::ranges::any_of(
        run.steps, [](const StepState& s) { return s.status == StepStatus::kFailed; });
    return {.decision = {.facts = {finish(run, any_failed ? "failed" : "succeeded", now, run.by)},
                         .intents = {}},
            .child = {}};
  }
  switch (step->status) {
    case StepStatus::kPending:
      return start_step(run, now);
    case StepStatus::kFailed: {
      if (now < onward_due(run)) return {};
      const auto& plan = run.plan[run.current_index];
      if (step->attempt <= plan.retries) return start_step(run, now);
      if (plan.continue_on_failure) {
        Run onward = run;
        ++onward.current_index;
        return proceed(onward, now);
      }
      return {.decision = {.facts = {finish(run, "failed", now, run.by)}, .intents = {}},
              .child = {}};
    }
    default:
      return {};
  }
}

bool may_begin(const Run& run, int index, int attempt) {
  return !is_finished(run.status) && is_under_way(run, index, attempt);
}

journal::Decision step_outcome(const Run& run, int index, int attempt,
                               const journal::Outcome& outcome) {
  if (!is_under_way(run, index, attempt)) return {};
  const auto at = static_cast<std::size_t>(index);
  using Kind = journal::Outcome::Kind;
  facts::RunStepFinished body{
      .run = run.id, .step = run.plan[at].name, .index = index, .attempt = attempt};
  body.outcome = outcome.kind == Kind::kDone     ? "succeeded"
                 : outcome.kind == Kind::kFailed ? "failed"
                                                 : "unknown";
  body.error = journal::beginning_within(outcome.error, kMaxError);
  body.exit_code = static_cast<int>(number_or(outcome.detail, "exit_code", 0));
  body.output = journal::end_within(text_or(outcome.detail, "output"), kMaxOutput);
  body.output_digest = text_or(outcome.detail, "output_digest");
  body.duration_ms = static_cast<std::int64_t>(number_or(outcome.detail, "duration_ms", 0));
  return {.facts = {fact_of(run, body)}, .intents = {}};
}

bool rests(const Run& run) {
  const auto* step = current(run);
  return run.status == RunStatus::kRunning && step != nullptr &&
         step->status == StepStatus::kFailed &&
         run.plan[run.current_index].kind == StepKind::kRunbook;
}

std::optional<Timestamp> onward_due(const Run& run) {
  if (run.status != RunStatus::kRunning) return std::nullopt;
  const auto* step = current(run);
  if (step == nullptr || step->status == StepStatus::kPending) {
    return run.current_index == 0 ? run.started_at : run.steps[run.current_index - 1].finished_at;
  }
  if (step->status != StepStatus::kFailed) return std::nullopt;
  const bool is_tried_again = step->attempt <= run.plan[run.current_index].retries;
  return step->finished_at + (rests(run) && is_tried_again ? backoff(step->attempt) : Duration{0});
}

std::optional<Timestamp> wait_due(const Run& run) {
  const auto* step = current(run);
  if (run.status != RunStatus::kRunning || step == nullptr || step->status != StepStatus::kRunning)
    return std::nullopt;
  const auto& plan = run.plan[run.current_index];
  if (plan.kind != StepKind::kWait) return std::nullopt;
  const auto text =
      plan.spec.is_string() ? plan.spec.get<std::string>() : text_or(plan.spec, "duration", "0");
  return step->started_at + parse_duration(text).value_or(Duration{0});
}

Result<journal::Decision> approve(const Run& run, int index, bool approved, const std::string& by,
                                  const std::string& comment) {
  const auto at = static_cast<std::size_t>(index);
  if (run.status != RunStatus::kWaitingApproval || at != run.current_index) {
    return fail(ErrorCode::kConflict,
                fmt::format("run {} is {}; step {} does not wait for an approval", run.id,
                            name_of(run.status), index));
  }
  const auto& plan = run.plan[at];
  const auto& step = run.steps[at];
  facts::RunStepFinished finished{
      .run = run.id, .step = plan.name, .index = index, .attempt = step.attempt};
  finished.outcome = approved ? "succeeded" : "failed";
  finished.error = approved ? "" : fmt::format("refused by {}", by);
  journal::Decision decision;
  decision.facts.push_back(
      fact_of(run, facts::RunApproved{run.id, plan.name, index, by, approved, comment}, by));
  decision.facts.push_back(fact_of(run, finished, by));
  return decision;
}

Result<journal::Decision> judge(const Run& run, bool helped, const std::string& by,
                                const std::string& comment) {
  if (!is_finished(run.status)) {
    return fail(ErrorCode::kConflict,
                fmt::format("run {} is {}; say whether it helped once it is over", run.id,
                            name_of(run.status)));
  }
  return journal::Decision{
      .facts = {fact_of(run, facts::RunVerdictGiven{run.id, run.runbook, helped, comment, by}, by)},
      .intents = {}};
}

Result<journal::Decision> cancel(const Run& run, const std::string& by, Timestamp now) {
  if (is_finished(run.status)) {
    return fail(ErrorCode::kConflict,
                fmt::format("run {} has already {}; there is nothing to cancel", run.id,
                            name_of(run.status)));
  }
  return journal::Decision{.facts = {finish(run, "cancelled", now, by)}, .intents = {}};
}

Result<journal::Decision> resume(const Run& run, const std::string& decision, const std::string& by,
                                 Timestamp now) {
  if (run.status != RunStatus::kUnknown) {
    return fail(
        ErrorCode::kConflict,
        fmt::format("run {} is {}; only a run with a step of unknown outcome can be resumed",
                    run.id, name_of(run.status)));
  }
  const auto index = static_cast<int>(run.current_index);
  const auto& plan = run.plan[run.current_index];
  journal::Decision result;
  if (decision != "done" && decision != "retry" && decision != "abort") {
    return fail(ErrorCode::kInvalid,
                fmt::format("decision {} is none of done (the step did its work), retry, abort",
                            quote(decision)));
  }
  result.facts.push_back(
      fact_of(run, facts::RunResumed{run.id, plan.name, index, decision, by}, by));
  if (decision == "done") {
    facts::RunStepFinished finished{.run = run.id,
                                    .step = plan.name,
                                    .index = index,
                                    .attempt = run.steps[run.current_index].attempt};
    finished.outcome = "succeeded";
    finished.output = fmt::format("{} saw that it was done", by);
    result.facts.push_back(fact_of(run, finished, by));
  }
  if (decision == "abort") result.facts.push_back(finish(run, "failed", now, by));
  return result;
}

std::string render(std::string_view text, const Run& run) {
  std::string result;
  while (true) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) return result.append(text);
    result.append(text.substr(0, open));
    result += value_of(trimmed(text.substr(open + 2, close - open - 2)), run);
    text.remove_prefix(close + 2);
  }
}

Json render_all(const Json& json, const Run& run) {
  if (json.is_string()) return render(json.get_ref<const std::string&>(), run);
  if (!json.is_structured()) return json;
  Json result = json;
  for (auto& value : result) value = render_all(value, run);
  return result;
}

}  // namespace wellrun::procedures
