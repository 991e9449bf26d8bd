#include "procedures/procedures_domain.h"

#include <fmt/format.h>

#include "catalog/kinds/automation.h"
#include "catalog/kinds/runbook.h"
#include "core/text.h"
#include "journal/body_limit.h"
#include "procedures/run_fsm.h"
#include "procedures/secret_inputs.h"

namespace wellrun::procedures {
namespace {

constexpr std::size_t kKeptRuns = 1000;
constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxPlanBytes = 12 << 10;
constexpr std::size_t kMaxReasonBytes = 2 << 10;
constexpr Duration kHour{3'600'000};

/// Given inputs with defaults filled in, each known and each required one there.
Result<std::map<std::string, std::string>> complete_inputs(
    const catalog::Runbook& runbook, std::map<std::string, std::string> inputs) {
  std::vector<std::string> known;
  for (const auto& input : runbook.inputs) {
    known.push_back(input.name);
    const auto given = inputs.find(input.name);
    if (given == inputs.end()) {
      if (input.default_value) inputs[input.name] = *input.default_value;
      if (input.required && !input.default_value) {
        return fail(ErrorCode::kInvalid,
                    fmt::format("runbook {} needs input {}: {}", runbook.metadata.name,
                                quote(input.name), input.description));
      }
    }
  }
  for (const auto& [name, value] : inputs) {
    if (std::ranges::find(known, name) == known.end()) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("runbook {} has no input {}{}", runbook.metadata.name, quote(name),
                              did_you_mean(name, known)));
    }
  }
  return inputs;
}

std::vector<std::string> runbook_names(const catalog::Catalog& catalog) {
  std::vector<std::string> names;
  for (const auto* runbook : catalog.all<catalog::Runbook>())
    names.push_back(runbook->metadata.name);
  return names;
}

bool matches(const catalog::Automation& automation, const journal::Fact& fact) {
  if (automation.on != fact.type) return false;
  return std::ranges::all_of(automation.when, [&](const auto& condition) {
    const auto& [field, values] = condition;
    if (!fact.body.is_object() || !fact.body.contains(field)) return false;
    const auto& found = fact.body.at(field);
    const auto text = found.is_string() ? found.template get<std::string>() : found.dump();
    return std::ranges::find(values, text) != values.end();
  });
}

/// Why it may not start now, or empty.
std::string held_back(const catalog::Automation& automation, const AutomationRecord* record,
                      Timestamp now) {
  if (automation.dry_run) return "dry run: it would have started " + automation.runbook.name;
  if (record == nullptr || record->recent.empty()) return {};
  const auto since_last = now - record->recent.back();
  if (since_last < automation.limits.cooldown) {
    return fmt::format("cooldown: the last run was {} ago, {} apart is allowed",
                       format_age(since_last), format_duration(automation.limits.cooldown));
  }
  const auto in_hour =
      std::ranges::count_if(record->recent, [&](Timestamp at) { return now - at < kHour; });
  if (in_hour >= automation.limits.max_per_hour) {
    return fmt::format("limit: {} runs in the last hour, {} are allowed", in_hour,
                       automation.limits.max_per_hour);
  }
  return {};
}

/// `{{fact.<field>}}` in an automation's inputs.
std::string fill(std::string_view text, const journal::Fact& fact) {
  std::string result;
  while (true) {
    const auto open = text.find("{{fact.");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) return result.append(text);
    result.append(text.substr(0, open));
    result += text_or(fact.body, trimmed(text.substr(open + 7, close - open - 7)));
    text.remove_prefix(close + 2);
  }
}

std::string stream_of(const std::string& automation) {
  return "automation/" + automation;
}

journal::NewFact automation_fact(const std::string& automation, const char* type, Json body,
                                 std::string story) {
  return {.stream = stream_of(automation),
          .type = type,
          .actor = "automation:" + automation,
          .body = std::move(body),
          .correlation = std::move(story)};
}

std::size_t& verdicts(RunbookRecord& record, bool helped) {
  return helped ? record.helped : record.did_not_help;
}

std::uint64_t runs_started_in(const journal::Decision& decision) {
  return static_cast<std::uint64_t>(std::ranges::count(
      decision.facts, std::string(facts::RunStarted::kType), &journal::NewFact::type));
}

/// Of which step an intent is.
struct Attempt {
  std::string run;
  int index, number;
};
Attempt attempt_of(const journal::Intent& intent) {
  return {text_or(intent.request, "run"), static_cast<int>(number_or(intent.request, "index", -1)),
          static_cast<int>(number_or(intent.request, "attempt", 0))};
}

void append(journal::Decision& to, journal::Decision more) {
  std::ranges::move(more.facts, std::back_inserter(to.facts));
  std::ranges::move(more.intents, std::back_inserter(to.intents));
}

}  // namespace

