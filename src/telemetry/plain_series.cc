#include "telemetry/plain_series.h"

#include <cstring>

namespace wellrun::telemetry {
namespace {

// Field number and wire type in one byte (protobuf encoding); message types of remote write 1.0.
constexpr char kLabels = 0x0a, kSamples = 0x12;          // TimeSeries: 1, 2, length-delimited
constexpr char kSampleValue = 0x09, kSampleTime = 0x10;  // Sample: 1 fixed64, 2 varint

/// Steps over the fields with tag `tag` shorter than 128 bytes.
const char* skip_short_fields(const char* at, const char* end, char tag) {
  while (end - at >= 2 && at[0] == tag && at[1] >= 0 && end - at - 2 >= at[1]) at += 2 + at[1];
  return at;
}

/// `at` as far as the varint's end; null for one that is cut off or too long.
const char* read_varint(const char* at, const char* end, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(*at++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

/// One field 2 of a TimeSeries: value, then time. Null for any other form.
const char* read_sample(const char* at, const char* end, Sample& sample) {
  constexpr std::ptrdiff_t kHeadBytes = 2 + 1 + 8 + 1;  // field, tag, value, tag
  if (end - at <= kHeadBytes || at[0] != kSamples || at[2] != kSampleValue || at[11] != kSampleTime)
    return nullptr;
  const char* const stated_end = at + 2 + at[1];
  std::memcpy(&sample.value, at + 3, sizeof sample.value);
  std::uint64_t time = 0;
  const char* const read_end = read_varint(at + kHeadBytes, end, time);
  sample.time_ms = static_cast<std::int64_t>(time);
  return read_end == stated_end ? read_end : nullptr;
}

}  // namespace

bool read_plain_series(std::string_view message, SampleBatch& batch) {
  const char* const begin = message.data();
  const char* const end = begin + message.size();
  const char* at = skip_short_fields(begin, end, kLabels);
  SampleBatch::Series series;
  series.labels = {begin, static_cast<std::size_t>(at - begin)};
  const auto samples_before = batch.samples.size();
  while (at != end) {
    Sample sample;
    at = read_sample(at, end, sample);
    if (at == nullptr) {
      batch.samples.resize(samples_before);
      return false;
    }
    batch.samples.push_back(sample);
    ++series.sample_count;
  }
  batch.series.push_back(series);
  return true;
}

}  // namespace wellrun::telemetry
