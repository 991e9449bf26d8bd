#include "improve/experiment/experiment_domain.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::improve {
namespace {

template <typename Payload>
journal::NewFact fact_of(const Payload& payload, const std::string& actor) {
  return {.stream = "experiment/" + payload.experiment,
          .type = Payload::kType,
          .actor = actor,
          .body = payload,
          .correlation = payload.experiment};
}

EffectWatch watch_of(const Experiment& experiment, std::vector<bool> had_before = {}) {
  return {.kind = "experiment.look",
          .subject = experiment.what.experiment,
          .changed_at = experiment.started_at,
          .expects = experiment.what.expects,
          .guard_rails = experiment.what.guard_rails,
          .had_before = std::move(had_before)};
}

/// How it ends after `look`; nothing when it goes on. Harm comes first: an experiment that reaches
/// its aim by breaking something else has not.
std::optional<facts::ExperimentEnded> end_after(const Look& look,
                                                const facts::ExperimentStarted& what) {
  for (std::size_t i = 0; i < look.guard_rails.size(); ++i)
    if (look.guard_rails[i].state == "broken")
      return facts::ExperimentEnded{
          what.experiment, "harmful",
          fmt::format("guard rail {} is broken: {}", what.guard_rails.at(i).metric,
                      look.guard_rails[i].reason),
          ""};
  if (!look.verdict.last) return std::nullopt;
  return facts::ExperimentEnded{what.experiment, look.verdict.state, look.verdict.reason, ""};
}

Json to_json(const Experiment& e) {
  return {e.what,   e.started_at, e.looks,    e.verdict, e.guard_rails, e.state,
          e.reason, e.ended_by,   e.ended_at, e.learned, e.learned_by};
}

Experiment from_json(const Json& json) {
  Experiment e;
  e.what = json.at(0).get<facts::ExperimentStarted>();
  e.started_at = json.at(1).get<Timestamp>();
  e.looks = json.at(2).get<int>();
  e.verdict = json.at(3).get<std::optional<facts::EffectVerdict>>();
  e.guard_rails = json.at(4).get<std::vector<facts::EffectVerdict>>();
  e.state = json.at(5).get<std::string>();
  e.reason = json.at(6).get<std::string>();
  e.ended_by = json.at(7).get<std::string>();
  e.ended_at = json.at(8).get<std::optional<Timestamp>>();
  e.learned = json.at(9).get<std::string>();
  e.learned_by = json.at(10).get<std::string>();
  return e;
}

}  // namespace

void ExperimentDomain::apply(const journal::Fact& fact) {
  if (!fact.type.starts_with("experiment.")) return;
  if (fact.type == facts::ExperimentStarted::kType) {
    Experiment fresh{.what = fact.body.get<facts::ExperimentStarted>(), .started_at = fact.time};
    experiments_.insert_or_assign(fresh.what.experiment, std::move(fresh));
    return;
  }
  const auto found = experiments_.find(text_or(fact.body, "experiment"));
  if (found == experiments_.end()) return;
  auto& experiment = found->second;
  if (fact.type == facts::ExperimentJudged::kType) {
    auto body = fact.body.get<facts::ExperimentJudged>();
    experiment.looks = body.look;
    experiment.verdict = std::move(body.verdict);
    experiment.guard_rails = std::move(body.guard_rails);
  } else if (fact.type == facts::ExperimentEnded::kType) {
    auto body = fact.body.get<facts::ExperimentEnded>();
    experiment.state = std::move(body.state);
    experiment.reason = std::move(body.reason);
    experiment.ended_by = std::move(body.by);
    experiment.ended_at = fact.time;
  } else if (fact.type == facts::ExperimentLearned::kType) {
    auto body = fact.body.get<facts::ExperimentLearned>();
    experiment.learned = std::move(body.text);
    experiment.learned_by = std::move(body.by);
  }
}

journal::Decision ExperimentDomain::react(const journal::Fact& fact, Timestamp now) {
  if (fact.type != facts::ExperimentStarted::kType) return {};
  const auto& experiment = experiments_.at(text_or(fact.body, "experiment"));
  return {.facts = {}, .intents = {next_look(watch_of(experiment), now)}};
}