std::string ProceduresDomain::next_id(std::uint64_t started_already) const {
  return fmt::format("run-{:04}", run_count_ + started_already + 1);
}

const Run* ProceduresDomain::find(const std::string& id) const {
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : &found->second;
}

Result<journal::NewFact> ProceduresDomain::started_fact(const StartRequest& request,
                                                        const Run* parent, int parent_index,
                                                        std::string id) const {
  const auto* runbook = catalog_.find<catalog::Runbook>(request.runbook);
  const auto* resource = catalog_.resource(catalog::Runbook::kKind, request.runbook);
  if (runbook == nullptr || resource == nullptr) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no runbook named {}{}", quote(request.runbook),
                            did_you_mean(request.runbook, runbook_names(catalog_))));
  }
  const SecretSources sources{catalog_, options_.secrets_folder, parent};
  TRY(const auto inputs, complete_inputs(*runbook, request.inputs));
  TRY_STATUS(check_secret_inputs(*runbook, inputs, sources));
  const auto& steps = resource->spec().at("steps");
  if (const auto size = to_text(steps).size(); size > kMaxPlanBytes) {
    return fail(
        ErrorCode::kTooLarge,
        fmt::format(
            "the steps of runbook {} take {} bytes, {} fit; move some into a runbook of their own",
            request.runbook, size, kMaxPlanBytes));
  }
  if (auto plan = read_plan(steps); !plan) return std::unexpected(plan.error());
  facts::RunStarted body{
      .run = std::move(id), .runbook = request.runbook, .digest = resource->digest};
  body.inputs = Json::object();
  for (const auto& [name, value] : inputs) body.inputs[name] = value;
  body.secret_inputs = Json::array();
  for (const auto& input : runbook->inputs) {
    if (input.secret) body.secret_inputs.push_back(input.name);
  }
  body.plan = steps;
  body.incident = request.incident;
  body.workload = request.workload.empty() ? runbook->workload.name : request.workload;
  body.by = request.by;
  if (parent != nullptr) {
    body.parent_run = parent->id;
    body.parent_index = parent_index;
    body.depth = parent->depth + 1;
  }
  Json stored = body;
  if (const auto size = to_text(stored).size(); size > journal::kMaxBodyBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("starting runbook {}: its steps and inputs take {} bytes together, {} "
                            "fit; give shorter inputs",
                            request.runbook, size, journal::kMaxBodyBytes));
  }
  return journal::NewFact{.stream = "run/" + body.run,
                          .type = facts::RunStarted::kType,
                          .actor = request.by,
                          .body = std::move(stored),
                          .correlation = body.incident.empty() ? body.run : body.incident};
}

Result<journal::Decision> ProceduresDomain::start(const StartRequest& request) const {
  TRY(auto fact, started_fact(request, nullptr, 0, next_id()));
  return journal::Decision{.facts = {std::move(fact)}, .intents = {}};
}

void ProceduresDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::RunStarted::kType) {
    auto run = begin(fact);
    ++run_count_;
    auto& record = runbook_records_[run.runbook];
    ++record.started;
    record.last_started_at = fact.time;
    runs_.insert_or_assign(run.id, std::move(run));
  } else if (fact.type.starts_with("run.")) {
    const auto found = runs_.find(text_or(fact.body, "run"));
    if (found == runs_.end()) return;
    auto& run = found->second;
    const bool was_finished = is_finished(run.status);
    const auto earlier_verdict = run.helped;
    procedures::apply(run, fact);
    auto& record = runbook_records_[run.runbook];
    if (!was_finished && is_finished(run.status)) {
      if (run.status == RunStatus::kSucceeded) ++record.succeeded;
      if (run.status == RunStatus::kFailed) ++record.failed;
      finished_.push_back(run.id);
      forget_old_runs();
    } else if (fact.type == facts::RunVerdictGiven::kType) {
      if (earlier_verdict) --verdicts(record, *earlier_verdict);
      ++verdicts(record, run.helped.value_or(false));
    }
  } else if (fact.type == facts::AutomationTriggered::kType) {
    auto& record = automation_records_[text_or(fact.body, "automation")];
    ++record.triggered;
    record.last_at = fact.time;
    record.recent.push_back(fact.time);
    while (fact.time - record.recent.front() >= kHour) record.recent.pop_front();
  } else if (fact.type == facts::AutomationSuppressed::kType) {
    auto& record = automation_records_[text_or(fact.body, "automation")];
    ++record.suppressed;
    record.last_at = fact.time;
    record.last_reason = text_or(fact.body, "reason");
  }
}

void ProceduresDomain::forget_old_runs() {
  while (finished_.size() > kKeptRuns) {
    runs_.erase(finished_.front());
    finished_.pop_front();
  }
}

