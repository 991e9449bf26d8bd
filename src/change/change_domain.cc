#include "change/change_domain.h"

#include <fmt/format.h>

#include "catalog/production.h"
#include "core/text.h"

namespace wellrun::change {
namespace {

/// What is kept in memory for pages and figures; the journal has all of it.
constexpr std::size_t kKept = 5000;

const std::string kDefaultEnvironment = "production";

constexpr auto kOutcomes = {"succeeded", "failed", "rolled_back"};
constexpr auto kChangeKinds = {"flag", "config", "infrastructure"};

template <typename Payload>
journal::NewFact fact_of(const std::string& stream, const Payload& payload,
                         const std::string& actor, const std::string& story) {
  return {.stream = stream,
          .type = Payload::kType,
          .actor = actor,
          .body = payload,
          .correlation = story};
}

Status check_word(std::string_view word, std::initializer_list<const char*> words,
                  const char* field) {
  if (std::ranges::find(words, word) != words.end()) return {};
  const std::vector<std::string> names(words.begin(), words.end());
  return fail(ErrorCode::kInvalid, fmt::format("{} {} is none of {}{}", field, quote(word),
                                               join_words(names), did_you_mean(word, names)));
}

journal::NewFact finished_fact(const facts::DeploymentStarted& what, const std::string& outcome,
                               const std::string& actor) {
  return fact_of("deployment/" + what.deployment,
                 facts::DeploymentFinished{.deployment = what.deployment,
                                           .workload = what.workload,
                                           .component = what.component,
                                           .environment = what.environment,
                                           .version = what.version,
                                           .outcome = outcome,
                                           .by = actor},
                 actor, what.deployment);
}

template <typename List>
void keep_newest(List& list) {
  while (list.size() > kKept) list.pop_front();
}

}  // namespace

const Deployment* ChangeDomain::find(const std::string& id) const {
  const auto found = std::ranges::find_if(
      deployments_, [&](const Deployment& d) { return d.what.deployment == id; });
  return found == deployments_.end() ? nullptr : &*found;
}

Deployment* ChangeDomain::find_mutable(const std::string& id) {
  return const_cast<Deployment*>(std::as_const(*this).find(id));
}

bool ChangeDomain::knows(const std::string& id) const {
  return find(id) != nullptr ||
         std::ranges::any_of(changes_, [&](const Change& each) { return each.what.change == id; });
}

const Deployment* ChangeDomain::taken_back_by(const DeploymentReport& report) const {
  const auto environment = report.environment.empty() ? kDefaultEnvironment : report.environment;
  for (auto it = deployments_.rbegin(); it != deployments_.rend(); ++it) {
    const auto& what = it->what;
    if (what.workload != report.workload || what.component != report.component ||
        what.environment != environment || it->state == "failed" || it->state == "rolled_back")
      continue;
    return what.version == report.version ? nullptr : &*it;
  }
  return nullptr;
}

std::string ChangeDomain::next_id(std::string_view prefix) const {
  // A reporter's own id may be the next one already: two that are mixed up under it would be one.
  for (auto number = recorded_count_ + 1;; ++number) {
    auto id = fmt::format("{}-{:04}", prefix, number);
    if (!knows(id)) return id;
  }
}

std::string ChangeDomain::version_in(const facts::DeploymentStarted& started) const {
  for (auto it = deployments_.rbegin(); it != deployments_.rend(); ++it) {
    const auto& what = it->what;
    const bool same_place = what.workload == started.workload &&
                            what.component == started.component &&
                            what.environment == started.environment;
    if (same_place && it->state == "succeeded") return what.version;
  }
  return {};
}

Result<journal::Decision> ChangeDomain::record(const DeploymentReport& report,
                                               const std::string& actor) const {
  if (report.workload.empty())
    return fail(ErrorCode::kInvalid, "a deployment needs its workload", "workload");
  if (report.version.empty())
    return fail(ErrorCode::kInvalid, "a deployment needs the version it brings", "version");
  if (!report.commit_time.empty()) {
    if (auto time = parse_rfc3339(report.commit_time); !time)
      return fail(ErrorCode::kInvalid, time.error().message, "commit_time");
  }
  if (!report.outcome.empty()) TRY_STATUS(check_word(report.outcome, kOutcomes, "outcome"));
  if (const auto* known = report.id.empty() ? nullptr : find(report.id)) {
    if (report.outcome.empty() || known->state == report.outcome) return journal::Decision{};
    return finish(report.id, report.outcome, actor);
  }
  facts::DeploymentStarted started{
      .deployment = report.id.empty() ? next_id("dep") : report.id,
      .workload = report.workload,
      .component = report.component,
      .environment = report.environment.empty() ? kDefaultEnvironment : report.environment,
      .version = report.version,
      .commit = report.commit,
      .commit_time = report.commit_time,
      .url = report.url,
      .by = actor};
  started.previous_version = version_in(started);
  journal::Decision decision;
  decision.facts.push_back(
      fact_of("deployment/" + started.deployment, started, actor, started.deployment));
  if (!report.outcome.empty())
    decision.facts.push_back(finished_fact(started, report.outcome, actor));
  return decision;
}

Result<journal::Decision> ChangeDomain::finish(const std::string& id, const std::string& outcome,
                                               const std::string& actor) const {
  TRY_STATUS(check_word(outcome, kOutcomes, "outcome"));
  const auto* deployment = find(id);
  if (deployment == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("no deployment {}; GET /api/v1/deployments lists them", quote(id)));
  if (deployment->state == outcome) return journal::Decision{};
  if (deployment->state == "failed" || deployment->state == "rolled_back") {
    return fail(ErrorCode::kConflict,
                fmt::format("deployment {} has already {}", id, deployment->state));
  }
  return journal::Decision{.facts = {finished_fact(deployment->what, outcome, actor)},
                           .intents = {}};
}

Result<journal::Decision> ChangeDomain::record(facts::ChangeRecorded change,
                                               const std::string& actor) const {
  TRY_STATUS(check_word(change.kind, kChangeKinds, "kind"));
  if (change.summary.empty())
    return fail(ErrorCode::kInvalid, "a change needs a summary of what was changed", "summary");
  if (!change.reverses.empty() && !knows(change.reverses)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no deployment or change {} to take back; GET /api/v1/deployments and "
                            "/api/v1/changes list them",
                            quote(change.reverses)),
                "reverses");
  }
  if (change.change.empty()) change.change = next_id("chg");
  change.by = actor;
  return journal::Decision{
      .facts = {fact_of("change/" + change.change, change, actor, change.change)}, .intents = {}};
}

void ChangeDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::DeploymentStarted::kType) {
    ++recorded_count_;
    auto what = fact.body.get<facts::DeploymentStarted>();
    const bool in_production = catalog::is_production(catalog_, what.environment);
    auto gate = in_production ? gate_.state(what.workload) : std::string("open");
    deployments_.push_back({.what = std::move(what),
                            .in_production = in_production,
                            .gate = std::move(gate),
                            .started_at = fact.time,
                            .seq = fact.seq});
    keep_newest(deployments_);
  } else if (fact.type == facts::DeploymentFinished::kType) {
    const auto body = fact.body.get<facts::DeploymentFinished>();
    if (auto* deployment = find_mutable(body.deployment)) {
      deployment->state = body.outcome;
      deployment->recovery.finished(
          body.outcome, deployment->finished_at.value_or(deployment->started_at), fact.time);
      if (!deployment->finished_at) deployment->finished_at = fact.time;
    }
  } else if (fact.type == facts::ChangeRecorded::kType) {
    ++recorded_count_;
    changes_.push_back(
        {.what = fact.body.get<facts::ChangeRecorded>(), .at = fact.time, .seq = fact.seq});
    keep_newest(changes_);
  } else if (fact.type == "incident.opened") {
    incident_opened(fact);
  } else if (fact.type == "incident.resolved") {
    incident_resolved(fact);
  } else {
    gate_.apply(fact);
  }
}

void ChangeDomain::incident_opened(const journal::Fact& fact) {
  const auto workload = text_or(fact.body, "workload");
  for (auto deployment = deployments_.rbegin(); deployment != deployments_.rend(); ++deployment) {
    if (fact.time - deployment->started_at > kBlameWindow) return;
    if (deployment->what.workload != workload || !deployment->in_production) continue;
    deployment->recovery.incident_opened(fact.time);
    if (deployment->incident.empty()) deployment->incident = text_or(fact.body, "incident");
    return;  // the newest is the likeliest, and one failure is enough for it
  }
}

void ChangeDomain::incident_resolved(const journal::Fact& fact) {
  const auto incident = text_or(fact.body, "incident");
  for (auto& deployment : deployments_) {
    if (deployment.incident == incident) deployment.recovery.incident_resolved(fact.time);
  }
}

Json ChangeDomain::snapshot() const {
  Json deployments = Json::array();
  for (const auto& deployment : deployments_)
    deployments.push_back({{"what", deployment.what},
                           {"view", to_json(deployment)},
                           {"recovery", deployment.recovery}});
  Json changes = Json::array();
  for (const auto& change : changes_)
    changes.push_back({{"what", change.what}, {"at", to_unix_ms(change.at)}, {"seq", change.seq}});
  return {{"deployments", std::move(deployments)},
          {"changes", std::move(changes)},
          {"gate", gate_.snapshot()},
          {"recorded", recorded_count_}};
}

Status ChangeDomain::restore(const Json& snapshot) {
  const auto time_of = [](const Json& view, const char* key) -> std::optional<Timestamp> {
    const auto time = parse_rfc3339(text_or(view, key));
    return time ? std::optional(*time) : std::nullopt;
  };
  try {
    deployments_.clear();
    changes_.clear();
    for (const auto& entry : snapshot.at("deployments")) {
      const auto& view = entry.at("view");
      deployments_.push_back({.what = entry.at("what").get<facts::DeploymentStarted>(),
                              .in_production = view.at("in_production").get<bool>(),
                              .gate = text_or(view, "gate", "open"),
                              .started_at = time_of(view, "started_at").value_or(Timestamp{}),
                              .finished_at = time_of(view, "finished_at"),
                              .state = view.at("state").get<std::string>(),
                              .seq = view.at("seq").get<journal::Sequence>(),
                              .recovery = entry.at("recovery").get<facts::Recovery>(),
                              .incident = view.at("incident").get<std::string>()});
    }
    for (const auto& entry : snapshot.at("changes")) {
      changes_.push_back({.what = entry.at("what").get<facts::ChangeRecorded>(),
                          .at = from_unix_ms(entry.at("at").get<std::int64_t>()),
                          .seq = entry.at("seq").get<journal::Sequence>()});
    }
    gate_.restore(snapshot.value("gate", Json::array()));
    recorded_count_ = snapshot.at("recorded").get<std::uint64_t>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of change");
  }
  return {};
}

}  // namespace wellrun::change