journal::Decision ExperimentDomain::outcome(const journal::Intent& intent,
                                            const journal::Outcome& outcome, Timestamp now) {
  const auto found = experiments_.find(subject_of(intent));
  if (found == experiments_.end() || !found->second.is_running()) return {};
  const auto& experiment = found->second;
  const auto look = look_of(intent, outcome);
  journal::Decision decision;
  decision.facts.push_back(
      fact_of(facts::ExperimentJudged{found->first, look.number, look.verdict, look.guard_rails},
              "system"));
  if (const auto end = end_after(look, experiment.what))
    decision.facts.push_back(fact_of(*end, "system"));
  else
    decision.intents.push_back(next_look(watch_of(experiment, look.had_before), now));
  return decision;
}

Result<journal::Decision> ExperimentDomain::start(facts::ExperimentStarted experiment) const {
  if (experiment.hypothesis.empty())
    return fail(ErrorCode::kInvalid, "say what is believed, so that it can be refuted",
                "hypothesis");
  if (experiment.owner.empty())
    return fail(ErrorCode::kInvalid, "name who runs it and stops it when it must be", "owner");
  TRY_STATUS(check(experiment.expects));
  if (experiment.guard_rails.size() > kMostGuardRails)
    return fail(ErrorCode::kInvalid,
                fmt::format("at most {} guard rails; there were {}", kMostGuardRails,
                            experiment.guard_rails.size()),
                "guard_rails");
  for (auto& rail : experiment.guard_rails) {
    rail.watch = experiment.expects.watch;
    if (auto checked = check(rail); !checked) {
      checked.error().context = "guard_rails." + checked.error().context;
      return std::unexpected(std::move(checked).error());
    }
  }
  experiment.experiment = fmt::format("exp-{:04}", experiments_.size() + 1);
  return journal::Decision{.facts = {fact_of(experiment, experiment.by)}, .intents = {}};
}

Result<const Experiment*> ExperimentDomain::known(const std::string& id) const {
  const auto found = experiments_.find(id);
  if (found == experiments_.end())
    return fail(ErrorCode::kNotFound,
                fmt::format("no experiment {}; GET /api/v1/experiments lists them", quote(id)));
  return &found->second;
}

Result<journal::Decision> ExperimentDomain::stop(const std::string& id, const std::string& reason,
                                                 const std::string& by) const {
  TRY(const auto* experiment, known(id));
  if (!experiment->is_running())
    return fail(ErrorCode::kConflict,
                fmt::format("experiment {} has ended: {}", id, experiment->state));
  if (reason.empty()) return fail(ErrorCode::kInvalid, "say why it is stopped", "reason");
  return journal::Decision{
      .facts = {fact_of(facts::ExperimentEnded{id, "stopped", reason, by}, by)}, .intents = {}};
}

Result<journal::Decision> ExperimentDomain::learn(const std::string& id, const std::string& text,
                                                  const std::string& by) const {
  TRY(const auto* experiment, known(id));
  if (experiment->is_running())
    return fail(
        ErrorCode::kConflict,
        fmt::format("experiment {} runs until {} at the latest: what it taught is not known "
                    "yet",
                    id, experiment->what.expects.watch + " after its start"));
  if (text.empty()) return fail(ErrorCode::kInvalid, "say what was learnt", "text");
  return journal::Decision{.facts = {fact_of(facts::ExperimentLearned{id, text, by}, by)},
                           .intents = {}};
}

Json ExperimentDomain::snapshot() const {
  Json all = Json::array();
  for (const auto& [id, experiment] : experiments_) all.push_back(to_json(experiment));
  return {{"experiments", std::move(all)}};
}

Status ExperimentDomain::restore(const Json& snapshot) {
  try {
    experiments_.clear();
    for (const auto& each : snapshot.at("experiments")) {
      auto experiment = from_json(each);
      experiments_.emplace(experiment.what.experiment, std::move(experiment));
    }
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of experiments");
  }
  return {};
}

}  // namespace wellrun::improve
