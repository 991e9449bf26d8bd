#pragma once

// Which environments customers use.

#include <string>

#include "catalog/catalog.h"

namespace wellrun::catalog {

/// What the catalog says of `environment`, or its name ("production") when it is not declared.
bool is_production(const Catalog& catalog, const std::string& environment);

}  // namespace wellrun::catalog
