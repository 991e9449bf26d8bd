#pragma once

// What is wanted, now and at any past moment: the applied resources. Read by every floor above;
// changed only by CatalogDomain as it applies facts. A value: copies share their resources. Used on
// the strand; a copy may be read anywhere.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/kinds/common.h"
#include "core/json.h"
#include "core/time.h"

namespace wellrun::catalog {

/// Who applied it, when, and where it was written.
struct Provenance {
  std::string apply;  ///< id of the apply
  std::string commit;
  std::string author;
  bool dirty = false;
  Timestamp applied_at;
  std::string file;
  int line = 0;
};

/// One applied version of one resource.
struct Resource {
  std::string kind;
  std::string name;
  std::shared_ptr<const void>
      value;      ///< the kind's struct; several holders outlive each other: state, history, copies
  Json document;  ///< normalised, every default written out: {apiVersion, kind, metadata, spec}
  std::string digest;  ///< of the document: 16 hexadecimal digits
  Provenance provenance;

  const Json& spec() const { return document.at("spec"); }
};

using ResourcePointer = std::shared_ptr<const Resource>;

class Catalog {
 public:
  /// The resource of kind T with this name, or null. Valid until the next apply.
  template <typename T>
  const T* find(std::string_view name) const {
    const Resource* found = resource(T::kKind, name);
    return found == nullptr ? nullptr : static_cast<const T*>(found->value.get());
  }
  /// The same; null for an empty reference.
  template <typename T>
  const T* find(const Ref<T>& reference) const {
    return find<T>(reference.name);
  }

  /// All of kind T, sorted by name.
  template <typename T>
  std::vector<const T*> all() const {
    std::vector<const T*> found;
    for (const Resource* each : resources(T::kKind)) {
      found.push_back(static_cast<const T*>(each->value.get()));
    }
    return found;
  }

  const Resource* resource(std::string_view kind, std::string_view name) const;
  /// Sorted by kind and name; an empty kind means all.
  std::vector<const Resource*> resources(std::string_view kind = {}) const;
  std::size_t size() const;

  /// The catalog as it was at `time`, changes of that very millisecond included; empty before the
  /// first apply.
  Catalog at(Timestamp time) const;

  /// Grows with every change; the same number means the same content.
  std::uint64_t revision() const { return revision_; }

  /// For CatalogDomain, checks and tests: `resource` holds from `resource->provenance.applied_at`
  /// on.
  void put(ResourcePointer resource);
  /// Nothing when there is no such resource.
  void remove(std::string_view kind, std::string_view name, Timestamp time);

  struct Version {
    Timestamp from;
    ResourcePointer resource;  ///< null: deleted
  };
  /// Every version of every resource, oldest first, including deleted ones.
  using History =
      std::map<std::string, std::map<std::string, std::vector<Version>, std::less<>>, std::less<>>;
  const History& history() const { return history_; }

 private:
  History history_;
  std::uint64_t revision_ = 0;
};

/// `owner`, or the owner of `workload` when that is empty; empty when neither says.
Ref<Team> owner_or_workloads(const Catalog& catalog, const Ref<Team>& owner,
                             const Ref<Workload>& workload);

}  // namespace wellrun::catalog
