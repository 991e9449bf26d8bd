#include "catalog/production.h"

#include "catalog/kinds/environment.h"

namespace wellrun::catalog {

bool is_production(const Catalog& catalog, const std::string& environment) {
  const auto* declared = catalog.find<Environment>(environment);
  return declared == nullptr ? environment == "production" : declared->production;
}

}  // namespace wellrun::catalog
