#include "health/health_domain.h"

#include "core/text.h"
#include "health/alert_size.h"

namespace wellrun::health {
namespace {

constexpr Duration kMinute{60'000};

template <typename Payload>
journal::NewFact fact_of(std::string stream, const Payload& payload) {
  journal::NewFact fact;
  fact.stream = std::move(stream);
  fact.type = Payload::kType;
  fact.body = payload;
  return fact;
}

/// Whose room a transition takes.
std::string room_of(const std::string& severity, const std::string& workload) {
  return severity == "page" ? "page/" + workload : "";
}

constexpr std::string_view kOfWorkload = "series_limit/", kOfJob = "series_limit/job ";

std::string limit_stream(const std::string& workload, const std::string& job) {
  return workload.empty() ? std::string(kOfJob) + job : std::string(kOfWorkload) + workload;
}

/// Snapshots of earlier builds had the streams alone, from which only the owner is known. A
/// workload's name has no space.
facts::SeriesLimitReached limit_from(const std::string& stream) {
  facts::SeriesLimitReached reached;
  if (stream.starts_with(kOfJob))
    reached.job = stream.substr(kOfJob.size());
  else
    reached.workload = stream.substr(kOfWorkload.size());
  return reached;
}

}  // namespace

void HealthDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::AlertFired::kType) {
    auto fired = fact.body.get<facts::AlertFired>();
    const auto fingerprint = fired.fingerprint;
    firing_[fingerprint] = {std::move(fired), fact.time, fact.seq};
  } else if (fact.type == facts::AlertResolved::kType) {
    if (auto alert = firing_.extract(text_or(fact.body, "fingerprint"))) {
      lately_.push_back(std::move(alert.mapped()));
      if (lately_.size() > kMostLately) lately_.pop_front();
    }
  } else if (fact.type == facts::KpiStatusChanged::kType) {
    auto& kpi = kpis_[text_or(fact.body, "kpi")];
    kpi.status = text_or(fact.body, "to");
    kpi.since = fact.time;
    return;
  } else if (fact.type == facts::KpiReviewed::kType) {
    kpis_[text_or(fact.body, "kpi")].reviewed_at = fact.time;
    return;
  } else if (fact.type == facts::KpiViewed::kType) {
    kpis_[text_or(fact.body, "kpi")].viewed_at = fact.time;
    return;
  } else if (fact.type == facts::BudgetStepReached::kType) {
    auto step = fact.body.get<facts::BudgetStepReached>();
    const auto key = budget_step_key(step);
    budget_steps_.insert_or_assign(key, BudgetStanding{std::move(step), fact.time});
    return;
  } else if (fact.type == facts::BudgetStepLeft::kType) {
    const auto left = fact.body.get<facts::BudgetStepLeft>();
    budget_steps_.erase(
        budget_step_key({.slo = left.slo, .workload = {}, .policy = left.policy, .at = left.at}));
    return;
  } else if (fact.type == facts::SeriesLimitReached::kType) {
    series_limits_[fact.stream] = fact.body.get<facts::SeriesLimitReached>();
    return;
  } else if (fact.type == facts::SeriesLimitCleared::kType) {
    series_limits_.erase(fact.stream);
    return;
  } else {
    return;
  }
  transitions_[room_of(text_or(fact.body, "severity"), text_or(fact.body, "workload"))].push_back(
      fact.time);
  for (auto& [room, times] : transitions_) {
    while (!times.empty() && times.front() + kMinute <= fact.time) times.pop_front();
  }
  std::erase_if(transitions_, [](const auto& each) { return each.second.empty(); });
}

KpiStanding HealthDomain::kpi(const std::string& name) const {
  const auto found = kpis_.find(name);
  return found == kpis_.end() ? KpiStanding{} : found->second;
}

bool HealthDomain::differs(const std::string& group,
                           const std::map<std::string, facts::AlertFired>& wanted) const {
  for (const auto& [fingerprint, alert] : firing_) {
    if (alert.fired.rule.starts_with(group) && !wanted.contains(fingerprint)) return true;
  }
  return std::ranges::any_of(wanted,
                             [&](const auto& each) { return !firing_.contains(each.first); });
}

