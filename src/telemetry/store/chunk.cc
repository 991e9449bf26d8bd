#include "telemetry/store/chunk.h"

#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/histogram_codec.h"
#include "telemetry/store/value_codec.h"

namespace wellrun::telemetry::store {
namespace {

enum class TimeEncoding : std::uint8_t { kRegular = 0, kSecondDifferences = 1 };

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "a chunk cannot be read: " + std::string(what));
}

template <typename TimedSample>
void put_header(std::string& out, ChunkKind kind, std::span<const TimedSample> samples) {
  out += static_cast<char>(kind);
  put_varint(out, samples.size());
  put_varint(out, zigzag(samples.front().time_ms));
  put_varint(out, static_cast<std::uint64_t>(
                      wrapping_sub(samples.back().time_ms, samples.front().time_ms)));
}

bool is_regular(std::span<const Sample> samples) {
  if (samples.size() < 2) return true;
  const auto step = samples[1].time_ms - samples[0].time_ms;
  for (std::size_t i = 2; i < samples.size(); ++i)
    if (samples[i].time_ms - samples[i - 1].time_ms != step) return false;
  return true;
}

void put_times(std::string& out, std::span<const Sample> samples) {
  if (is_regular(samples)) {
    out += static_cast<char>(TimeEncoding::kRegular);
    return;
  }
  out += static_cast<char>(TimeEncoding::kSecondDifferences);
  std::int64_t step = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const auto next = samples[i].time_ms - samples[i - 1].time_ms;
    put_varint(out, zigzag(next - step));
    step = next;
  }
}

ChunkHeader read_header(ByteReader& reader) {
  ChunkHeader header;
  header.kind = static_cast<ChunkKind>(reader.byte());
  const auto count = reader.varint();
  header.count = count <= kMaxChunkSamples ? static_cast<std::uint32_t>(count) : 0;
  header.first_ms = reader.zigzag();
  const auto span = reader.varint();
  if (span >= static_cast<std::uint64_t>(kChunkSpanMs)) header.count = 0;  // damaged: not sound
  header.last_ms = header.count == 0
                       ? header.first_ms
                       : wrapping_add(header.first_ms, static_cast<std::int64_t>(span));
  return header;
}

bool is_sound(const ChunkHeader& header, const ByteReader& reader) {
  const bool known = header.kind == ChunkKind::kFloats || header.kind == ChunkKind::kHistograms;
  return known && !reader.failed() && header.count > 0 && header.last_ms >= header.first_ms &&
         static_cast<std::uint64_t>(header.last_ms - header.first_ms) + 1 >= header.count;
}

/// Samples without values at regular times, for vector::insert() to make in their place.
class RegularSamples {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Sample;
  using difference_type = std::ptrdiff_t;
  using pointer = const Sample*;
  using reference = Sample;

  RegularSamples(std::int64_t index, std::int64_t time_ms, std::int64_t step_ms)
      : index_(index), time_ms_(time_ms), step_ms_(step_ms) {}

  Sample operator*() const { return {time_ms_, 0}; }
  RegularSamples& operator++() {
    ++index_;
    time_ms_ = wrapping_add(time_ms_, step_ms_);
    return *this;
  }
  bool operator==(const RegularSamples& other) const { return index_ == other.index_; }

 private:
  std::int64_t index_, time_ms_, step_ms_;
};

/// Regular times need no reading: which of them lie in the range is arithmetic.
std::optional<std::size_t> place_regular_times(const ChunkHeader& header, TimeRange range,
                                               std::vector<Sample>& out) {
  const auto gaps = static_cast<std::int64_t>(header.count) - 1;
  const auto span = header.last_ms - header.first_ms;
  const auto step = gaps == 0 ? 1 : span / gaps;
  if (gaps * step != span) return std::nullopt;
  if (range.start_ms > header.last_ms || range.end_ms < header.first_ms) return 0;
  const auto start = std::max(range.start_ms, header.first_ms) - header.first_ms;
  const auto end = std::min(range.end_ms, header.last_ms) - header.first_ms;
  const auto first = (start + step - 1) / step;
  const auto last = end / step;
  if (last < first) return static_cast<std::size_t>(first);
  const RegularSamples begin(first, header.first_ms + first * step, step);
  out.insert(out.end(), begin, RegularSamples(last + 1, 0, step));
  return static_cast<std::size_t>(first);
}

