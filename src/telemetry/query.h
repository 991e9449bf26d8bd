#pragma once

// Asking PromQL: the port that health, procedures and assess use. The engine behind it is
// telemetry/promql/; a simulation answers from a scripted world.

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "telemetry/model.h"

namespace wellrun::telemetry {

struct InstantSeries {
  Labels labels;
  double value = 0;
};

struct InstantHistogram {
  Labels labels;
  std::shared_ptr<const Histogram> histogram;
};

/// An instant query's result: a vector sorted by labels (or by value after sort()/topk()); a scalar
/// is one series without labels. Elements that are native histograms stand apart.
struct InstantResult {
  std::vector<InstantSeries> series;
  std::vector<InstantHistogram> histograms;
  std::vector<std::string> warnings;
};

class Querier {
 public:
  virtual ~Querier() = default;

  /// Thread-safe. `done` runs exactly once, on the strand; never before instant() returns. kInvalid
  /// for PromQL that does not parse, kDeadline, kTooLarge, kCancelled.
  virtual void instant(std::string promql, Timestamp time,
                       std::move_only_function<void(Result<InstantResult>)> done) = 0;
};

}  // namespace wellrun::telemetry
