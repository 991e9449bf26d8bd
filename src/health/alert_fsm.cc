#include "health/alert_fsm.h"

#include <set>

#include "catalog/alert_severity.h"
#include "core/bytes.h"

namespace wellrun::health {
namespace {

/// kUnavailable goes on to the caller; any other failure is shown where the text would stand.
Result<std::string> expanded(const std::string& text, const TemplateData& data) {
  auto result = expand_template(text, data);
  if (result || result.error().code == ErrorCode::kUnavailable) return result;
  return fmt::format("<error expanding template: {}>", result.error().message);
}

/// The alert that a series is now, before the rule's past is looked at.
Result<ActiveAlert> seen(const AlertRule& rule, const telemetry::InstantSeries& series,
                         const EvaluationContext& context) {
  const TemplateData data{.labels = series.labels,
                          .value = series.value,
                          .external_labels = context.external_labels,
                          .external_url = context.external_url,
                          .now = context.now,
                          .query = context.query};
  ActiveAlert alert{.fingerprint = {},
                    .labels = series.labels,
                    .annotations = {},
                    .value = series.value,
                    .state = AlertState::kPending,
                    .active_at = context.now,
                    .fired_at = {},
                    .keep_firing_since = {}};
  alert.labels.remove(kMetricNameLabel);
  for (const auto& [name, text] : rule.labels) {
    TRY(const auto value, expanded(text, data));
    alert.labels.set(name, value);
  }
  alert.labels.set("alertname", rule.alert);
  for (const auto& [name, text] : rule.annotations) {
    TRY(alert.annotations[name], expanded(text, data));
  }
  alert.fingerprint = fingerprint_of(rule, alert.labels);
  return alert;
}

/// Tells series of one rule apart without its templates: the labels that it does not set itself.
std::uint64_t own_labels(const AlertRule& rule, Labels labels) {
  labels.remove(kMetricNameLabel);
  labels.remove("alertname");
  for (const auto& [name, text] : rule.labels) labels.remove(name);
  return stable_hash(labels);
}

/// Those of `series` that are followed.
std::vector<telemetry::InstantSeries> followed(const AlertRule& rule, const ActiveAlerts& before,
                                               std::vector<telemetry::InstantSeries> series,
                                               const EvaluationContext& context) {
  std::set<std::uint64_t> known;
  for (const auto& [fingerprint, alert] : before) known.insert(own_labels(rule, alert.labels));
  for (const auto& [labels, start] : context.restored) known.insert(own_labels(rule, labels));
  struct Place {
    bool is_new;
    std::uint64_t hash;
    std::size_t index;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> order;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const auto hash = own_labels(rule, series[i].labels);
    order.push_back({!known.contains(hash), hash, i});
  }
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(context.most_alerts);
  std::ranges::nth_element(order, end);
  std::vector<telemetry::InstantSeries> kept;
  for (auto place = order.begin(); place != end; ++place)
    kept.push_back(std::move(series[place->index]));
  return kept;
}

/// True while a firing alert whose expression no longer holds goes on firing.
bool keeps_firing(ActiveAlert& alert, Duration keep, Timestamp now) {
  if (alert.state != AlertState::kFiring || keep <= Duration::zero()) return false;
  if (!alert.keep_firing_since || *alert.keep_firing_since > now) alert.keep_firing_since = now;
  return now - *alert.keep_firing_since < keep;
}

}  // namespace

const char* name_of(AlertState state) {
  switch (state) {
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "?";
}

std::string ActiveAlert::severity() const {
  return catalog::alert_severity(labels.get("severity"));
}

std::string fingerprint_of(const AlertRule& rule, const Labels& labels) {
  return fmt::format("{:016x}", stable_hash(rule.key, stable_hash(labels)));
}

Result<Evaluation> evaluate(const AlertRule& rule, const ActiveAlerts& before,
                            const std::vector<telemetry::InstantSeries>& series,
                            const EvaluationContext& context) {
  if (rule.limit > 0 && series.size() > static_cast<std::size_t>(rule.limit)) {
    return fail(ErrorCode::kExhausted, fmt::format("exceeded limit of {} with {} alerts; they are "
                                                   "dropped until there are fewer",
                                                   rule.limit, series.size()));
  }
  if (series.size() > context.most_alerts) {
    TRY(auto most, evaluate(rule, before, followed(rule, before, series, context), context));
    most.left_out = Error{ErrorCode::kTooLarge,
                          fmt::format("alerting rule {} has {} active series, {} of them are "
                                      "followed; aggregate its expression",
                                      rule.alert, series.size(), context.most_alerts),
                          {}};
    return most;
  }
  ActiveAlerts after;
  for (const auto& each : series) {
    TRY(auto alert, seen(rule, each, context));
    if (const auto old = before.find(alert.fingerprint); old != before.end()) {
      alert.state = old->second.state;
      alert.active_at = std::min(old->second.active_at, context.now);  // the clock may be set back
      alert.fired_at = old->second.fired_at;
      alert.evidence = old->second.evidence;
    } else if (const auto start = context.restored.find(alert.labels);
               start != context.restored.end()) {
      alert.active_at = std::min(start->second, context.now);
    }
    if (alert.state == AlertState::kPending && context.now - alert.active_at >= rule.hold) {
      alert.state = AlertState::kFiring;
      alert.fired_at = context.now;
    }
    const auto fingerprint = alert.fingerprint;
    if (!after.emplace(fingerprint, std::move(alert)).second) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("alerting rule {}: its expression has two series that are the same "
                              "once its labels are added; aggregate, or keep the label that tells "
                              "them apart",
                              rule.alert));
    }
  }
  for (auto [fingerprint, alert] : before) {
    if (after.contains(fingerprint)) continue;
    const bool not_known = alert.taken_over && context.keeps_taken_over;
    if (not_known || keeps_firing(alert, rule.keep_firing_for, context.now))
      after.emplace(fingerprint, std::move(alert));
  }
  return Evaluation{std::move(after), std::nullopt};
}

}  // namespace wellrun::health
