#pragma once

// The formats that scrape targets answer in, read straight to samples. Called by the scraper.
// Pure; thread-safe. Source: Prometheus text format 0.0.4 and 1.0.0 (UTF-8 names in quotes),
// OpenMetrics text 1.0.0.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/exemplar.h"
#include "telemetry/model.h"

namespace wellrun::telemetry::scrape {

enum class Format { kPrometheus, kOpenMetrics, kProtobuf };

/// By the Content-Type of an answer: OpenMetrics or protobuf when it says so, the Prometheus text
/// format otherwise.
Format format_of(std::string_view content_type);

struct ExpositionLimits {
  std::size_t max_samples = 1'000'000;
  std::size_t max_labels = 256;
  std::size_t max_name_bytes = 1'024;
  std::size_t max_value_bytes = 64 << 10;
};

struct ExposedSample {
  Labels labels;                          ///< with __name__, without job and instance
  std::vector<std::string> empty_labels;  ///< names that the target gave with an empty value
  double value = 0;
  std::optional<std::int64_t> time_ms;         ///< when the target gave one
  std::shared_ptr<const Histogram> histogram;  ///< instead of the value: a native histogram
  std::int64_t start_ms = 0;                   ///< when the counter began; 0: unknown
  std::optional<Exemplar> exemplar;            ///< its time is 0 when the target gave none
  /// A native histogram's, instead of `exemplar`: all have a time; in the order of comes_before().
  std::vector<Exemplar> exemplars;
};

struct Exposition {
  std::vector<ExposedSample> samples;  ///< in the target's order
  std::vector<Metadata> metadata;
};

/// kInvalid with the line's number for anything malformed: a bad name, escape, number, a label
/// given twice, text that is not UTF-8, OpenMetrics without its `# EOF` or with something after it.
/// kTooLarge beyond a limit. Nothing of a bad answer is kept. `le` of histograms and `quantile` of
/// summaries are written as OpenMetrics floats ("1" is "1.0"), as Prometheus 3 does. `_created`
/// series are kept, and are the start of the samples that they speak of (OpenMetrics only).
/// `keep_classic`: the classic series of a native histogram, too.
Result<Exposition> parse_exposition(std::string_view text, Format format,
                                    const ExpositionLimits& limits, bool keep_classic = false);

/// The names in `labels` that have an empty value; Labels has no place for them.
std::vector<std::string> names_of_empty(std::span<const Label> labels);

}  // namespace wellrun::telemetry::scrape
