#include "telemetry/xor_chunk.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry {
namespace {

std::string bits_of(const std::string& bytes) {
  std::string out;
  for (const char byte : bytes)
    for (int i = 7; i >= 0; --i) out += (byte >> i & 1) != 0 ? '1' : '0';
  return out;
}

/// Number of samples, first time (zigzag varint), first value: then bit by bit as the format says.
TEST(XorChunk, OfOneSample) {
  const std::vector<Sample> samples{{5, 1.0}};
  EXPECT_EQ(bits_of(xor_chunk(samples)),
            "0000000000000001"  // one sample
            "00001010"          // 5 as a zigzag varint
            "0011111111110000000000000000000000000000000000000000000000000000");
}

TEST(XorChunk, OfRegularTimesAndTheSameValueTakesTwoBitsASample) {
  std::vector<Sample> samples;
  for (int i = 0; i < 102; ++i) samples.push_back({1000 + i * 15'000, 4.5});
  // 2 bytes count, 2 bytes time, 8 bytes value, 2 bytes step + 1 bit, then 2 bits a sample.
  EXPECT_EQ(xor_chunk(samples).size(), 2U + 2U + 8U + 2U + (1U + 100U * 2U + 7U) / 8U);
}

TEST(XorChunk, WritesAChangedStepAndAChangedValue) {
  const std::vector<Sample> samples{{0, 0.0}, {10, 0.0}, {21, 1.0}};
  const auto bits = bits_of(xor_chunk(samples));
  const auto tail = bits.substr(16 + 8 + 64 + 8 + 1);
  // Difference of differences 1 in 14 bits; then a new window: 2 leading zeros, 10 significant
  // bits.
  EXPECT_EQ(tail.substr(0, 16), "1000000000000001");
  EXPECT_EQ(tail.substr(16, 2 + 5 + 6 + 10),
            "1100010001010"
            "1111111111");
}

}  // namespace
}  // namespace wellrun::telemetry
