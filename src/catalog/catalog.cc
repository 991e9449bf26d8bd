#include "catalog/catalog.h"

#include "catalog/kinds/workload.h"

namespace wellrun::catalog {

const Resource* Catalog::resource(std::string_view kind, std::string_view name) const {
  const auto names = history_.find(kind);
  if (names == history_.end()) return nullptr;
  const auto versions = names->second.find(name);
  return versions == names->second.end() ? nullptr : versions->second.back().resource.get();
}

std::vector<const Resource*> Catalog::resources(std::string_view kind) const {
  std::vector<const Resource*> found;
  for (const auto& [each_kind, names] : history_) {
    if (!kind.empty() && kind != each_kind) continue;
    for (const auto& [name, versions] : names) {
      if (versions.back().resource) found.push_back(versions.back().resource.get());
    }
  }
  return found;
}

std::size_t Catalog::size() const {
  return resources().size();
}

Catalog Catalog::at(Timestamp time) const {
  Catalog past;
  for (const auto& [kind, names] : history_) {
    for (const auto& [name, versions] : names) {
      std::vector<Version> until;
      for (const Version& version : versions) {
        if (version.from <= time) until.push_back(version);
      }
      if (until.empty()) continue;
      past.revision_ += until.size();
      past.history_[kind][name] = std::move(until);
    }
  }
  return past;
}

void Catalog::put(ResourcePointer resource) {
  const Timestamp from = resource->provenance.applied_at;
  history_[resource->kind][resource->name].push_back({from, std::move(resource)});
  ++revision_;
}

void Catalog::remove(std::string_view kind, std::string_view name, Timestamp time) {
  if (resource(kind, name) == nullptr) return;
  history_.find(kind)->second.find(name)->second.push_back({time, nullptr});
  ++revision_;
}

Ref<Team> owner_or_workloads(const Catalog& catalog, const Ref<Team>& owner,
                             const Ref<Workload>& workload) {
  if (owner) return owner;
  const Workload* found = catalog.find(workload);
  return found == nullptr ? Ref<Team>{} : found->owner;
}

}  // namespace wellrun::catalog
