#include "telemetry/xor_chunk.h"

#include <bit>

#include "core/assert.h"
#include "telemetry/chunk_bits.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry {
namespace {

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
