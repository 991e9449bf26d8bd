#pragma once

// Stores that remember what was written, and builders of OTLP messages; for the tests of otlp/ and
// scrape/.

#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "telemetry/storage.h"

namespace wellrun::telemetry::testing {

class RecordingMetrics : public MetricWriter {
 public:
  Result<WriteOutcome> write(std::vector<SeriesWrite> series) override {
    if (failure) return std::unexpected(*failure);
    for (auto& one : series) written.push_back(std::move(one));
    return outcome;
  }
  void put_metadata(std::vector<Metadata> more) override {
    metadata.insert(metadata.end(), more.begin(), more.end());
  }

  std::vector<SeriesWrite> written;
  std::vector<Metadata> metadata;
  WriteOutcome outcome;
  std::optional<Error> failure;
};

class RecordingSignals : public SignalStore {
 public:
  Status put_logs(std::vector<LogRecord> records) override {
    for (auto& record : records) kept_logs.push_back(std::move(record));
    return {};
  }
  Status put_spans(std::vector<SpanRecord> records) override {
    for (auto& record : records) kept_spans.push_back(std::move(record));
    return {};
  }
  Result<std::vector<LogRecord>> logs(const LogQuery& query) const override {
    last_log_query = query;
    return kept_logs;
  }
  Result<std::vector<SpanRecord>> spans(const SpanQuery& query) const override {
    last_span_query = query;
    return kept_spans;
  }

  std::vector<LogRecord> kept_logs;
  std::vector<SpanRecord> kept_spans;
  mutable LogQuery last_log_query;
  mutable SpanQuery last_span_query;
};

/// `{…} value@time` lines, sorted: what a write amounts to.
inline std::vector<std::string> lines_of(const std::vector<SeriesWrite>& series) {
  std::vector<std::string> out;
  for (const auto& one : series) {
    for (const auto& sample : one.samples)
      out.push_back(fmt::format("{} {}@{}", to_string(one.labels),
                                std::bit_cast<std::uint64_t>(sample.value) == kStaleNanBits
                                    ? "stale"
                                    : fmt::format("{}", sample.value),
                                sample.time_ms));
    for (const auto& sample : one.histograms)
      out.push_back(fmt::format("{} histogram@{}", to_string(one.labels), sample.time_ms));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace wellrun::telemetry::testing
