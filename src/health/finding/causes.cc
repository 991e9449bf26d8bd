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

Timestamp first_of(const std::vector<Onset>& onsets) {
  return std::ranges::min(onsets, {}, &Onset::since).since;
}

/// How near a change of `component` is to what is unusual: the mean over the anomalies.
double nearness(const std::string& component, const std::vector<Onset>& onsets,
                const Topology& topology) {
  if (component.empty()) return kWholeWorkload;
  double sum = 0;
  for (const auto& onset : onsets) {
    if (onset.component.empty()) {
      sum += kUnknownPlace;
      continue;
    }
    const int distance = topology.distance(onset.component, component);
    sum += distance < 0 ? kElsewhere : std::pow(kDistanceShare, distance);
  }
  return sum / static_cast<double>(onsets.size());
}

std::string how_long_before(Timestamp change, Timestamp onset) {
  if (onset >= change) return format_age(onset - change) + " before it began";
  return "as it began";
}

Cause cause_of(const RecentChange& change, const std::vector<Onset>& onsets,
               const Topology& topology, Timestamp first) {
  const double minutes = std::max(0.0, to_seconds(first - change.at) / 60);
  const double near = nearness(change.component, onsets, topology);
  return {.kind = "change",
          .name = change.id,
          .score = near * std::exp(-minutes / kForgetMinutes),
          .why = fmt::format("{}, {}", change.what, how_long_before(change.at, first))};
}

bool is_suspect(const RecentChange& change, const std::string& workload, Timestamp first,
                const std::vector<Onset>& onsets, const Topology& topology) {
  if (change.at > first + kJustAfter || change.at + kLongBefore < first) return false;
  if (change.workload == workload) return true;
  return std::ranges::any_of(onsets, [&](const Onset& onset) {
    return !change.component.empty() && topology.distance(onset.component, change.component) >= 0;
  });
}

/// What is known of one component among the anomalies.
struct Evidence {
  Timestamp since = Timestamp::max();
  std::size_t own = 0;     ///< its unusual series
  std::size_t needed = 0;  ///< unusual series of components that need it
};

Cause cause_of(const std::string& component, const Evidence& evidence, std::size_t all,
               Timestamp first) {
  const double late = to_seconds(evidence.since - first) / 60;
  const double early = std::exp(-late / kForgetMinutes);
  const double share =
      static_cast<double>(evidence.own + evidence.needed) / static_cast<double>(all);
  auto why = fmt::format("{} of {} unusual series are its own", evidence.own, all);
  if (evidence.needed > 0)
    why += fmt::format(", {} are of components that need it", evidence.needed);
  why += late < 1 ? "; it was the first" : fmt::format("; {:.0f} min after the first", late);
  return {.kind = "component", .name = component, .score = kComponent * early * share, .why = why};
}

std::map<std::string, Evidence> evidence_of(const std::vector<Onset>& onsets,
                                            const Topology& topology) {
  std::map<std::string, Evidence> found;
  for (const auto& onset : onsets) {
    if (onset.component.empty()) continue;
    auto& evidence = found[onset.component];
    ++evidence.own;
    evidence.since = std::min(evidence.since, onset.since);
  }
  for (auto& [component, evidence] : found) {
    for (const auto& onset : onsets)
      if (!onset.component.empty() && topology.distance(onset.component, component) > 0)
        ++evidence.needed;
  }
  return found;
}

}  // namespace

Topology::Topology(const catalog::Catalog& catalog) {
  for (const auto* component : catalog.all<catalog::Component>()) {
    for (const auto& other : component->depends_on)
      needs_[component->metadata.name].insert(other.name);
  }
}

int Topology::distance(const std::string& from, const std::string& needed) const {
  std::map<std::string, int> seen{{from, 0}};
  std::deque<std::string> next{from};
  while (!next.empty()) {
    const auto at = next.front();
    next.pop_front();
    if (at == needed) return seen[at];
    const auto found = needs_.find(at);
    if (found == needs_.end()) continue;
    for (const auto& other : found->second)
      if (seen.emplace(other, seen[at] + 1).second) next.push_back(other);
  }
  return -1;
}

std::vector<Cause> likely_causes(const std::string& workload, const std::vector<Onset>& onsets,
                                 const std::vector<RecentChange>& changes,
                                 const Topology& topology) {
  if (onsets.empty()) return {};
  const auto first = first_of(onsets);
  std::vector<Cause> causes;
  for (const auto& change : changes)
    if (is_suspect(change, workload, first, onsets, topology))
      causes.push_back(cause_of(change, onsets, topology, first));
  for (const auto& [component, evidence] : evidence_of(onsets, topology))
    causes.push_back(cause_of(component, evidence, onsets.size(), first));
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
