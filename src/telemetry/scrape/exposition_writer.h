#pragma once

// Writes the protobuf exposition that exposition_protobuf.h reads: MetricFamily messages, each
// after its length. Pure. Source: io.prometheus.client, metrics.proto.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "telemetry/model.h"

namespace wellrun::telemetry::scrape {

/// Metrics may come in any order: those of one name and type become one family.
class FamilyWriter {
 public:
  /// As an untyped metric.
  void add(std::string_view name, const std::vector<Label>& labels, const Sample& sample);
  /// Whole: buckets of a native histogram as floats. One with custom bounds, which the format does
  /// not know, becomes a classic one with these bounds.
  void add(std::string_view name, const std::vector<Label>& labels, const HistogramSample& sample);

  /// All families, by name.
  std::string finish() &&;

 private:
  enum class Type { kUntyped = 3, kHistogram = 4, kGaugeHistogram = 5 };  ///< MetricType
  std::string& family(std::string_view name, Type type);

  std::map<std::pair<std::string, Type>, std::string> families_;
};

}  // namespace wellrun::telemetry::scrape
