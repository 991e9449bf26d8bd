#pragma once

// What evaluation works on: columns over the steps of a query. An instant query is a range query of
// one step.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "telemetry/model.h"
#include "telemetry/promql/ast.h"

namespace wellrun::telemetry::promql {

using HistogramPtr = std::shared_ptr<const Histogram>;

/// The steps of an evaluation, both ends inclusive. step_ms is never 0.
struct Steps {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::int64_t step_ms = 1;

  std::size_t count() const {
    return end_ms < start_ms ? 0 : static_cast<std::size_t>((end_ms - start_ms) / step_ms) + 1;
  }
  std::int64_t at(std::size_t index) const {
    return start_ms + static_cast<std::int64_t>(index) * step_ms;
  }
};

enum class Cell : std::uint8_t { kAbsent, kFloat, kHistogram };

/// One element of an instant vector over all steps.
struct Column {
  Labels labels;
  bool drop_name = false;  ///< the name is to be dropped when the query ends (delayed name removal)
  std::vector<Cell> cells;               ///< one a step
  std::vector<double> floats;            ///< one a step; of any value where the cell is not a float
  std::vector<HistogramPtr> histograms;  ///< one a step, or empty when there is none at all

  explicit Column(std::size_t steps = 0) : cells(steps, Cell::kAbsent), floats(steps) {}
  void set(std::size_t step, double value) {
    cells[step] = Cell::kFloat;
    floats[step] = value;
  }
  void set(std::size_t step, HistogramPtr value) {
    cells[step] = Cell::kHistogram;
    if (histograms.empty()) histograms.resize(cells.size());
    histograms[step] = std::move(value);
  }
  bool empty() const {
    for (Cell cell : cells)
      if (cell != Cell::kAbsent) return false;
    return true;
  }
};

using Columns = std::vector<Column>;

/// Warnings and infos, each once, in the order they came up.
class Annotations {
 public:
  void warn(const std::string& text) { add(warnings_, text); }
  void info(const std::string& text) { add(infos_, text); }
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::vector<std::string>& infos() const { return infos_; }
  /// How often there was something to say, the same more than once included.
  std::size_t added() const { return added_; }

 private:
  void add(std::vector<std::string>& list, const std::string& text) {
    ++added_;
    for (const auto& known : list)
      if (known == text) return;
    list.push_back(text);
  }
  std::vector<std::string> warnings_, infos_;
  std::size_t added_ = 0;
};

/// One series of a result; samples and histograms sorted by time, times unique over both.
struct ResultSeries {
  Labels labels;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
};

/// Of each step, the samples that its selectors look at, as Prometheus accounts for them (a native
/// histogram counts for as many as it takes the room of). `queryable`: as if the step were a query
/// of its own, so that a sample counts in each window that it is in. `read`: once for each
/// selector, at the first step that it is in.
struct SampleCounts {
  std::vector<std::int64_t> queryable, read;
};

struct QueryStats {
  std::size_t samples_read = 0;
  std::size_t series_read = 0;
  // Only of a query that is measured (QueryLimits::measured_by).
  std::size_t peak_samples = 0;  ///< held at once, as EngineOptions::max_samples counts them
  std::chrono::nanoseconds preparation{0}, evaluation{0}, sorting{0};
  SampleCounts counts;
};

/// vector: one sample or histogram a series. matrix: any number. scalar: one series without labels
/// and one sample (in a range query a scalar becomes a matrix). string: `text`.
struct QueryResult {
  ValueType type = ValueType::kVector;
  std::vector<ResultSeries> series;
  std::string text;
  Timestamp time{};
  std::vector<std::string> warnings, infos;
  QueryStats stats;
};

}  // namespace wellrun::telemetry::promql
