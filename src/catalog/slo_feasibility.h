#pragma once

// Whether an SLO can be kept by a workload that depends on others: parts in series are only all up
// for the product of what each promises. Pure. Used by check (as a warning) and by the report.

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/kinds/slo.h"

namespace wellrun::catalog {

/// A workload that components of the promising one depend on, and what it promises.
struct DependencyPromise {
  std::string workload, slo;  ///< no slo: it promises nothing
  double target = 0;
};

struct Feasibility {
  std::vector<DependencyPromise> dependencies;  ///< by workload
  double best = 1;  ///< product of what they promise; those that promise nothing left out
  bool possible = true;
  std::string arithmetic;  ///< "payments 99% (Slo paid) × bank 99.5% (Slo open) = 98.505%"; empty
                           ///< when nothing is promised
};

/// Dependencies are the other workloads whose components its components name in `dependsOn`. Of a
/// dependency's SLOs the strictest ratio counts, so the answer errs to "possible"; what a promise
/// rests on in turn is in that promise.
Feasibility feasibility(const Catalog& catalog, const Slo& slo);

/// 0.98505 as "98.505%".
std::string percent(double share);

}  // namespace wellrun::catalog
