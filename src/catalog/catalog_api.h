#pragma once

// The catalog over HTTP: resources, check, plan, apply, export, kinds, schema, history.

#include <functional>
#include <string_view>
#include <vector>

#include "catalog/catalog_domain.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"

namespace wellrun::catalog {

/// All outlive the routes.
struct CatalogApi {
  Strand& strand;
  Workers& workers;  ///< for what takes as long as its question is large
  journal::Ledger& ledger;
  const CatalogDomain& domain;
  Languages languages;
  Duration retention{0};  ///< as CheckOptions have it
};

std::vector<http::Route> catalog_routes(const CatalogApi& api);

}  // namespace wellrun::catalog
