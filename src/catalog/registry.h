#pragma once

// All kinds, as data: the one list. Everything that treats kinds alike (loading, export, schema,
// documentation) goes through here.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "catalog/shape.h"

namespace wellrun::catalog {

struct Kind {
  std::string name;
  const Shape* shape = nullptr;
  std::shared_ptr<void> (*create)() = nullptr;
  Metadata& (*metadata)(void*) = nullptr;
};

/// In the order in which export writes them: what others refer to first.
std::span<const Kind> kinds();
const Kind* kind_named(std::string_view name);

/// A whole document {apiVersion, kind, metadata, spec} as a resource without provenance. Null when
/// its kind or name cannot be read; problems are recorded in `reading`, and the resource may then
/// be incomplete.
std::shared_ptr<Resource> decode_resource(const Node& document, Reading& reading);

/// The document again.
Node encode_resource(const Kind& kind, const void* value, Writing writing);

/// Every resource as one YAML stream, sorted by kind and name: canonical, only what differs from
/// the defaults. Applied to an empty catalog and exported again it gives the same bytes.
std::string export_yaml(const Catalog& catalog);
/// One of them; without what stands between two.
std::string export_yaml(const Resource& resource);

/// Small letters, digits, '-', '_' and '.', at most 100, beginning and ending with a letter or
/// digit.
bool is_resource_name(std::string_view name);

}  // namespace wellrun::catalog
