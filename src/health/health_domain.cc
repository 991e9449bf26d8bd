#include "health/health_domain.h"

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

}  // namespace

void HealthDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::AlertFired::kType) {
    auto fired = fact.body.get<facts::AlertFired>();
    const auto fingerprint = fired.fingerprint;
    firing_[fingerprint] = {std::move(fired), fact.time, fact.seq};
  } else if (fact.type == facts::AlertResolved::kType) {
    firing_.erase(text_or(fact.body, "fingerprint"));
  } else if (fact.type == facts::KpiStatusChanged::kType) {
    kpis_[text_or(fact.body, "kpi")] = {text_or(fact.body, "to"), fact.time};
    return;
  } else {
    return;
  }
  transitions_.push_back(fact.time);
  while (transitions_.front() + kMinute <= transitions_.back()) transitions_.pop_front();
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
  const auto recent = static_cast<std::size_t>(
      std::ranges::count_if(transitions_, [&](Timestamp time) { return time + kMinute > now; }));
  auto room = recent < kMaxTransitionsPerMinute ? kMaxTransitionsPerMinute - recent : 0;

  journal::Decision decision;
  const auto add = [&](const std::string& fingerprint, const auto& payload) {
    if (room == 0) return;
    --room;
    decision.facts.push_back(fact_of("alert/" + fingerprint, payload));
  };
  for (const bool pages : {true, false}) {
    for (const auto& [fingerprint, fired] : wanted) {
      if (!firing_.contains(fingerprint) && (fired.severity == "page") == pages)
        add(fingerprint, fired);
    }
  }
  for (const auto& [fingerprint, alert] : firing_) {
    if (!alert.fired.rule.starts_with(group) || wanted.contains(fingerprint)) continue;
    facts::AlertResolved resolved;
    resolved.fingerprint = fingerprint;
    resolved.alert = alert.fired.alert;
    resolved.labels = alert.fired.labels;
    resolved.workload = alert.fired.workload;
    resolved.severity = alert.fired.severity;
    resolved.reason = reason;
    add(fingerprint, resolved);
  }
  return decision;
}

journal::Decision HealthDomain::change_kpi(facts::KpiStatusChanged change) const {
  journal::Decision decision;
  change.from = kpi(change.kpi).status;
  if (change.from != change.to) decision.facts.push_back(fact_of("kpi/" + change.kpi, change));
  return decision;
}

Json HealthDomain::snapshot() const {
  Json firing = Json::array();
  for (const auto& [fingerprint, alert] : firing_) {
    firing.push_back(
        {{"fired", alert.fired}, {"since", to_unix_ms(alert.since)}, {"seq", alert.seq}});
  }
  Json kpis = Json::object();
  for (const auto& [name, kpi] : kpis_) {
    kpis[name] = {{"status", kpi.status}, {"since", to_unix_ms(kpi.since)}};
  }
  Json transitions = Json::array();
  for (const auto time : transitions_) transitions.push_back(to_unix_ms(time));
  return {{"firing", firing}, {"kpis", kpis}, {"transitions", transitions}};
}

Status HealthDomain::restore(const Json& snapshot) {
  try {
    firing_.clear();
    for (const auto& each : snapshot.at("firing")) {
      auto fired = each.at("fired").get<facts::AlertFired>();
      const auto fingerprint = fired.fingerprint;
      firing_[fingerprint] = {std::move(fired), from_unix_ms(each.at("since").get<std::int64_t>()),
                              each.at("seq").get<journal::Sequence>()};
    }
    kpis_.clear();
    for (const auto& [name, kpi] : snapshot.at("kpis").items()) {
      kpis_[name] = {kpi.at("status").get<std::string>(),
                     from_unix_ms(kpi.at("since").get<std::int64_t>())};
    }
    transitions_.clear();
    for (const auto& time : snapshot.at("transitions"))
      transitions_.push_back(from_unix_ms(time.get<std::int64_t>()));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the snapshot of health cannot be read: {}", error.what()));
  }
  return {};
}

}  // namespace wellrun::health
