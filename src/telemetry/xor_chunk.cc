#include "telemetry/xor_chunk.h"

#include <bit>

#include "core/assert.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry {
namespace {

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

/// Whether a difference of differences fits `bits`: from −(2^(bits−1) − 1) to 2^(bits−1).
bool fits(std::int64_t value, unsigned bits) {
  const auto half = std::int64_t{1} << (bits - 1);
  return value >= -(half - 1) && value <= half;
}

void put_time(BitWriter& out, std::int64_t change) {
  if (change == 0) return out.put(0, 1);
  struct Class {
    unsigned bits, prefix, prefix_bits;
  };
  for (const auto& [bits, prefix, prefix_bits] :
       {Class{14, 0b10, 2}, Class{17, 0b110, 3}, Class{20, 0b1110, 4}})
    if (fits(change, bits)) {
      out.put(prefix, prefix_bits);
      return out.put(static_cast<std::uint64_t>(change), bits);
    }
  out.put(0b1111, 4);
  out.put(static_cast<std::uint64_t>(change), 64);
}

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

}  // namespace

std::string xor_chunk(std::span<const Sample> samples) {
  WELLRUN_ASSERT(!samples.empty() && samples.size() <= 65'535, "a chunk of 1 to 65,535 samples");
  BitWriter out;
  out.put(samples.size(), 16);
  ValueWriter values;
  std::int64_t delta = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(samples[i].value);
    if (i == 0) {
      out.put_varint(store::zigzag(samples[0].time_ms));
      values.begin(out, bits);
      continue;
    }
    const auto step = store::wrapping_sub(samples[i].time_ms, samples[i - 1].time_ms);
    if (i == 1)
      out.put_varint(static_cast<std::uint64_t>(step));
    else
      put_time(out, store::wrapping_sub(step, delta));
    delta = step;
    values.put(out, bits);
  }
  return out.take();
}

}  // namespace wellrun::telemetry
