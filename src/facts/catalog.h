#pragma once

// Facts of the catalog: what was declared as code, by whom, from which commit.
// Streams: catalog, resource/<Kind>/<name>.

#include <string>

#include "core/json.h"
#include "core/result.h"

namespace wellrun::facts {

/// One apply, after the facts of each resource that it changed, in the same turn.
struct CatalogApplied {
  static constexpr auto kType = "catalog.applied";
  std::string apply;
  std::string commit;
  std::string author;
  bool dirty = false;
  int created = 0;
  int changed = 0;
  int deleted = 0;
};

/// A part of a document that does not fit into one fact; the parts come before their
/// resource.applied, in order.
struct ResourcePart {
  static constexpr auto kType = "resource.part";
  std::string kind;
  std::string name;
  std::string apply;
  int part = 0;  ///< from 0
  std::string text;
};

/// A resource is new or differs from what was applied before, or is the same and only now has a
/// clean commit.
struct ResourceApplied {
  static constexpr auto kType = "resource.applied";
  std::string kind;
  std::string name;
  Json resource;  ///< the normalised document; null when it stands in `parts` facts before
  int parts = 0;
  std::string digest;
  std::string apply;
  std::string commit;
  std::string author;
  bool dirty = false;
  std::string file;
  int line = 0;
};

struct ResourceDeleted {
  static constexpr auto kType = "resource.deleted";
  std::string kind;
  std::string name;
  std::string apply;
};

Json to_json(const CatalogApplied& fact);
Json to_json(const ResourcePart& fact);
Json to_json(const ResourceApplied& fact);
Json to_json(const ResourceDeleted& fact);

/// kCorrupt when `body` lacks the fields that make the fact meaningful.
Result<CatalogApplied> catalog_applied_from_json(const Json& body);
Result<ResourcePart> resource_part_from_json(const Json& body);
Result<ResourceApplied> resource_applied_from_json(const Json& body);
Result<ResourceDeleted> resource_deleted_from_json(const Json& body);

}  // namespace wellrun::facts
