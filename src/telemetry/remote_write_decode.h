#pragma once

// Prometheus remote write bodies to columns, in place: 1.0 (prometheus.WriteRequest) and 2.0
// (io.prometheus.write.v2.Request). Pure. Sources: prometheus.io/docs/specs/prw/remote_write_spec/
// and …_spec_2_0/.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/exemplar.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

struct SeriesExemplar {
  std::size_t series = 0;  ///< index in the batch
  Exemplar exemplar;
};

/// What one body holds. `batch` points into the plain body and into `label_arena`.
struct RemoteWrite {
  SampleBatch batch;
  std::vector<Metadata> metadata;  ///< those that are UTF-8: others are left out
  std::vector<SeriesExemplar> exemplars;
  std::deque<std::string> label_arena;
  /// Samples and histograms that cannot be taken, and why not the first of them: the others are
  /// good.
  std::size_t rejected = 0;
  std::string first_rejection;
};

/// Undoes snappy's block format. kTooLarge when the declared length is beyond `max_bytes` (nothing
/// is allocated then), kInvalid when it is not snappy.
Result<std::string> unpack_snappy(std::string_view packed, std::size_t max_bytes);

/// What the counts of a histogram are on the wire.
enum class WireCounts { kIntegers, kFloats };

/// What is wrong with a histogram that came from outside: schema, spans that do not fit the counts
/// or the custom bounds, negative counts, bounds that do not ascend or are not finite; of integers,
/// buckets that do not add up to the count (with a sum of NaN they may be less: an observation of
/// NaN falls into none). std::nullopt: nothing. Source: Validate of Prometheus' model/histogram.
std::optional<std::string> fault_of_histogram(const Histogram& histogram, WireCounts counts);

/// As it is kept: schemas 9 to 52, which are reserved, are reduced to 8, as in Prometheus.
Histogram in_kept_schema(Histogram histogram);

/// A histogram whose buckets do not fit its spans, or a series with a symbol reference that does
/// not exist, is rejected by itself. kInvalid: malformed protobuf. kTooLarge: what is decoded would
/// take more than 256 MiB, beside series in the usual form (telemetry/plain_series.h). Labels are
/// not judged here but where a series is new.
Result<RemoteWrite> decode_remote_write_1(std::string_view plain);
Result<RemoteWrite> decode_remote_write_2(std::string_view plain);

}  // namespace wellrun::telemetry