journal::Decision ProceduresDomain::react(const journal::Fact& fact, Timestamp now) {
  auto decision = automations(fact, now);
  if (!fact.type.starts_with("run.")) return decision;
  const auto* run = find(text_or(fact.body, "run"));
  if (run == nullptr) return decision;
  const bool moved = fact.type == facts::RunStarted::kType ||
                     fact.type == facts::RunStepFinished::kType ||
                     fact.type == facts::RunResumed::kType;
  if (moved && !rests(*run)) append(decision, proceed_with(*run, now, runs_started_in(decision)));
  if (fact.type != facts::RunFinished::kType) return decision;
  if (run->status == RunStatus::kCancelled)
    append(decision, cancel_children(*run, text_or(fact.body, "by"), now));
  if (!run->parent_run.empty())
    append(decision, child_finished(*run, text_or(fact.body, "outcome"), now));
  return decision;
}

journal::Decision ProceduresDomain::proceed_with(const Run& run, Timestamp now,
                                                 std::uint64_t started_already) const {
  auto next = procedures::proceed(run, now);
  if (!next.child) return std::move(next.decision);
  const auto step = next.child->step_index;
  const auto index = static_cast<int>(step);
  const StartRequest request{.runbook = next.child->runbook,
                             .inputs = next.child->inputs,
                             .incident = run.incident,
                             .workload = run.workload,
                             .by = run.by};
  auto started =
      run.depth + 1 > kMaxDepth
          ? Result<journal::NewFact>(fail(ErrorCode::kTooLarge,
                                          fmt::format("runbooks nested deeper than {}", kMaxDepth)))
          : started_fact(request, &run, index, next_id(started_already));
  if (started) {
    next.decision.facts.push_back(std::move(*started));
  } else {
    facts::RunStepFinished failed{.run = run.id, .step = run.plan[step].name, .index = index};
    failed.attempt = run.steps[step].attempt + 1;
    failed.outcome = "failed";
    failed.error = journal::beginning_within(started.error().message, kMaxReasonBytes);
    next.decision.facts.push_back({.stream = "run/" + run.id,
                                   .type = facts::RunStepFinished::kType,
                                   .actor = "system",
                                   .body = failed,
                                   .correlation = run.incident.empty() ? run.id : run.incident});
  }
  return std::move(next.decision);
}

journal::Decision ProceduresDomain::child_finished(const Run& child, const std::string& outcome,
                                                   Timestamp now) const {
  const auto* parent = find(child.parent_run);
  if (parent == nullptr || static_cast<std::size_t>(child.parent_index) >= parent->steps.size())
    return {};
  const bool succeeded = outcome == "succeeded";
  return step_outcome(
      *parent, child.parent_index,
      parent->steps[static_cast<std::size_t>(child.parent_index)].attempt,
      {.kind = succeeded ? journal::Outcome::Kind::kDone : journal::Outcome::Kind::kFailed,
       .error = succeeded ? "" : fmt::format("{} {}", child.id, outcome),
       .detail = {{"output", fmt::format("{} {}", child.id, outcome)},
                  {"duration_ms", (now - child.started_at).count()}}});
}

/// To stop a run is to stop what it started. Theirs follow from theirs: each ends with a
/// run.finished of its own.
journal::Decision ProceduresDomain::cancel_children(const Run& cancelled, const std::string& by,
                                                    Timestamp now) const {
  journal::Decision decision;
  for (const auto& [id, run] : runs_) {
    if (run.parent_run != cancelled.id) continue;
    if (auto child = cancel(run, by, now)) append(decision, *std::move(child));
  }
  return decision;
}

/// An automation does not react to what is recorded of itself. One that is held back when it is
/// told of another that was held back says nothing: that would be told to the next, without end.
journal::Decision ProceduresDomain::automations(const journal::Fact& fact, Timestamp now) const {
  journal::Decision decision;
  const bool tells_of_one_held_back = fact.type == facts::AutomationSuppressed::kType;
  std::uint64_t started_count = 0;
  for (const auto* automation : catalog_.all<catalog::Automation>()) {
    if (!automation->enabled || !matches(*automation, fact)) continue;
    const auto& name = automation->metadata.name;
    if (fact.stream == stream_of(name)) continue;
    const auto record = automation_records_.find(name);
    auto reason = held_back(*automation,
                            record == automation_records_.end() ? nullptr : &record->second, now);
    StartRequest request{.runbook = automation->runbook.name, .by = "automation:" + name};
    for (const auto& [input, value] : automation->inputs) request.inputs[input] = fill(value, fact);
    request.incident = text_or(fact.body, "incident");
    request.workload = text_or(fact.body, "workload");
    const auto id = next_id(started_count);
    if (reason.empty()) {
      auto started = started_fact(request, nullptr, 0, id);
      if (started) {
        ++started_count;
        decision.facts.push_back(
            automation_fact(name, facts::AutomationTriggered::kType,
                            facts::AutomationTriggered{name, automation->runbook.name, id,
                                                       request.incident, fact.seq},
                            fact.correlation));
        decision.facts.push_back(std::move(*started));
        continue;
      }
      reason = journal::beginning_within(started.error().message, kMaxReasonBytes);
    }
    if (tells_of_one_held_back) continue;
    decision.facts.push_back(automation_fact(name, facts::AutomationSuppressed::kType,
                                             facts::AutomationSuppressed{name, reason, fact.seq},
                                             fact.correlation));
  }
  return decision;
}

