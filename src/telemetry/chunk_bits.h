#pragma once

// What Prometheus' chunks are made of: bits, and values as what changed of the one before. For
// xor_chunk.cc and histogram_chunk.cc. Source: Prometheus, tsdb/docs/format/chunks.md, after
// Gorilla (Pelkonen and others, 2015).

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry {

/// Bits, most significant first.
class BitWriter {
 public:
  void put(std::uint64_t bits, unsigned count) {
    for (unsigned i = count; i-- > 0;) {
      if (free_ == 0) {
        bytes_ += '\0';
        free_ = 8;
      }
      --free_;
      if ((bits >> i & 1) != 0)
        bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | 1U << free_);
    }
  }
  void put_varint(std::uint64_t value) {
    std::string bytes;
    store::put_varint(bytes, value);
    for (const char byte : bytes) put(static_cast<unsigned char>(byte), 8);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  unsigned free_ = 0;
};

/// Whether a signed number fits `bits` as these formats have it: from −(2^(bits−1) − 1) to
/// 2^(bits−1).
inline bool fits(std::int64_t value, unsigned bits) {
  const auto half = std::int64_t{1} << (bits - 1);
  return value >= -(half - 1) && value <= half;
}

/// `<varbit_xor>`.
class ValueWriter {
 public:
  void put(BitWriter& out, std::uint64_t bits) {
    const auto changed = bits ^ last_;
    last_ = bits;
    if (changed == 0) return out.put(0, 1);
    out.put(1, 1);
    const auto leading = std::min(31U, static_cast<unsigned>(std::countl_zero(changed)));
    const auto trailing = static_cast<unsigned>(std::countr_zero(changed));
    if (has_window_ && leading >= leading_ && trailing >= trailing_) {
      out.put(0, 1);
    } else {
      has_window_ = true;
      leading_ = leading;
      trailing_ = trailing;
      out.put(1, 1);
      out.put(leading_, 5);
      out.put((64 - leading_ - trailing_) & 63, 6);  // 64 is written as 0
    }
    out.put(changed >> trailing_, 64 - leading_ - trailing_);
  }
  void begin(BitWriter& out, std::uint64_t bits) {
    last_ = bits;
    out.put(bits, 64);
  }

 private:
  std::uint64_t last_ = 0;
  bool has_window_ = false;
  unsigned leading_ = 0, trailing_ = 0;
};

}  // namespace wellrun::telemetry