journal::Decision HealthDomain::reconcile(const std::string& group,
                                          const std::map<std::string, facts::AlertFired>& wanted,
                                          const std::string& reason, Timestamp now) const {
  journal::Decision decision;
  std::map<std::string, std::size_t> taken;  ///< of each room
  for (const auto& [room, times] : transitions_) {
    taken[room] = static_cast<std::size_t>(
        std::ranges::count_if(times, [&](Timestamp time) { return time + kMinute > now; }));
  }
  const auto has_room = [&](const facts::AlertFired& alert) {
    auto& in_room = taken[room_of(alert.severity, alert.workload)];
    if (in_room >= kMaxTransitionsPerMinute || decision.facts.size() >= kMaxTransitionsPerMinute)
      return false;
    ++in_room;
    return true;
  };
  for (const bool pages : {true, false}) {
    for (const auto& [fingerprint, fired] : wanted) {
      if ((fired.severity == "page") == pages && !firing_.contains(fingerprint) && has_room(fired))
        decision.facts.push_back(fact_of("alert/" + fingerprint, fitted(fired)));
    }
  }
  for (const auto& [fingerprint, alert] : firing_) {
    if (!alert.fired.rule.starts_with(group) || wanted.contains(fingerprint) ||
        !has_room(alert.fired))
      continue;
    facts::AlertResolved resolved;
    resolved.fingerprint = fingerprint;
    resolved.alert = alert.fired.alert;
    resolved.labels = alert.fired.labels;
    resolved.workload = alert.fired.workload;
    resolved.severity = alert.fired.severity;
    resolved.reason = reason;
    decision.facts.push_back(fact_of("alert/" + fingerprint, resolved));
  }
  return decision;
}

journal::Decision HealthDomain::change_kpi(facts::KpiStatusChanged change) const {
  journal::Decision decision;
  change.from = kpi(change.kpi).status;
  if (change.from != change.to) decision.facts.push_back(fact_of("kpi/" + change.kpi, change));
  return decision;
}

bool HealthDomain::is_at_series_limit(const std::string& workload, const std::string& job) const {
  return series_limits_.contains(limit_stream(workload, job));
}

std::vector<LimitedOwner> HealthDomain::at_series_limit() const {
  std::vector<LimitedOwner> owners;
  for (const auto& [stream, reached] : series_limits_)
    owners.push_back({reached.workload, reached.job});
  return owners;
}

journal::Decision HealthDomain::reach_series_limit(const facts::SeriesLimitReached& reached) const {
  journal::Decision decision;
  if (!is_at_series_limit(reached.workload, reached.job))
    decision.facts.push_back(fact_of(limit_stream(reached.workload, reached.job), reached));
  return decision;
}

journal::Decision HealthDomain::clear_series_limit(const facts::SeriesLimitCleared& cleared) const {
  journal::Decision decision;
  if (is_at_series_limit(cleared.workload, cleared.job))
    decision.facts.push_back(fact_of(limit_stream(cleared.workload, cleared.job), cleared));
  return decision;
}

BudgetSteps HealthDomain::standing_steps() const {
  BudgetSteps steps;
  for (const auto& [key, standing] : budget_steps_) steps.emplace(key, standing.step);
  return steps;
}

namespace {

/// What is left comes first: a step that is said otherwise now is left and reached anew.
journal::Decision change_steps(const BudgetSteps& standing, const BudgetSteps& wanted,
                               std::optional<double> used) {
  journal::Decision decision;
  const auto stays = [](const BudgetSteps& steps, const auto& each) {
    const auto found = steps.find(each.first);
    return found != steps.end() && does_the_same(found->second, each.second);
  };
  for (const auto& each : standing) {
    if (stays(wanted, each)) continue;
    const auto& step = each.second;
    const bool recovered = used && *used < step.at - kHysteresis;
    decision.facts.push_back(fact_of(
        "slo/" + step.slo,
        facts::BudgetStepLeft{.slo = step.slo,
                              .workload = step.workload,
                              .policy = step.policy,
                              .at = step.at,
                              .used = used.value_or(step.used),
                              .reason = recovered ? "recovered" : "no longer said by the policy"}));
  }
  for (const auto& each : wanted) {
    if (!stays(standing, each))
      decision.facts.push_back(fact_of("slo/" + each.second.slo, each.second));
  }
  return decision;
}

}  // namespace

journal::Decision HealthDomain::stand_budget(const std::string& slo, const BudgetSteps& wanted,
                                             double used) const {
  auto standing = standing_steps();
  std::erase_if(standing, [&](const auto& each) { return each.second.slo != slo; });
  return change_steps(standing, wanted, used);
}

journal::Decision HealthDomain::leave_unsaid(const BudgetSteps& said) const {
  return change_steps(standing_steps(), said, std::nullopt);
}

