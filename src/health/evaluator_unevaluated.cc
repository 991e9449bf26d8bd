// Rules and SLOs that could not be evaluated for a while: whatever they should tell, they do not,
// so that itself is an alert. A question that fails each time is such a case, one that is never
// answered, a past that cannot be read, and a store that takes no samples any more (of which those
// that rules read are soon gone, too). See docs/rules.md.

#include "catalog/alert_severity.h"
#include "health/evaluator_state.h"

namespace wellrun::health {
namespace {

constexpr Duration kLookEvery{60'000};
constexpr Duration kAtLeast{300'000};
constexpr int kIntervals = 3;

/// How long it may go without, for nobody to be told.
Duration longest_of(const Job& job) {
  return std::max(kAtLeast, job.interval * kIntervals);
}

/// What of a group or an SLO was not evaluated.
struct Unevaluated {
  std::string workload;
  bool pages = false, tickets = false;
  std::size_t count = 0;
  std::string first, error;  ///< one of them, and why
  Duration age{0};           ///< since the one that waits longest was evaluated

  void add(const std::string& severity, const std::string& rule, const std::string& why,
           Duration since) {
    pages = pages || catalog::may_be_severity(severity, "page");
    tickets = tickets || catalog::may_be_severity(severity, "ticket");
    age = std::max(age, since);
    if (count++ > 0) return;
    first = rule;
    error = why.empty() ? "its question was not answered" : why;
  }
};

Unevaluated unevaluated_rules(const Job& job, const catalog::RuleGroup& group,
                              std::chrono::nanoseconds now) {
  Unevaluated found{.workload = group.workload.name};
  for (const auto& rule : job.rules) {
    const auto age =
        std::chrono::duration_cast<Duration>(now - std::min(rule.evaluated, job.evaluated));
    const auto severity = rule.declared.labels.find("severity");
    if (age < longest_of(job) || !rule.declared.is_alert() ||
        severity == rule.declared.labels.end())
      continue;
    const auto& error = rule.reading.last_error;
    found.add(severity->second, rule.alert.alert, error.empty() ? job.unwritten : error, age);
  }
  return found;
}

Unevaluated unevaluated_slo(const Job& job, const catalog::Slo& slo, std::chrono::nanoseconds now) {
  Unevaluated found{.workload = slo.service.name};
  const auto age = std::chrono::duration_cast<Duration>(now - job.evaluated);
  if (age < longest_of(job)) return found;
  for (const auto& window : slo.alerting.windows)
    found.add(window.severity, job.name, job.slo.error, age);
  return found;
}

AlertRule rule_of(const Job& job, const Unevaluated& found) {
  const bool is_slo = job.kind == "slos";
  AlertRule rule;
  rule.key = std::string(kUnevaluated) + job.key();
  rule.alert = is_slo ? "SloNotEvaluated" : "RulesNotEvaluated";
  rule.labels = {{"severity", found.pages ? "page" : "ticket"},
                 {is_slo ? "slo" : "rule_group", job.name}};
  rule.workload = found.workload;
  rule.source = "evaluation";
  if (is_slo) rule.slo = job.name;
  return rule;
}

std::string summary_of(const Job& job, const Unevaluated& found) {
  const auto what = job.kind == "slos" ? fmt::format("SLO {} has", job.name)
                    : found.count == 1
                        ? fmt::format("{} of rule group {} has", found.first, job.name)
                        : fmt::format("{} and {} more of rule group {} have", found.first,
                                      found.count - 1, job.name);
  return fmt::format("{} not been evaluated for {}, so that an outage would not be told: {}", what,
                     format_age(found.age), found.error);
}

ActiveAlert alert_of(const Job& job, const Unevaluated& found, const AlertRule& rule,
                     Timestamp now) {
  ActiveAlert alert;
  for (const auto& [name, value] : rule.labels) alert.labels.set(name, value);
  alert.labels.set("alertname", rule.alert);
  alert.annotations["summary"] = summary_of(job, found);
  alert.value = to_seconds(found.age);
  alert.active_at = now - found.age;
  alert.fingerprint = fingerprint_of(rule, alert.labels);
  return alert;
}

}  // namespace

/// Of what was just declared, that is now; of what an alert says already, long ago: it goes on over
/// a restart.
std::chrono::nanoseconds Evaluator::State::counts_as_evaluated(const Job& job) const {
  const auto rule = std::string(kUnevaluated) + job.key();
  const bool is_told = std::ranges::any_of(
      domain.firing(), [&](const auto& each) { return each.second.fired.rule == rule; });
  const auto now = runtime.clock.steady();
  return is_told ? now - longest_of(job) : now;
}

void Evaluator::State::look_regularly() {
  look_timer = runtime.strand.after(kLookEvery, [this] {
    const auto running = std::move(look_timer);  // must outlive this call
    look_for_unevaluated();
    look_for_series_limits();
    look_regularly();
  });
}

/// By the steady clock: a wall clock that was set forward makes nothing look old.
void Evaluator::State::look_for_unevaluated() {
  std::map<std::string, facts::AlertFired> wanted;
  for (const auto& [key, job] : jobs) {
    const auto* group = job.kind == "rules" ? catalog.find<catalog::RuleGroup>(job.name) : nullptr;
    const auto* slo = job.kind == "slos" ? catalog.find<catalog::Slo>(job.name) : nullptr;
    const auto steady = runtime.clock.steady();
    const auto found = group != nullptr ? unevaluated_rules(job, *group, steady)
                       : slo != nullptr ? unevaluated_slo(job, *slo, steady)
                                        : Unevaluated{};
    if (!found.pages && !found.tickets) continue;
    const auto rule = rule_of(job, found);
    const auto alert = alert_of(job, found, rule, runtime.clock.now());
    wanted.emplace(alert.fingerprint, fired_fact(catalog, rule, alert));
  }
  reconcile(std::string(kUnevaluated), std::move(wanted), "evaluated again, or not declared now");
}

}  // namespace wellrun::health
