#pragma once

// The payloads of log records (docs/formats/telemetry.md): series, floats, histograms. Pure.

#include <bit>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "telemetry/model.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {

enum class WalRecord : std::uint8_t { kSeries = 1, kFloats = 2, kHistograms = 3 };

/// Collects float samples of one write; inline, since every sample passes here.
class FloatRecordWriter {
 public:
  static constexpr std::size_t kMaxEntryBytes = 1 + kMaxVarintBytes + kMaxVarintBytes + 8;

  explicit FloatRecordWriter(std::size_t max_samples)
      : bytes_(new char[1 + max_samples * kMaxEntryBytes]), at_(bytes_.get()) {}

  bool empty() const { return at_ == bytes_.get(); }
  std::string_view payload() const { return {bytes_.get(), at_}; }

  /// At most `max_samples` times.
  void append(std::uint32_t ref, Sample sample) {
    if (empty()) *at_++ = static_cast<char>(WalRecord::kFloats);
    char* const control_at = at_;
    char* at = at_ + 1;
    unsigned control = 0;
    if (ref == ref_ + 1) {
      control |= 1;
    } else {
      at = write_varint(at,
                        zigzag(static_cast<std::int64_t>(ref) - static_cast<std::int64_t>(ref_)));
    }
    if (sample.time_ms == time_) {
      control |= 2;
    } else {
      at = write_varint(at, zigzag(wrapping_sub(sample.time_ms, time_)));
    }
    ref_ = ref;
    time_ = sample.time_ms;
    constexpr double kLimit = 36028797018963968.0;  // 2^55: seven bytes
    std::uint64_t bits = 0;
    if (std::fabs(sample.value) < kLimit &&
        static_cast<double>(static_cast<std::int64_t>(sample.value)) == sample.value &&
        std::bit_cast<std::uint64_t>(sample.value) != std::bit_cast<std::uint64_t>(-0.0)) {
      if (sample.value < 0) control |= 8;
      bits = static_cast<std::uint64_t>(std::fabs(sample.value));
      const auto size = static_cast<unsigned>((std::bit_width(bits) + 7) / 8);
      control |= size << 4;
      std::memcpy(at, &bits, 8);
      at += size;
    } else {
      control |= 4;
      std::memcpy(at, &sample.value, 8);
      at += 8;
    }
    *control_at = static_cast<char>(control);
    at_ = at;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  char* at_;
  std::uint32_t ref_ = 0;
  std::int64_t time_ = 0;
};

/// Calls `each(ref, Sample)`; false on malformed bytes (what came before them was delivered).
template <typename Each>
bool read_float_record(std::string_view payload, Each&& each) {
  ByteReader reader(payload);
  reader.byte();
  std::int64_t ref = 0;
  std::int64_t time = 0;
  while (!reader.at_end()) {
    const unsigned control = reader.byte();
    ref = (control & 1) != 0 ? ref + 1 : wrapping_add(ref, reader.zigzag());
    if ((control & 2) == 0) time = wrapping_add(time, reader.zigzag());
    double value = 0;
    if ((control & 4) != 0) {
      value = reader.fixed<double>();
    } else {
      const auto bytes = reader.bytes((control >> 4) & 7);
      std::uint64_t magnitude = 0;
      if (!bytes.empty()) std::memcpy(&magnitude, bytes.data(), bytes.size());
      value = static_cast<double>(magnitude);
      if ((control & 8) != 0) value = -value;
    }
    if (reader.failed() || ref < 0 || ref > UINT32_MAX) return false;
    each(static_cast<std::uint32_t>(ref), Sample{time, value});
  }
  return true;
}

/// Collects series of one record after another, in memory that is used again.
class SeriesRecordWriter {
 public:
  /// Beyond, the record is better ended: snappy finds nothing that is further back.
  static constexpr std::size_t kFullBytes = 64U << 10;

  void append(std::uint32_t ref, std::string_view labels);
  bool is_full() const { return plain_.size() >= kFullBytes; }
  /// The record of what was appended since the last call, valid until the next; empty when nothing
  /// was.
  std::string_view pack();

 private:
  std::string plain_, packed_;
};
bool read_series_record(
    std::string_view payload,
    const std::function<void(std::uint32_t ref, std::string_view labels)>& each);

void append_histogram_entry(std::string& payload, std::uint32_t ref, const HistogramSample& sample);
bool read_histogram_record(std::string_view payload,
                           const std::function<void(std::uint32_t ref, HistogramSample)>& each);

}  // namespace wellrun::telemetry::store
