#include "health/effectiveness/effectiveness.h"

#include <algorithm>

#include "catalog/kinds/budget_policy.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/rule_group.h"
#include "catalog/kinds/slo.h"
#include "catalog/kinds/workload.h"
#include "health/alert_size.h"
#include "health/slo/budget.h"
#include "health/slo/budget_policy.h"

namespace wellrun::health::effectiveness {
namespace {

std::optional<double> ratio(std::size_t part, std::size_t all) {
  if (all == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(all);
}

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

Timestamp applied_at(const catalog::Catalog& catalog, const char* kind, const std::string& name) {
  const auto* resource = catalog.resource(kind, name);
  return resource == nullptr ? Timestamp{} : resource->provenance.applied_at;
}

/// The rule's labels that others of its group with the same name do not have, templates left out.
std::map<std::string, std::string> telling_labels(const catalog::RuleGroup& group,
                                                  const catalog::Rule& rule) {
  std::map<std::string, std::string> telling;
  for (const auto& [label, text] : rule.labels) {
    const bool is_shared = std::ranges::all_of(group.rules, [&](const catalog::Rule& other) {
      const auto its = other.labels.find(label);
      return other.alert != rule.alert || (its != other.labels.end() && its->second == text);
    });
    if (!is_shared && !text.contains("{{")) telling.emplace(label, text);
  }
  return telling;
}

/// `rules/shop/Burn{window="short"}`.
std::string with_labels(const std::string& rule, const std::map<std::string, std::string>& labels) {
  if (labels.empty()) return rule;
  std::vector<Label> listed;
  for (const auto& [name, value] : labels) listed.push_back({name, value});
  return rule + to_string(Labels(std::move(listed)));
}

/// Nothing that is recorded tells them apart: they are one that speaks when either does.
void join(Subject& one, const catalog::Rule& other) {
  one.expr = fmt::format("({}) or ({})", one.expr, other.expr);
  one.hold = std::min<Duration>(one.hold, other.for_);
  one.keep = std::max<Duration>(one.keep, other.keep_firing_for);
}

void add_rules(const catalog::Catalog& catalog, std::vector<Subject>& subjects) {
  for (const auto* group : catalog.all<catalog::RuleGroup>()) {
    const auto& name = group->metadata.name;
    const auto first = static_cast<std::ptrdiff_t>(subjects.size());
    for (const auto& rule : group->rules) {
      if (!rule.is_alert()) continue;
      const auto key = "rules/" + name + "/" + rule.alert;
      auto labels = telling_labels(*group, rule);
      const auto subject = with_labels(key, labels);
      if (const auto known =
              std::ranges::find(subjects.begin() + first, subjects.end(), subject, &Subject::name);
          known != subjects.end()) {
        join(*known, rule);
        continue;
      }
      subjects.push_back(
          {.name = subject,
           .kind = "rule",
           .workload = group->workload.name,
           .owner = catalog::owner_or_workloads(catalog, group->owner, group->workload).name,
           .declared_at = applied_at(catalog, catalog::RuleGroup::kKind, name),
           .expr = rule.expr,
           .hold = rule.for_,
           .keep = rule.keep_firing_for,
           .interval = group->interval,
           .severity = rule.severity(),
           .rule = key,
           .labels = std::move(labels)});
    }
  }
}

template <typename T>
void add_others(const catalog::Catalog& catalog, const char* kind, const char* prefix,
                const char* suffix, catalog::Ref<catalog::Workload> T::* workload,
                std::vector<Subject>& subjects) {
  for (const auto* each : catalog.all<T>()) {
    const auto& name = each->metadata.name;
    subjects.push_back(
        {.name = prefix + name + suffix,
         .kind = kind,
         .workload = (each->*workload).name,
         .owner = catalog::owner_or_workloads(catalog, each->owner, each->*workload).name,
         .declared_at = applied_at(catalog, T::kKind, name),
         .expr = {},
         .hold = {},
         .interval = {},
         .severity = {}});
  }
}

/// When a KPI is off its target, as an alert on it would ask.
std::string off_target(const catalog::Kpi& kpi) {
  return fmt::format("({}) {} {}", kpi.promql(), kpi.direction == "lower" ? ">" : "<", kpi.target);
}

void add_kpis(const catalog::Catalog& catalog, std::vector<Subject>& subjects) {
  for (const auto* kpi : catalog.all<catalog::Kpi>()) {
    const auto& name = kpi->metadata.name;
    subjects.push_back(
        {.name = "kpis/" + name,
         .kind = "kpi",
         .workload = kpi->workload.name,
         .owner = catalog::owner_or_workloads(catalog, kpi->owner, kpi->workload).name,
         .declared_at = applied_at(catalog, catalog::Kpi::kKind, name),
         .expr = off_target(*kpi),
         .hold = kpi->interval,
         .interval = kpi->interval,
         .severity = {}});
  }
}

/// When any window burns `times` as fast as it alerts at.
std::string any_burn(const catalog::Slo& slo, double times) {
  std::vector<std::string> burns;
  for (auto window : slo.alerting.windows) {
    window.burn_rate *= times;
    burns.push_back(fmt::format("({})", burn_expr(slo, window)));
  }
  return fmt::format("{}", fmt::join(burns, " or "));
}

/// The alert of an SLO's windows, as one rule where it is to be tried.
void add_burn_alerts(const catalog::Catalog& catalog, std::vector<Subject>& subjects) {
  add_others<catalog::Slo>(catalog, "slo", "slos/", "/SloBurnRate", &catalog::Slo::service,
                           subjects);
  for (auto& subject : subjects) {
    if (subject.kind != "slo") continue;
    const auto* slo = catalog.find<catalog::Slo>(
        subject.name.substr(5, subject.name.rfind('/') - 5));  // between "slos/" and "/SloBurnRate"
    if (slo == nullptr || slo->is_composite() || slo->alerting.windows.empty()) continue;
    subject.expr = any_burn(*slo, 1);
    subject.faster_expr = any_burn(*slo, 2);
    subject.hold = std::ranges::min(slo->alerting.windows, {}, &catalog::BurnRateWindow::for_).for_;
    subject.interval = std::chrono::minutes(1);
  }
}

bool tells_somebody(const catalog::BudgetStep& step) {
  return std::ranges::any_of(
      step.then, [](const std::string& what) { return what == "page" || what == "ticket"; });
}

/// The alert of the steps of policies, for each SLO that has some.
void add_budget_alerts(const catalog::Catalog& catalog, std::vector<Subject>& subjects) {
  for (const auto* slo : catalog.all<catalog::Slo>()) {
    const auto& name = slo->metadata.name;
    std::optional<Timestamp> declared;
    for (const auto* policy : catalog.all<catalog::BudgetPolicy>()) {
      if (!policy->covers(name, slo->service.name) ||
          std::ranges::none_of(policy->steps, tells_somebody))
        continue;
      const auto at =
          std::max(applied_at(catalog, catalog::Slo::kKind, name),
                   applied_at(catalog, catalog::BudgetPolicy::kKind, policy->metadata.name));
      declared = std::min(declared.value_or(at), at);
    }
    if (!declared) continue;
    subjects.push_back(
        {.name = fmt::format("slos/{}/{}", name, kBudgetAlert),
         .kind = "budget",
         .workload = slo->service.name,
         .owner = catalog::owner_or_workloads(catalog, slo->owner, slo->service).name,
         .declared_at = *declared,
         .expr = {},
         .hold = {},
         .interval = {},
         .severity = {}});
  }
}

/// A subject's share of the history.
Worth judged(const Subject& subject, const History& history,
             const std::vector<const Incident*>& real, Timestamp now) {
  Worth worth{.subject = subject};
  std::map<const Incident*, Timestamp> first;
  for (const auto& signal : history.signals) {
    if (signal.subject != subject.name) continue;
    ++worth.spoke;
    bool right = signal.verdict == "real";
    for (const auto* incident : real) {
      if (signal.verdict == "noise" || !told(signal, *incident, now)) continue;
      right = true;
      first.try_emplace(incident, signal.from);
      worth.looked_at = worth.looked_at || incident->noticed_at.has_value();
      worth.changed_something = worth.changed_something || incident->acted_on;
    }
    if (!signal.verdict.empty()) {
      ++worth.verdicts;
      worth.looked_at = true;
    }
    ++(right ? worth.right : worth.noise);
  }
  std::vector<double> leads;
  for (const auto& [incident, at] : first) {
    if (incident->noticed_at) leads.push_back(to_seconds(*incident->noticed_at - at));
  }
  worth.lead_s = median(std::move(leads));
  worth.told = first.size();
  for (const auto* incident : real) worth.incidents += incident->workload == subject.workload;
  return worth;
}

}  // namespace

std::optional<double> Worth::precision() const {
  return ratio(right, right + noise);
}
std::optional<double> Worth::recall() const {
  return ratio(told, incidents);
}

std::vector<Subject> subjects_of(const catalog::Catalog& catalog) {
  std::vector<Subject> subjects;
  add_rules(catalog, subjects);
  add_burn_alerts(catalog, subjects);
  add_budget_alerts(catalog, subjects);
  add_others<catalog::Slo>(catalog, "forecast", "forecast/budget/", "/BudgetWillBeSpent",
                           &catalog::Slo::service, subjects);
  add_others<catalog::Kpi>(catalog, "forecast", "forecast/kpi/", "/WillMissTarget",
                           &catalog::Kpi::workload, subjects);
  add_kpis(catalog, subjects);
  for (const auto* workload : catalog.all<catalog::Workload>()) {
    const auto& name = workload->metadata.name;
    subjects.push_back({.name = "detectors/" + name,
                        .kind = "detector",
                        .workload = name,
                        .owner = workload->owner.name,
                        .declared_at = applied_at(catalog, catalog::Workload::kKind, name),
                        .expr = {},
                        .hold = {},
                        .interval = {},
                        .severity = {},
                        .finding_score = workload->finding_score});
  }
  std::ranges::sort(subjects, {}, &Subject::name);
  return subjects;
}

RuleNames::RuleNames(const std::vector<Subject>& subjects) {
  for (const auto& subject : subjects) {
    if (!subject.rule.empty()) by_rule_[subject.rule].push_back(subject);
  }
  std::erase_if(by_rule_, [](const auto& each) {
    return each.second.size() == 1 && each.second.front().labels.empty();
  });
}

/// Of several that it may be of that with the most labels: one may have none of its own.
std::string RuleNames::subject_of(const std::string& rule,
                                  const std::map<std::string, std::string>& labels) const {
  const auto shared = by_rule_.find(rule);
  if (shared == by_rule_.end()) return rule;
  const Subject* found = nullptr;
  for (const auto& subject : shared->second) {
    if (has_fixed_labels(labels, subject.labels) &&
        (found == nullptr || subject.labels.size() > found->labels.size()))
      found = &subject;
  }
  return found == nullptr ? rule : found->name;
}

std::vector<Signal> standing_at(Timestamp from, const HealthDomain& domain,
                                const std::vector<Subject>& subjects) {
  std::vector<Signal> standing;
  const RuleNames names(subjects);
  for (const auto& [fingerprint, alert] : domain.firing()) {
    if (alert.since < from)
      standing.push_back({.subject = names.subject_of(alert.fired.rule, alert.fired.labels),
                          .key = fingerprint,
                          .workload = alert.fired.workload,
                          .severity = alert.fired.severity,
                          .from = alert.since,
                          .to = {},
                          .seq = alert.seq,
                          .verdict = {}});
  }
  for (const auto& subject : subjects) {
    if (subject.kind != "kpi") continue;
    const auto name = subject.name.substr(subject.name.find('/') + 1);
    const auto kpi = domain.kpi(name);
    if (speaks(kpi.status) && kpi.since < from)
      standing.push_back({.subject = subject.name,
                          .key = name,
                          .workload = subject.workload,
                          .severity = kpi.status,
                          .from = kpi.since,
                          .to = {},
                          .seq = 0,
                          .verdict = {}});
  }
  std::ranges::sort(standing, {}, &Signal::from);
  return standing;
}

std::vector<Worth> worth_of(const std::vector<Subject>& subjects, const History& history,
                            Timestamp now) {
  std::vector<const Incident*> real;
  for (const auto& incident : history.incidents) {
    if (is_real(incident, history.signals)) real.push_back(&incident);
  }
  std::vector<Worth> worths;
  for (const auto& subject : subjects) {
    auto& worth = worths.emplace_back(judged(subject, history, real, now));
    if (subject.kind != "kpi") continue;
    const auto kpi = subject.name.substr(subject.name.find('/') + 1);
    if (const auto views = history.views.find(kpi); views != history.views.end())
      worth.viewed_days = views->second;
    worth.looked_at = worth.looked_at || worth.viewed_days > 0 || history.reviews.contains(kpi);
    worth.changed_something = worth.changed_something || history.decisions.contains(kpi);
  }
  return worths;
}

Json to_json(const Worth& worth, Timestamp from) {
  const auto number = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  // What was declared later could not speak all the time: that it did not says nothing yet.
  const bool whole_time = worth.subject.declared_at <= from;
  return {{"subject", worth.subject.name},
          {"kind", worth.subject.kind},
          {"workload", worth.subject.workload},
          {"owner", worth.subject.owner},
          {"declared_at", format_rfc3339(worth.subject.declared_at)},
          {"whole_time", whole_time},
          {"spoke", worth.spoke},
          {"right", worth.right},
          {"noise", worth.noise},
          {"verdicts", worth.verdicts},
          {"incidents", worth.incidents},
          {"told", worth.told},
          {"viewed_days", worth.viewed_days},
          {"precision", number(worth.precision())},
          {"recall", number(worth.recall())},
          {"lead_s", number(worth.lead_s)},
          {"never_fired", worth.spoke == 0},
          {"never_looked_at", !worth.looked_at},
          {"never_changed_a_decision", !worth.changed_something}};
}

}  // namespace wellrun::health::effectiveness