Result<journal::Decision> HealthDomain::give_verdict(const std::string& fingerprint,
                                                     const std::string& verdict,
                                                     const std::string& comment,
                                                     const std::string& by) const {
  if (verdict != "real" && verdict != "noise")
    return fail(ErrorCode::kInvalid,
                fmt::format("a verdict is real or noise, found {}", quote(verdict)), "verdict");
  const FiringAlert* alert = nullptr;
  if (const auto fires = firing_.find(fingerprint); fires != firing_.end()) {
    alert = &fires->second;
  } else {
    const auto last = std::ranges::find_if(
        lately_.rbegin(), lately_.rend(),
        [&](const FiringAlert& each) { return each.fired.fingerprint == fingerprint; });
    if (last != lately_.rend()) alert = &*last;
  }
  if (alert == nullptr)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("no alert {} fires or fired lately; GET /api/v1/effectiveness lists them",
                    quote(fingerprint)));
  journal::Decision decision;
  decision.facts.push_back(
      fact_of("alert/" + fingerprint,
              facts::AlertVerdictGiven{.fingerprint = fingerprint,
                                       .alert = alert->fired.alert,
                                       .rule = alert->fired.rule,
                                       .workload = alert->fired.workload,
                                       .fired_seq = static_cast<std::int64_t>(alert->seq),
                                       .verdict = verdict,
                                       .comment = comment,
                                       .by = by}));
  decision.facts.back().actor = by;
  return decision;
}

journal::Decision HealthDomain::review_kpi(const facts::KpiReviewed& review) const {
  journal::Decision decision;
  decision.facts.push_back(fact_of("kpi/" + review.kpi, review));
  decision.facts.back().actor = review.by;
  return decision;
}

journal::Decision HealthDomain::view_kpi(const facts::KpiViewed& view, Timestamp now) const {
  constexpr auto kDay = std::chrono::hours(24);
  journal::Decision decision;
  const auto day_of = [&](Timestamp time) { return time.time_since_epoch() / kDay; };
  if (day_of(kpi(view.kpi).viewed_at) != day_of(now))
    decision.facts.push_back(fact_of("kpi/" + view.kpi, view));
  return decision;
}

namespace {

Json alert_state(const FiringAlert& alert) {
  return {{"fired", alert.fired}, {"since", to_unix_ms(alert.since)}, {"seq", alert.seq}};
}

FiringAlert alert_from(const Json& state) {
  return {state.at("fired").get<facts::AlertFired>(),
          from_unix_ms(state.at("since").get<std::int64_t>()),
          state.at("seq").get<journal::Sequence>()};
}

}  // namespace

Json HealthDomain::snapshot() const {
  Json firing = Json::array(), lately = Json::array();
  for (const auto& [fingerprint, alert] : firing_) firing.push_back(alert_state(alert));
  for (const auto& alert : lately_) lately.push_back(alert_state(alert));
  Json kpis = Json::object();
  for (const auto& [name, kpi] : kpis_) {
    kpis[name] = {{"status", kpi.status},
                  {"since", to_unix_ms(kpi.since)},
                  {"reviewed", to_unix_ms(kpi.reviewed_at)},
                  {"viewed", to_unix_ms(kpi.viewed_at)}};
  }
  Json steps = Json::array();
  for (const auto& [key, standing] : budget_steps_)
    steps.push_back({{"step", standing.step}, {"since", to_unix_ms(standing.since)}});
  return {{"firing", firing},
          {"lately", lately},
          {"kpis", kpis},
          {"budget_steps", steps},
          {"series_limits", series_limits_},
          {"transitions", transitions_}};
}

Status HealthDomain::restore(const Json& snapshot) {
  try {
    firing_.clear();
    for (const auto& each : snapshot.at("firing")) {
      auto alert = alert_from(each);
      firing_[alert.fired.fingerprint] = std::move(alert);
    }
    lately_.clear();
    for (const auto& each : snapshot.value("lately", Json::array()))
      lately_.push_back(alert_from(each));
    kpis_.clear();
    for (const auto& [name, kpi] : snapshot.at("kpis").items()) {
      kpis_[name] = {kpi.at("status").get<std::string>(),
                     from_unix_ms(kpi.at("since").get<std::int64_t>()),
                     from_unix_ms(kpi.value("reviewed", std::int64_t{0})),
                     from_unix_ms(kpi.value("viewed", std::int64_t{0}))};
    }
    budget_steps_.clear();
    for (const auto& each : snapshot.value("budget_steps", Json::array())) {
      auto step = each.at("step").get<facts::BudgetStepReached>();
      const auto key = budget_step_key(step);
      budget_steps_[key] = {std::move(step), from_unix_ms(each.at("since").get<std::int64_t>())};
    }
    transitions_.clear();
    // Earlier builds had one room for all, as a list: at most a minute of it is forgotten.
    if (const auto& transitions = snapshot.at("transitions"); transitions.is_object())
      transitions.get_to(transitions_);
    series_limits_ =
        snapshot.value("series_limits", std::map<std::string, facts::SeriesLimitReached>());
    for (const auto& stream : snapshot.value("at_series_limit", std::vector<std::string>()))
      series_limits_.emplace(stream, limit_from(stream));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the snapshot of health cannot be read: {}", error.what()));
  }
  return {};
}

}  // namespace wellrun::health
