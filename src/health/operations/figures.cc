#include "health/operations/figures.h"

#include <algorithm>
#include <array>
#include <vector>

#include "facts/change.h"

namespace wellrun::health::operations {
namespace {

/// What a figure is about: one workload (or all), from and to.
struct Scope {
  std::string_view workload;
  Timestamp from, to;

  bool has(std::string_view of) const { return workload.empty() || workload == of; }
  bool holds(Timestamp at) const { return at >= from && at <= to; }
  double weeks() const { return to_seconds(to - from) / (7 * 86'400); }
};

Figure median(std::vector<double> values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  double value = *middle;
  if (values.size() % 2 == 0) value = (value + *std::max_element(values.begin(), middle)) / 2;
  return {value, values.size()};
}

Figure share(std::size_t part, std::size_t all) {
  if (all == 0) return {};
  return {static_cast<double>(part) / static_cast<double>(all), all};
}

using Moment = std::optional<Timestamp> IncidentTimes::*;

/// Of incidents that opened in the time, and have come so far.
Figure median_until(const OperationsRecord& record, const Scope& scope, Moment end) {
  std::vector<double> seconds;
  for (const auto& each : record.incidents) {
    if (scope.has(each.workload) && scope.holds(each.opened_at) && each.*end)
      seconds.push_back(to_seconds(*(each.*end) - each.opened_at));
  }
  return median(std::move(seconds));
}

/// Of those that an alert opened: a person who opens one does not say since when it was so.
Figure time_to_detect(const OperationsRecord& record, std::string_view workload, Timestamp from,
                      Timestamp to) {
  const Scope scope{workload, from, to};
  std::vector<double> seconds;
  for (const auto& each : record.incidents) {
    if (scope.has(each.workload) && scope.holds(each.opened_at) && each.began_at)
      seconds.push_back(to_seconds(each.opened_at - *each.began_at));
  }
  return median(std::move(seconds));
}

template <Moment end>
Figure time_until(const OperationsRecord& record, std::string_view workload, Timestamp from,
                  Timestamp to) {
  return median_until(record, {workload, from, to}, end);
}

/// Deployments to production that ended in the time.
std::vector<const Shipment*> shipped(const OperationsRecord& record, const Scope& scope) {
  std::vector<const Shipment*> found;
  for (const auto& each : record.shipments) {
    if (scope.has(each.workload) && each.in_production && each.finished_at &&
        scope.holds(*each.finished_at))
      found.push_back(&each);
  }
  return found;
}

Figure deployment_frequency(const OperationsRecord& record, std::string_view workload,
                            Timestamp from, Timestamp to) {
  const auto all = shipped(record, {workload, from, to});
  if (all.empty()) return {};
  return {static_cast<double>(all.size()) * 86'400 / to_seconds(to - from), all.size()};
}

Figure lead_time(const OperationsRecord& record, std::string_view workload, Timestamp from,
                 Timestamp to) {
  std::vector<double> seconds;
  for (const auto* each : shipped(record, {workload, from, to})) {
    if (!each->committed_at || each->outcome == "failed") continue;
    if (const auto took = facts::lead_time(*each->committed_at, *each->finished_at))
      seconds.push_back(to_seconds(*took));
  }
  return median(std::move(seconds));
}

bool has_failed(const Shipment& each) {
  return each.failed();
}
bool is_rework(const Shipment& each) {
  return each.rework;
}

template <bool (*what)(const Shipment&)>
Figure share_of_deployments(const OperationsRecord& record, std::string_view workload,
                            Timestamp from, Timestamp to) {
  const auto all = shipped(record, {workload, from, to});
  const auto part = std::ranges::count_if(all, [](const Shipment* each) { return what(*each); });
  return share(static_cast<std::size_t>(part), all.size());
}

Figure time_to_restore(const OperationsRecord& record, std::string_view workload, Timestamp from,
                       Timestamp to) {
  std::vector<double> seconds;
  for (const auto* each : shipped(record, {workload, from, to})) {
    if (const auto took = each->recovery.time_to_restore()) seconds.push_back(to_seconds(*took));
  }
  return median(std::move(seconds));
}

/// Hours a week: runs that a person started, and incidents from the acknowledgement until customers
/// were well again.
Figure toil(const OperationsRecord& record, std::string_view workload, Timestamp from,
            Timestamp to) {
  const Scope scope{workload, from, to};
  double seconds = 0;
  std::size_t count = 0;
  for (const auto& run : record.runs) {
    if (!run.by_hand || !scope.has(run.workload) || !scope.holds(run.at)) continue;
    seconds += static_cast<double>(run.duration_ms) / 1000;
    ++count;
  }
  for (const auto& each : record.incidents) {
    if (!scope.has(each.workload) || !scope.holds(each.opened_at) || !each.acknowledged_at)
      continue;
    const auto end = each.mitigated_at ? each.mitigated_at : each.resolved_at;
    seconds += std::max(0.0, to_seconds(end.value_or(to) - *each.acknowledged_at));
    ++count;
  }
  if (count == 0) return {};
  return {seconds / 3600 / scope.weeks(), count};
}

/// Pages a week of the person who got most.
Figure page_load(const OperationsRecord& record, std::string_view workload, Timestamp from,
                 Timestamp to) {
  const Scope scope{workload, from, to};
  std::map<std::string_view, double> by_person;
  std::size_t count = 0;
  for (const auto& page : record.pages) {
    if (!scope.has(page.workload) || !scope.holds(page.at)) continue;
    ++by_person[page.person];
    ++count;
  }
  double most = 0;
  for (const auto& [person, pages] : by_person) most = std::max(most, pages);
  if (count == 0) return {};
  return {most / scope.weeks(), count};
}

Figure automation_share(const OperationsRecord& record, std::string_view workload, Timestamp from,
                        Timestamp to) {
  const Scope scope{workload, from, to};
  std::size_t all = 0, by_itself = 0;
  for (const auto& run : record.runs) {
    if (!scope.has(run.workload) || !scope.holds(run.at)) continue;
    ++all;
    if (!run.by_hand) ++by_itself;
  }
  return share(by_itself, all);
}

/// Of the actions that were open at the end of the time; actions belong to no workload.
Figure backlog_age(const OperationsRecord& record, std::string_view, Timestamp, Timestamp to) {
  std::vector<double> seconds;
  for (const auto& [id, action] : record.actions) {
    if (action.created_at <= to && (!action.finished_at || *action.finished_at > to))
      seconds.push_back(to_seconds(to - action.created_at));
  }
  return median(std::move(seconds));
}

// clang-format off
constexpr std::array kKinds{
    FigureKind{"time-to-detect", "Time to detect", "s", "lower", time_to_detect},
    FigureKind{"time-to-acknowledge", "Time to acknowledge", "s", "lower", time_until<&IncidentTimes::acknowledged_at>},
    FigureKind{"time-to-mitigate", "Time to mitigate", "s", "lower", time_until<&IncidentTimes::mitigated_at>},
    FigureKind{"time-to-resolve", "Time to resolve", "s", "lower", time_until<&IncidentTimes::resolved_at>},
    FigureKind{"deployment-frequency", "Deployments a day", "1/d", "higher", deployment_frequency},
    FigureKind{"lead-time", "Lead time for changes", "s", "lower", lead_time},
    FigureKind{"change-failure-rate", "Change failure rate", "ratio", "lower", share_of_deployments<has_failed>},
    FigureKind{"time-to-restore", "Time to restore", "s", "lower", time_to_restore},
    FigureKind{"rework-rate", "Rework rate", "ratio", "lower", share_of_deployments<is_rework>},
    FigureKind{"toil", "Toil", "h/week", "lower", toil},
    FigureKind{"page-load", "Pages of the most paged person", "1/week", "lower", page_load},
    FigureKind{"automation-share", "Runs that start by themselves", "ratio", "higher", automation_share},
    FigureKind{"backlog-age", "Age of open actions", "s", "lower", backlog_age},
};
// clang-format on

}  // namespace

std::span<const FigureKind> figure_kinds() {
  return kKinds;
}

Figure figure(const OperationsRecord& record, std::string_view name, std::string_view workload,
              Timestamp now, Duration window) {
  const auto kind = std::ranges::find(kKinds, name, &FigureKind::name);
  return kind == kKinds.end() ? Figure{} : kind->compute(record, workload, now - window, now);
}

}  // namespace wellrun::health::operations
