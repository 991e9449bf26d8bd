#include "telemetry/store/wal_records.h"

#include <snappy.h>

#include "telemetry/store/histogram_codec.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kMaxSeriesRecordBytes = 256U << 20;

void begin(std::string& payload, WalRecord type) {
  if (payload.empty()) payload += static_cast<char>(type);
}

}  // namespace

void SeriesRecordWriter::append(std::uint32_t ref, std::string_view labels) {
  put_varint(plain_, ref);
  put_text(plain_, labels);
}

std::string_view SeriesRecordWriter::pack() {
  if (plain_.empty()) return {};
  const auto most = 1 + snappy::MaxCompressedLength(plain_.size());
  if (packed_.size() < most) packed_.resize(most);
  packed_[0] = static_cast<char>(WalRecord::kSeries);
  std::size_t size = 0;
  snappy::RawCompress(plain_.data(), plain_.size(), packed_.data() + 1, &size);
  plain_.clear();
  return std::string_view(packed_).substr(0, 1 + size);
}

bool read_series_record(std::string_view payload,
                        const std::function<void(std::uint32_t, std::string_view)>& each) {
  payload.remove_prefix(1);
  std::size_t size = 0;
  std::string plain;
  if (!snappy::GetUncompressedLength(payload.data(), payload.size(), &size) ||
      size > kMaxSeriesRecordBytes)
    return false;
  if (!snappy::IsValidCompressedBuffer(payload.data(), payload.size())) return false;
  if (!snappy::Uncompress(payload.data(), payload.size(), &plain)) return false;
  ByteReader reader(plain);
  while (!reader.at_end()) {
    const auto ref = reader.varint();
    const auto labels = reader.text();
    if (reader.failed() || ref > UINT32_MAX) return false;
    each(static_cast<std::uint32_t>(ref), labels);
  }
  return true;
}

void append_histogram_entry(std::string& payload, std::uint32_t ref,
                            const HistogramSample& sample) {
  begin(payload, WalRecord::kHistograms);
  std::string bytes;
  append_histogram(bytes, *sample.histogram);
  put_varint(payload, ref);
  put_varint(payload, zigzag(sample.time_ms));
  put_text(payload, bytes);
}

bool read_histogram_record(std::string_view payload,
                           const std::function<void(std::uint32_t, HistogramSample)>& each) {
  ByteReader reader(payload);
  reader.byte();
  while (!reader.at_end()) {
    const auto ref = reader.varint();
    const auto time = reader.zigzag();
    ByteReader bytes(reader.text());
    auto histogram = read_histogram(bytes);
    if (reader.failed() || !histogram || ref > UINT32_MAX) return false;
    each(static_cast<std::uint32_t>(ref),
         HistogramSample{time, std::make_shared<const Histogram>(std::move(*histogram))});
  }
  return true;
}

}  // namespace wellrun::telemetry::store
