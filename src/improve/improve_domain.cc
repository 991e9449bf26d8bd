#include "improve/improve_domain.h"

#include <fmt/format.h>

#include "core/text.h"
#include "facts/health.h"

namespace wellrun::improve {
namespace {

constexpr Duration kBudgetActionDue = std::chrono::hours(14 * 24);

template <typename Payload>
journal::NewFact fact_of(const std::string& stream, const Payload& payload,
                         const std::string& actor, const std::string& story) {
  return {.stream = stream,
          .type = Payload::kType,
          .actor = actor,
          .body = payload,
          .correlation = story};
}

/// Of an action that is finished and expects something.
EffectWatch watch_of(const Action& action, std::vector<bool> had_before = {}) {
  return {.kind = "improve.look",
          .subject = action.what.action,
          .changed_at = *action.finished_at,
          .expects = *action.expects,
          .guard_rails = {},
          .had_before = std::move(had_before)};
}

}  // namespace

void ImproveDomain::apply(const journal::Fact& fact) {
  if (fact.type == "incident.opened") {
    workloads_[text_or(fact.body, "incident")] = text_or(fact.body, "workload");
  } else if (fact.type == facts::AnalysisDrafted::kType) {
    auto what = fact.body.get<facts::AnalysisDrafted>();
    workloads_.erase(what.incident);
    analyses_.insert_or_assign(
        what.analysis, Analysis{.what = what, .drafted_at = fact.time, .drafted_seq = fact.seq});
  } else if (fact.type == facts::AnalysisEdited::kType) {
    const auto body = fact.body.get<facts::AnalysisEdited>();
    if (const auto found = analyses_.find(body.analysis); found != analyses_.end())
      found->second.edits[body.section] = {.text = body.text, .by = body.by, .seq = fact.seq};
  } else if (fact.type == facts::AnalysisSigned::kType) {
    const auto body = fact.body.get<facts::AnalysisSigned>();
    if (const auto found = analyses_.find(body.analysis); found != analyses_.end()) {
      found->second.signed_by = body.by;
      found->second.signed_at = fact.time;
    }
  } else if (fact.type == facts::ActionCreated::kType) {
    auto what = fact.body.get<facts::ActionCreated>();
    actions_.insert_or_assign(what.action, Action{.what = what, .created_at = fact.time});
  } else if (fact.type == facts::ActionFinished::kType) {
    const auto body = fact.body.get<facts::ActionFinished>();
    if (const auto found = actions_.find(body.action); found != actions_.end()) {
      found->second.finished_by = body.by;
      found->second.finished_at = fact.time;
      found->second.proof = body.proof;
    }
  } else if (fact.type == facts::ActionEffectExpected::kType) {
    auto body = fact.body.get<facts::ActionEffectExpected>();
    if (const auto found = actions_.find(body.action); found != actions_.end())
      found->second.expects = std::move(body.expects);
  } else if (fact.type == facts::ActionEffectJudged::kType) {
    auto body = fact.body.get<facts::ActionEffectJudged>();
    if (const auto found = actions_.find(body.action); found != actions_.end())
      found->second.effect = std::move(body.verdict);
  }
}

journal::Decision ImproveDomain::on_finished(const journal::Fact& fact, Timestamp now) const {
  const auto found = actions_.find(text_or(fact.body, "action"));
  if (found == actions_.end() || !found->second.expects) return {};
  return {.facts = {}, .intents = {next_look(watch_of(found->second), now)}};
}

/// One action for a step at a time: while it is open, reaching the step again asks nothing new.
journal::Decision ImproveDomain::on_budget_step(const journal::Fact& fact, Timestamp now) const {
  const auto step = fact.body.get<facts::BudgetStepReached>();
  if (std::ranges::find(step.then, "action") == step.then.end()) return {};
  facts::ActionCreated action;
  action.title = fmt::format("Win back the error budget of {} ({:g}% used, policy {})", step.slo,
                             step.at, step.policy);
  for (const auto& [id, known] : actions_) {
    if (known.what.title == action.title && known.finished_by.empty()) return {};
  }
  action.action = fmt::format("act-{:04}", actions_.size() + 1);
  action.owner = step.owner;
  action.due = format_rfc3339(now + kBudgetActionDue);
  action.by = "policy:" + step.policy;
  return {.facts = {fact_of("action/" + action.action, action, "system", "slo/" + step.slo)},
          .intents = {}};
}

journal::Decision ImproveDomain::react(const journal::Fact& fact, Timestamp now) {
  if (fact.type == facts::BudgetStepReached::kType) return on_budget_step(fact, now);
  if (fact.type == facts::ActionFinished::kType) return on_finished(fact, now);
  if (fact.type != "incident.resolved") return {};
  const auto incident = text_or(fact.body, "incident");
  const auto workload = workloads_.find(incident);
  if (workload == workloads_.end()) return {};
  const facts::AnalysisDrafted body{.analysis = "ana-" + incident.substr(incident.find('-') + 1),
                                    .incident = incident,
                                    .workload = workload->second};
  return {.facts = {fact_of("analysis/" + body.analysis, body, "system", incident)}, .intents = {}};
}

journal::Decision ImproveDomain::outcome(const journal::Intent& intent,
                                         const journal::Outcome& outcome, Timestamp now) {
  const auto found = actions_.find(subject_of(intent));
  if (found == actions_.end()) return {};
  const auto look = look_of(intent, outcome);
  const auto& id = found->first;
  journal::Decision decision;
  decision.facts.push_back(fact_of(
      "action/" + id, facts::ActionEffectJudged{id, look.number, look.verdict}, "system", ""));
  if (!look.verdict.last)
    decision.intents.push_back(next_look(watch_of(found->second, look.had_before), now));
  return decision;
}

Result<const Analysis*> ImproveDomain::open_analysis(const std::string& id) const {
  const auto found = analyses_.find(id);
  if (found == analyses_.end())
    return fail(ErrorCode::kNotFound,
                fmt::format("no analysis {}; GET /api/v1/analyses lists them", quote(id)));
  if (!found->second.signed_by.empty()) {
    return fail(ErrorCode::kConflict, fmt::format("analysis {} was signed by {} and stays as it is",
                                                  id, found->second.signed_by));
  }
  return &found->second;
}

Result<journal::Decision> ImproveDomain::edit(const std::string& id, const std::string& section,
                                              const std::string& text,
                                              const std::string& by) const {
  TRY(const auto* analysis, open_analysis(id));
  if (section.empty()) return fail(ErrorCode::kInvalid, "name the section to write", "section");
  if (text.empty()) return fail(ErrorCode::kInvalid, "say what is to stand there", "text");
  return journal::Decision{
      .facts = {fact_of("analysis/" + id, facts::AnalysisEdited{id, section, text, by}, by,
                        analysis->what.incident)},
      .intents = {}};
}

Result<journal::Decision> ImproveDomain::sign(const std::string& id, const std::string& by) const {
  TRY(const auto* analysis, open_analysis(id));
  return journal::Decision{.facts = {fact_of("analysis/" + id, facts::AnalysisSigned{id, by}, by,
                                             analysis->what.incident)},
                           .intents = {}};
}

Result<journal::Decision> ImproveDomain::create(facts::ActionCreated action) const {
  if (action.title.empty()) return fail(ErrorCode::kInvalid, "say what is to be done", "title");
  if (action.owner.empty())
    return fail(ErrorCode::kInvalid, "name who does it: an action without an owner is not done",
                "owner");
  if (auto due = parse_rfc3339(action.due); !due)
    return fail(ErrorCode::kInvalid, due.error().message, "due");
  std::string story;
  if (!action.analysis.empty()) {
    const auto found = analyses_.find(action.analysis);
    if (found == analyses_.end())
      return fail(ErrorCode::kNotFound, fmt::format("no analysis {}", quote(action.analysis)),
                  "analysis");
    story = found->second.what.incident;
  }
  action.action = fmt::format("act-{:04}", actions_.size() + 1);
  return journal::Decision{.facts = {fact_of("action/" + action.action, action, action.by,
                                             story.empty() ? action.action : story)},
                           .intents = {}};
}

Result<const Action*> ImproveDomain::open_action(const std::string& id) const {
  const auto found = actions_.find(id);
  if (found == actions_.end())
    return fail(ErrorCode::kNotFound,
                fmt::format("no action {}; GET /api/v1/actions lists them", quote(id)));
  if (!found->second.finished_by.empty())
    return fail(ErrorCode::kConflict,
                fmt::format("action {} was finished by {}", id, found->second.finished_by));
  return &found->second;
}

Result<journal::Decision> ImproveDomain::expect(const std::string& id,
                                                const facts::Expectation& expects,
                                                const std::string& by) const {
  if (const auto action = open_action(id); !action) {
    auto error = action.error();
    if (error.code == ErrorCode::kConflict)
      error.message += ": an effect is stated before the figures are known";
    return std::unexpected(std::move(error));
  }
  TRY_STATUS(check(expects));
  return journal::Decision{
      .facts = {fact_of("action/" + id, facts::ActionEffectExpected{id, expects, by}, by, id)},
      .intents = {}};
}

Result<journal::Decision> ImproveDomain::finish(const std::string& id, const std::string& proof,
                                                const std::string& by) const {
  TRY_STATUS(open_action(id));
  return journal::Decision{
      .facts = {fact_of("action/" + id, facts::ActionFinished{id, by, proof}, by, "")},
      .intents = {}};
}

Json ImproveDomain::snapshot() const {
  Json analyses = Json::array();
  for (const auto& [id, a] : analyses_)
    analyses.push_back({a.what, a.drafted_at, a.drafted_seq, a.edits, a.signed_by, a.signed_at});
  Json actions = Json::array();
  for (const auto& [id, a] : actions_)
    actions.push_back(
        {a.what, a.created_at, a.finished_by, a.proof, a.finished_at, a.expects, a.effect});
  return {{"analyses", std::move(analyses)},
          {"actions", std::move(actions)},
          {"workloads", workloads_}};
}

Status ImproveDomain::restore(const Json& snapshot) {
  try {
    analyses_.clear();
    actions_.clear();
    for (const auto& a : snapshot.at("analyses")) {
      Analysis analysis{.what = a.at(0).get<facts::AnalysisDrafted>(),
                        .drafted_at = a.at(1).get<Timestamp>(),
                        .drafted_seq = a.at(2).get<journal::Sequence>(),
                        .edits = a.at(3).get<std::map<std::string, Edit>>(),
                        .signed_by = a.at(4).get<std::string>(),
                        .signed_at = a.at(5).get<std::optional<Timestamp>>()};
      analyses_.emplace(analysis.what.analysis, std::move(analysis));
    }
    for (const auto& a : snapshot.at("actions")) {
      Action action{.what = a.at(0).get<facts::ActionCreated>(),
                    .created_at = a.at(1).get<Timestamp>(),
                    .finished_by = a.at(2).get<std::string>(),
                    .finished_at = a.at(4).get<std::optional<Timestamp>>(),
                    .proof = a.at(3).get<std::string>(),
                    .expects = a.at(5).get<std::optional<facts::Expectation>>(),
                    .effect = a.at(6).get<std::optional<facts::EffectVerdict>>()};
      actions_.emplace(action.what.action, std::move(action));
    }
    workloads_ = snapshot.at("workloads").get<std::map<std::string, std::string>>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of improve");
  }
  return {};
}

}  // namespace wellrun::improve
