#pragma once

// Chunks: a run of one series' samples as bytes (docs/formats/telemetry.md). Pure functions; every
// value comes back bit for bit. A chunk never crosses a multiple of kChunkSpanMs.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/model.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::store {

inline constexpr std::size_t kMaxChunkSamples = 8192;
inline constexpr std::int64_t kChunkSpanMs = std::int64_t{1} << 27;

/// The multiple of kChunkSpanMs at or before `time_ms`.
constexpr std::int64_t chunk_window(std::int64_t time_ms) {
  return time_ms & ~(kChunkSpanMs - 1);
}

enum class ChunkKind : std::uint8_t { kFloats = 1, kHistograms = 2 };

struct ChunkHeader {
  ChunkKind kind = ChunkKind::kFloats;
  std::uint32_t count = 0;
  std::int64_t first_ms = 0, last_ms = 0;
};

/// How many of the first of `samples` make one chunk: at most kMaxChunkSamples, within one window.
template <typename TimedSample>
std::size_t chunk_length(std::span<const TimedSample> samples) {
  const auto window = chunk_window(samples.front().time_ms);
  const auto limit = std::min(samples.size(), kMaxChunkSamples);
  if (chunk_window(samples[limit - 1].time_ms) == window) return limit;
  std::size_t length = 1;
  while (length < limit && chunk_window(samples[length].time_ms) == window) ++length;
  return length;
}

/// `samples`: 1 to kMaxChunkSamples, sorted by time, times unique.
std::string encode_floats(std::span<const Sample> samples);
std::string encode_histograms(std::span<const HistogramSample> samples);

/// kCorrupt for anything that encode_… did not write (as far as bytes can tell).
Result<ChunkHeader> read_chunk_header(std::string_view chunk);

/// Appends all samples, sorted by time. kCorrupt as above; then nothing was appended.
Status decode_floats(std::string_view chunk, std::vector<Sample>& out);
/// Only those in `range`: cheaper the less that is.
Status decode_floats(std::string_view chunk, TimeRange range, std::vector<Sample>& out);
Status decode_histograms(std::string_view chunk, std::vector<HistogramSample>& out);

}  // namespace wellrun::telemetry::store
