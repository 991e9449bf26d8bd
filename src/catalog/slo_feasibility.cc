#include "catalog/slo_feasibility.h"

#include <fmt/format.h>
#include <set>

#include "catalog/kinds/component.h"

namespace wellrun::catalog {
namespace {

std::set<std::string> workloads_needed(const Catalog& catalog, const std::string& workload) {
  std::set<std::string> needed;
  for (const Component* component : catalog.all<Component>()) {
    if (component->workload.name != workload) continue;
    for (const auto& reference : component->depends_on) {
      const Component* other = catalog.find(reference);
      if (other != nullptr && other->workload.name != workload) needed.insert(other->workload.name);
    }
  }
  return needed;
}

DependencyPromise promise_of(const Catalog& catalog, const std::string& workload) {
  DependencyPromise promise{.workload = workload, .slo = {}, .target = 0};
  for (const Slo* slo : catalog.all<Slo>()) {
    if (slo->service.name != workload || !slo->indicator.spec.ratio_metric) continue;
    if (slo->target() > promise.target) {
      promise.slo = slo->metadata.name;
      promise.target = slo->target();
    }
  }
  return promise;
}

}  // namespace

std::string percent(double share) {
  return fmt::format("{:.6g}%", share * 100);
}

Feasibility feasibility(const Catalog& catalog, const Slo& slo) {
  Feasibility found;
  std::vector<std::string> factors;
  for (const auto& workload : workloads_needed(catalog, slo.service.name)) {
    const auto& promise = found.dependencies.emplace_back(promise_of(catalog, workload));
    if (promise.slo.empty()) continue;
    found.best *= promise.target;
    factors.push_back(
        fmt::format("{} {} (Slo {})", workload, percent(promise.target), promise.slo));
  }
  // What is written in decimal is compared as it is written.
  found.possible = slo.target() <= found.best + 1e-12;
  if (!factors.empty())
    found.arithmetic = fmt::format("{} = {}", fmt::join(factors, " × "), percent(found.best));
  return found;
}

}  // namespace wellrun::catalog