/// Appends samples with the times that lie in the range; returns the number of the first of them in
/// the chunk.
std::optional<std::size_t> read_times(ByteReader& reader, const ChunkHeader& header,
                                      TimeRange range, std::vector<Sample>& out) {
  const auto encoding = static_cast<TimeEncoding>(reader.byte());
  if (encoding == TimeEncoding::kRegular) return place_regular_times(header, range, out);
  if (encoding != TimeEncoding::kSecondDifferences) return std::nullopt;
  auto time = header.first_ms;
  std::int64_t step = 0;
  std::size_t before = 0;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    if (i > 0) {
      step = wrapping_add(step, reader.zigzag());
      if (step <= 0 || step > header.last_ms - time) return std::nullopt;
      time += step;
    }
    if (time < range.start_ms)
      ++before;
    else if (time <= range.end_ms)
      out.push_back({time, 0});
  }
  if (time != header.last_ms || reader.failed()) return std::nullopt;
  return before;
}

}  // namespace

std::string encode_floats(std::span<const Sample> samples) {
  std::string out;
  out.reserve(32 + samples.size() * 2);
  put_header(out, ChunkKind::kFloats, samples);
  put_times(out, samples);
  append_values(out, samples);
  return out;
}

std::string encode_histograms(std::span<const HistogramSample> samples) {
  std::string out;
  put_header(out, ChunkKind::kHistograms, samples);
  auto before = samples.front().time_ms;
  for (const auto& sample : samples) {
    put_varint(out, zigzag(sample.time_ms - before));
    before = sample.time_ms;
    append_histogram(out, *sample.histogram);
  }
  return out;
}

Result<ChunkHeader> read_chunk_header(std::string_view chunk) {
  ByteReader reader(chunk);
  const auto header = read_header(reader);
  if (!is_sound(header, reader)) return corrupt("its header is malformed");
  return header;
}

Status decode_floats(std::string_view chunk, std::vector<Sample>& out) {
  return decode_floats(chunk, {INT64_MIN, INT64_MAX}, out);
}

Status decode_floats(std::string_view chunk, TimeRange range, std::vector<Sample>& out) {
  ByteReader reader(chunk);
  const auto header = read_header(reader);
  if (!is_sound(header, reader) || header.kind != ChunkKind::kFloats)
    return corrupt("its header is malformed");
  const auto before = out.size();
  const auto first = read_times(reader, header, range, out);
  if (first && read_values(reader, header.count, *first, std::span(out).subspan(before)) &&
      reader.at_end())
    return {};
  out.resize(before);
  return corrupt("its columns are malformed");
}

Status decode_histograms(std::string_view chunk, std::vector<HistogramSample>& out) {
  ByteReader reader(chunk);
  const auto header = read_header(reader);
  if (!is_sound(header, reader) || header.kind != ChunkKind::kHistograms)
    return corrupt("its header is malformed");
  const auto before = out.size();
  auto time = header.first_ms;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const auto step = reader.zigzag();
    auto histogram = read_histogram(reader);
    if (!histogram || (i == 0) != (step == 0) || step < 0 || step > header.last_ms - time) {
      out.resize(before);
      return corrupt("a histogram is malformed");
    }
    time += step;
    out.push_back(HistogramSample{time, std::make_shared<const Histogram>(std::move(*histogram))});
  }
  if (time == header.last_ms && reader.at_end()) return {};
  out.resize(before);
  return corrupt("its last time is not the one stated");
}

}  // namespace wellrun::telemetry::store
