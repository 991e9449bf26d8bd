#pragma once

// What is foretold, of what, and whether it is to be said: KPIs against their targets, error
// budgets and disks against nothing left, certificates against their end. Reads history by PromQL;
// synchronous, for a worker. docs/forecasts.md.

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/slo.h"
#include "core/labels.h"
#include "health/forecast/forecast.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health::forecast {

/// Something with a bound that it should not cross.
struct Subject {
  std::string key;   ///< "kpi/<name>", "budget/<slo>", "disk/<id>" or "certificate/<id>";
                     ///< "<kind>/all" when it could not be asked which there are
  std::string kind;  ///< kpi, budget, disk or certificate
  std::string workload;
  std::string what;  ///< in words, the beginning of a sentence: "KPI orders"
  std::string unit;
  Labels labels;  ///< of a disk's or a certificate's series, with its name
  double bound = 0;
  bool falling = true;  ///< the wrong side of the bound is below it
  Duration warn_within{0};
};

struct Outlook {
  Subject subject;
  History history;
  std::optional<Forecast> forecast;  ///< nothing: too little history, or none is needed
  Crossing crossing;
  std::optional<double> now;  ///< the last value
  bool is_beyond = false;     ///< the bound is crossed already: nothing to foretell
  bool warns = false;         ///< credible, and within warn_within
  std::string text;           ///< in words
  std::string error;          ///< why nothing is known, or empty

  std::string id() const;  ///< 16 hexadecimal digits out of the key
  /// Whether it is the one outlook of all of its kind, with its error, and `key` is of that kind.
  bool stands_for(std::string_view key) const;
};

/// What is foretold of one subject whose history is known; pure.
Outlook outlook_of(Subject subject, History history, Timestamp now);

/// Copied from the catalog on the strand.
struct Plan {
  std::vector<catalog::Kpi> kpis;
  std::vector<catalog::Slo> slos;
};
Plan plan_of(const catalog::Catalog& catalog);

/// All of them, sorted by key; of disks and certificates at most 500 series each. A subject whose
/// query failed has its error.
std::vector<Outlook> outlooks(const Plan& plan, const telemetry::promql::Engine& engine,
                              const telemetry::promql::QueryLimits& limits, Timestamp now);

}  // namespace wellrun::health::forecast
