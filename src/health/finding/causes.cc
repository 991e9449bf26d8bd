#include "health/finding/causes.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <fmt/format.h>

#include "catalog/kinds/component.h"

namespace wellrun::health::finding {
namespace {

constexpr Duration kLongBefore = std::chrono::hours(2);  ///< a change that old is no suspect
constexpr Duration kJustAfter{120'000};  ///< an onset is known to a point or two: it may seem early
constexpr double kForgetMinutes = 30;    ///< over which a change loses two thirds of its weight
constexpr double kDistanceShare = 0.75;  ///< for each dependency in between
constexpr double kWholeWorkload = 0.6;   ///< a change that names no component
constexpr double kElsewhere = 0.3;       ///< a component that nothing unusual is known to need
constexpr double kUnknownPlace = 0.5;    ///< an anomaly of which no component is known
constexpr double kComponent = 0.6;       ///< a change that fits explains more than a place does
constexpr double kLeastScore = 0.1;
constexpr std::size_t kMostCauses = 5;

/// What is known of one component among the anomalies.
struct Unwell {
  std::size_t own = 0;  ///< its unusual series
  Timestamp since = Timestamp::max();
  std::map<std::string, int> needs;  ///< Topology::needs_of() it
};

/// All unusual series by what matters of them: thousands have few components.
struct Extent {
  std::size_t all = 0;
  std::size_t unplaced = 0;  ///< of which no component is known
  Timestamp first = Timestamp::max();
  std::map<std::string, Unwell> components;
};

Extent by_component(const std::vector<Onset>& onsets, const Topology& topology) {
  Extent extent{.all = onsets.size()};
  for (const auto& onset : onsets) {
    extent.first = std::min(extent.first, onset.since);
    if (onset.component.empty()) {
      ++extent.unplaced;
      continue;
    }
    auto& unwell = extent.components[onset.component];
    ++unwell.own;
    unwell.since = std::min(unwell.since, onset.since);
  }
  for (auto& [component, unwell] : extent.components) unwell.needs = topology.needs_of(component);
  return extent;
}

/// How near a change of `component` is to what is unusual: the mean over the anomalies.
double nearness(const std::string& component, const Extent& extent) {
  if (component.empty()) return kWholeWorkload;
  double sum = static_cast<double>(extent.unplaced) * kUnknownPlace;
  for (const auto& [name, unwell] : extent.components) {
    const auto found = unwell.needs.find(component);
    const double near =
        found == unwell.needs.end() ? kElsewhere : std::pow(kDistanceShare, found->second);
    sum += static_cast<double>(unwell.own) * near;
  }
  return sum / static_cast<double>(extent.all);
}

std::string how_long_before(Timestamp change, Timestamp onset) {
  if (onset >= change) return format_age(onset - change) + " before it began";
  return "as it began";
}

Cause cause_of(const RecentChange& change, const Extent& extent) {
  const double minutes = std::max(0.0, to_seconds(extent.first - change.at) / 60);
  const double near = nearness(change.component, extent);
  return {.kind = "change",
          .name = change.id,
          .score = near * std::exp(-minutes / kForgetMinutes),
          .why = fmt::format("{}, {}", change.what, how_long_before(change.at, extent.first))};
}

bool is_suspect(const RecentChange& change, const std::string& workload, const Extent& extent) {
  if (change.at > extent.first + kJustAfter || change.at + kLongBefore < extent.first) return false;
  if (change.workload == workload) return true;
  return std::ranges::any_of(extent.components, [&](const auto& each) {
    return each.second.needs.contains(change.component);
  });
}

Cause cause_of(const std::string& component, const Unwell& unwell, const Extent& extent) {
  std::size_t needed = 0;  // unusual series of components that need it
  for (const auto& [name, other] : extent.components)
    if (name != component && other.needs.contains(component)) needed += other.own;
  const double late = to_seconds(unwell.since - extent.first) / 60;
  const double early = std::exp(-late / kForgetMinutes);
  const double share = static_cast<double>(unwell.own + needed) / static_cast<double>(extent.all);
  auto why = fmt::format("{} of {} unusual series are its own", unwell.own, extent.all);
  if (needed > 0) why += fmt::format(", {} are of components that need it", needed);
  why += late < 1 ? "; it was the first" : fmt::format("; {:.0f} min after the first", late);
  return {.kind = "component", .name = component, .score = kComponent * early * share, .why = why};
}

}  // namespace

Topology::Topology(const catalog::Catalog& catalog) {
  for (const auto* component : catalog.all<catalog::Component>()) {
    for (const auto& other : component->depends_on)
      needs_[component->metadata.name].insert(other.name);
  }
}

std::map<std::string, int> Topology::needs_of(const std::string& component) const {
  std::map<std::string, int> distances{{component, 0}};
  std::deque<std::string> next{component};
  while (!next.empty()) {
    const auto at = std::move(next.front());
    next.pop_front();
    const auto found = needs_.find(at);
    if (found == needs_.end()) continue;
    const int further = distances.at(at) + 1;
    for (const auto& other : found->second)
      if (distances.emplace(other, further).second) next.push_back(other);
  }
  return distances;
}

std::vector<Cause> likely_causes(const std::string& workload, const std::vector<Onset>& onsets,
                                 const std::vector<RecentChange>& changes,
                                 const Topology& topology) {
  if (onsets.empty()) return {};
  const auto extent = by_component(onsets, topology);
  std::vector<Cause> causes;
  for (const auto& change : changes)
    if (is_suspect(change, workload, extent)) causes.push_back(cause_of(change, extent));
  for (const auto& [component, unwell] : extent.components)
    causes.push_back(cause_of(component, unwell, extent));
  std::erase_if(causes, [](const Cause& cause) { return cause.score < kLeastScore; });
  std::ranges::stable_sort(causes, std::greater(), &Cause::score);
  if (causes.size() > kMostCauses) causes.resize(kMostCauses);
  return causes;
}

std::string component_of(const catalog::Catalog& catalog, const std::string& workload,
                         const Labels& labels) {
  for (const auto* name : {"component", "service", "service_name", "exported_service", "job"}) {
    const auto value = labels.get(name);
    if (value.empty()) continue;
    for (const auto* component : catalog.all<catalog::Component>()) {
      if (component->workload.name == workload &&
          (component->metadata.name == value || component->service_name() == value))
        return component->metadata.name;
    }
  }
  return {};
}

}  // namespace wellrun::health::finding
