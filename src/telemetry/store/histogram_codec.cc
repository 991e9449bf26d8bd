#include "telemetry/store/histogram_codec.h"

#include <bit>
#include <cmath>

namespace wellrun::telemetry::store {
namespace {

void put_number(std::string& out, double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value >= 0 && value < kExact && !std::signbit(value) && value == std::floor(value)) {
    put_varint(out, static_cast<std::uint64_t>(value) << 1);
  } else {
    put_varint(out, 1);
    put_fixed(out, value);
  }
}

double read_number(ByteReader& reader) {
  const auto tagged = reader.varint();
  return tagged == 1 ? reader.fixed<double>() : static_cast<double>(tagged >> 1);
}

void put_buckets(std::string& out, const std::vector<Histogram::Span>& spans,
                 const std::vector<double>& counts) {
  put_varint(out, spans.size());
  for (const auto& span : spans) {
    put_varint(out, zigzag(span.offset));
    put_varint(out, span.length);
  }
  put_varint(out, counts.size());
  for (const double count : counts) put_number(out, count);
}

/// Each element takes at least `least` bytes, so a count that does not fit in what is left is
/// refused before allocating.
bool read_count(ByteReader& reader, std::size_t least, std::size_t& count) {
  const auto stated = reader.varint();
  if (reader.failed() || stated > reader.left() / least) return false;
  count = stated;
  return true;
}

bool read_buckets(ByteReader& reader, std::vector<Histogram::Span>& spans,
                  std::vector<double>& counts) {
  std::size_t count = 0;
  if (!read_count(reader, 2, count)) return false;
  spans.resize(count);
  for (auto& span : spans) {
    span.offset = static_cast<std::int32_t>(reader.zigzag());
    span.length = static_cast<std::uint32_t>(reader.varint());
  }
  if (!read_count(reader, 1, count)) return false;
  counts.resize(count);
  for (auto& value : counts) value = read_number(reader);
  return !reader.failed();
}

}  // namespace

void append_histogram(std::string& out, const Histogram& histogram) {
  put_varint(out, zigzag(histogram.schema));
  out += static_cast<char>(histogram.reset_hint);
  put_fixed(out, histogram.zero_threshold);
  put_fixed(out, histogram.sum);
  put_number(out, histogram.zero_count);
  put_number(out, histogram.count);
  put_buckets(out, histogram.positive_spans, histogram.positive_counts);
  put_buckets(out, histogram.negative_spans, histogram.negative_counts);
  put_varint(out, histogram.custom_bounds.size());
  for (const double bound : histogram.custom_bounds) put_fixed(out, bound);
}

std::optional<Histogram> read_histogram(ByteReader& reader) {
  Histogram histogram;
  histogram.schema = static_cast<std::int32_t>(reader.zigzag());
  const auto hint = reader.byte();
  if (hint > static_cast<std::uint8_t>(Histogram::ResetHint::kGauge)) return std::nullopt;
  histogram.reset_hint = static_cast<Histogram::ResetHint>(hint);
  histogram.zero_threshold = reader.fixed<double>();
  histogram.sum = reader.fixed<double>();
  histogram.zero_count = read_number(reader);
  histogram.count = read_number(reader);
  if (!read_buckets(reader, histogram.positive_spans, histogram.positive_counts))
    return std::nullopt;
  if (!read_buckets(reader, histogram.negative_spans, histogram.negative_counts))
    return std::nullopt;
  std::size_t bounds = 0;
  if (!read_count(reader, sizeof(double), bounds)) return std::nullopt;
  histogram.custom_bounds.resize(bounds);
  for (auto& bound : histogram.custom_bounds) bound = reader.fixed<double>();
  if (reader.failed()) return std::nullopt;
  return histogram;
}

bool same_histogram(const Histogram& a, const Histogram& b) {
  std::string x;
  std::string y;
  append_histogram(x, a);
  append_histogram(y, b);
  return x == y;
}

}  // namespace wellrun::telemetry::store
