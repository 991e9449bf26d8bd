#pragma once

// Whether samples are kept as long as an SLO looks back. Pure. Used by check (as a note) and by the
// report.

#include <string>

#include "catalog/catalog.h"
#include "catalog/kinds/slo.h"

namespace wellrun::catalog {

/// Why the SLO is measured over less than its time window; empty where it may be measured over all
/// of it. `retention`: how long samples are kept that no Retention names; zero: not known. Errs to
/// silence: a Retention that keeps anything as long may keep this SLO's series.
std::string beyond_retention(const Catalog& catalog, const Slo& slo, Duration retention);

}  // namespace wellrun::catalog