journal::Decision ProceduresDomain::tick(Timestamp now) {
  journal::Decision decision;
  for (const auto& [id, run] : runs_) {
    if (const auto onward = onward_due(run); onward && *onward <= now)
      append(decision, proceed_with(run, now, runs_started_in(decision)));
    const auto due = wait_due(run);
    if (!due || *due > now) continue;
    const auto index = static_cast<int>(run.current_index);
    append(decision,
           step_outcome(run, index, run.steps[run.current_index].attempt,
                        {.detail = {{"duration_ms",
                                     (now - run.steps[run.current_index].started_at).count()}}}));
  }
  return decision;
}

std::optional<Timestamp> ProceduresDomain::next_due() const {
  std::optional<Timestamp> next;
  for (const auto& [id, run] : runs_) {
    if (is_finished(run.status)) continue;
    for (const auto due : {wait_due(run), onward_due(run)}) {
      if (due && (!next || *due < *next)) next = due;
    }
  }
  return next;
}

bool ProceduresDomain::may_begin(const journal::Intent& intent) const {
  const auto attempt = attempt_of(intent);
  const auto* run = find(attempt.run);
  return run != nullptr && procedures::may_begin(*run, attempt.index, attempt.number);
}

journal::Decision ProceduresDomain::outcome(const journal::Intent& intent,
                                            const journal::Outcome& outcome, Timestamp) {
  const auto attempt = attempt_of(intent);
  const auto* run = find(attempt.run);
  if (run == nullptr) return {};
  return step_outcome(*run, attempt.index, attempt.number, outcome);
}

Json ProceduresDomain::snapshot() const {
  Json runs = Json::array();
  for (const auto& [id, run] : runs_) runs.push_back(to_snapshot(run));
  Json runbooks = Json::object();
  for (const auto& [name, r] : runbook_records_) {
    runbooks[name] = {r.started, r.succeeded,    r.failed,
                      r.helped,  r.did_not_help, to_unix_ms(r.last_started_at)};
  }
  Json automations = Json::object();
  for (const auto& [name, r] : automation_records_) {
    Json recent = Json::array();
    for (const auto at : r.recent) recent.push_back(to_unix_ms(at));
    automations[name] = {r.triggered, r.suppressed, std::move(recent), to_unix_ms(r.last_at),
                         r.last_reason};
  }
  return {{"runs", std::move(runs)},
          {"finished", finished_},
          {"run_count", run_count_},
          {"runbooks", std::move(runbooks)},
          {"automations", std::move(automations)}};
}

Status ProceduresDomain::restore(const Json& snapshot) {
  try {
    runs_.clear();
    for (const auto& saved : snapshot.at("runs")) {
      auto run = run_from_snapshot(saved);
      runs_.emplace(run.id, std::move(run));
    }
    finished_ = snapshot.at("finished").get<std::deque<std::string>>();
    run_count_ = snapshot.at("run_count").get<std::uint64_t>();
    runbook_records_.clear();
    for (const auto& [name, r] : snapshot.at("runbooks").items()) {
      runbook_records_[name] = {.started = r.at(0),
                                .succeeded = r.at(1),
                                .failed = r.at(2),
                                .helped = r.at(3),
                                .did_not_help = r.at(4),
                                .last_started_at = from_unix_ms(r.at(5).get<std::int64_t>())};
    }
    automation_records_.clear();
    for (const auto& [name, r] : snapshot.at("automations").items()) {
      auto& record = automation_records_[name];
      record.triggered = r.at(0).get<std::size_t>();
      record.suppressed = r.at(1).get<std::size_t>();
      for (const auto& at : r.at(2)) record.recent.push_back(from_unix_ms(at.get<std::int64_t>()));
      record.last_at = from_unix_ms(r.at(3).get<std::int64_t>());
      record.last_reason = r.at(4).get<std::string>();
    }
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of procedures");
  }
  return {};
}

}  // namespace wellrun::procedures
