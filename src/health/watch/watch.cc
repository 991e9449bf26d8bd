#include "health/watch/watch.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "catalog/kinds/baseline.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/slo.h"
#include "catalog/kinds/workload.h"
#include "core/bytes.h"
#include "health/slo/sli_queries.h"
#include "platform/runtime/slots.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::watch {
namespace {

constexpr Duration kSliInterval{60'000};
constexpr Duration kSliLength{300'000};
constexpr Duration kShortestInterval{1000};

Watch watch_of(const std::string& kind, const catalog::Metadata& metadata,
               const catalog::Ref<catalog::Workload>& workload) {
  Watch watch;
  watch.key = kind + "/" + metadata.name;
  watch.workload = workload.name;
  watch.labels.set("baseline", watch.key);
  watch.labels.set("workload", watch.workload);
  return watch;
}

Watch watch_of(const catalog::Kpi& kpi) {
  auto watch = watch_of("kpi", kpi.metadata, kpi.workload);
  watch.promql = kpi.promql();
  watch.interval = std::clamp(kpi.interval, kShortestInterval, kLongestInterval);
  watch.labels.set("kpi", kpi.metadata.name);
  return watch;
}

/// The share of the last five minutes that was good.
Watch watch_of(const catalog::Slo& slo) {
  auto watch = watch_of("sli", slo.metadata, slo.service);
  watch.promql = ratio_query(slo, kSliLength);
  watch.interval = kSliInterval;
  watch.labels.set("slo", slo.metadata.name);
  return watch;
}

/// Only what select() can answer alone: no offset, no @, nothing anchored or smoothed.
std::vector<telemetry::Matcher> plain_selector(const telemetry::promql::Expr& expr) {
  using telemetry::promql::TimeShift;
  const auto* selector = expr.as<telemetry::promql::VectorSelector>();
  if (selector == nullptr || selector->shift.at != TimeShift::At::kNone ||
      selector->shift.offset != nullptr || selector->anchored || selector->smoothed)
    return {};
  return selector->matchers;
}

Watch watch_of(const catalog::Baseline& baseline) {
  auto watch = watch_of("baseline", baseline.metadata, baseline.workload);
  watch.promql = baseline.query;
  watch.interval = std::clamp(baseline.interval, kShortestInterval, kLongestInterval);
  watch.learn_from = baseline.learn_from;
  watch.most_series = static_cast<std::size_t>(baseline.most_series);
  if (const auto parsed = telemetry::promql::parse(baseline.query))
    watch.matchers = plain_selector(**parsed);
  return watch;
}

/// Without one, or with one that check() would refuse: UTC.
std::shared_ptr<const baseline::Calendar> calendar_of(const catalog::Catalog& catalog,
                                                      const std::string& workload) {
  const auto* owner = catalog.find<catalog::Workload>(workload);
  const auto* declared = owner == nullptr ? nullptr : catalog.find(owner->calendar);
  if (declared == nullptr) return Watch::utc_calendar();
  auto calendar = baseline::Calendar::of(*declared);
  if (!calendar) return Watch::utc_calendar();
  return std::make_shared<const baseline::Calendar>(std::move(*calendar));
}

bool parses(const Watch& watch) {
  return telemetry::promql::parse(watch.promql).has_value();
}

}  // namespace

std::shared_ptr<const baseline::Calendar> Watch::utc_calendar() {
  static const auto kUtc = std::make_shared<const baseline::Calendar>();
  return kUtc;
}

std::string Watch::definition() const {
  return fmt::format("{:016x}", stable_hash(fmt::format("{}\n{}\n{}", promql, interval.count(),
                                                        learn_from.count())));
}

std::vector<Watch> watches_of(const catalog::Catalog& catalog) {
  std::vector<Watch> watches;
  std::map<std::string, std::shared_ptr<const baseline::Calendar>> calendars;  // by workload
  const auto add = [&](Watch watch) {
    if (!parses(watch)) return;
    auto& calendar = calendars[watch.workload];
    if (!calendar) calendar = calendar_of(catalog, watch.workload);
    watch.calendar = calendar;
    watches.push_back(std::move(watch));
  };
  for (const auto* baseline : catalog.all<catalog::Baseline>()) add(watch_of(*baseline));
  for (const auto* kpi : catalog.all<catalog::Kpi>()) add(watch_of(*kpi));
  for (const auto* slo : catalog.all<catalog::Slo>()) add(watch_of(*slo));
  std::ranges::sort(watches, {}, &Watch::key);
  return watches;
}

Labels identity_of(const Watch& watch, const Labels& series) {
  Labels identity = watch.labels;
  const auto name = series.metric_name();
  identity.set("metric", name.empty() ? std::string_view(watch.key) : name);
  std::vector<Label> own;
  for (const auto& label : series) {
    if (label.name == kMetricNameLabel) continue;
    // The workload that the series itself names is the same thing said twice.
    if (label.name == "workload" && label.value == watch.workload) continue;
    auto name_of_own = label.name;
    while (identity.has(name_of_own) || (name_of_own != label.name && series.has(name_of_own)))
      name_of_own.insert(0, "exported_");
    own.push_back({std::move(name_of_own), label.value});
  }
  for (const auto& label : own) identity.set(label.name, label.value);
  return identity;
}

std::string id_of(const Labels& identity) {
  return fmt::format("{:016x}", stable_hash(identity));
}

}  // namespace wellrun::health::watch
