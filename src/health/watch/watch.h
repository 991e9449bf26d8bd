#pragma once

// What is watched for departures from normal, as the catalog wants it: every KPI, every SLI, and
// what Baseline resources select. Pure. docs/baselines.md.

#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/labels.h"
#include "health/baseline/calendar.h"
#include "telemetry/storage.h"

namespace wellrun::health::watch {

struct Watch {
  std::string key;  ///< "kpi/<name>", "sli/<name>" or "baseline/<name>"
  std::string workload;
  std::string promql;
  /// Of a plain selector: its samples are read as they came. Empty: `promql` is evaluated every
  /// `interval`.
  std::vector<telemetry::Matcher> matchers;
  Labels labels;  ///< that each of its series gets: baseline, workload, and kpi or slo
  Duration interval{30'000};
  Duration learn_from = std::chrono::days(14);
  std::size_t most_series = 200;
  /// The workload's: whose time of day and holidays; never null. Shared by its watches.
  std::shared_ptr<const baseline::Calendar> calendar = utc_calendar();

  static std::shared_ptr<const baseline::Calendar> utc_calendar();

  /// Tells whether points would come out the same: a hash of what they are made by.
  std::string definition() const;
};

/// Sorted by key. A resource whose PromQL does not parse is left out: check() refuses it earlier.
std::vector<Watch> watches_of(const catalog::Catalog& catalog);

/// The labels of what is written about a series: its own without the name, the watch's, and
/// `metric`. A label of its own that is in the way becomes exported_<name>, with as many exported_
/// as make the name a new one.
Labels identity_of(const Watch& watch, const Labels& series);

/// 16 hexadecimal digits, the same in every process.
std::string id_of(const Labels& identity);

}  // namespace wellrun::health::watch
