#pragma once

// What editors and readers get from the declaration of a kind: JSON Schema and the reference page.
// Pure.

#include <string>

#include "catalog/registry.h"
#include "core/json.h"

namespace wellrun::catalog {

/// JSON Schema (2020-12) of a whole document of this kind.
Json json_schema(const Kind& kind);

/// The reference page, docs/reference/<kind in small letters>.md.
std::string reference_page(const Kind& kind);
/// docs/reference/README.md: the list of kinds.
std::string reference_index();

}  // namespace wellrun::catalog
