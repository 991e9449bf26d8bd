#include "health/rules/expectation.h"

#include <cmath>
#include <gtest/gtest.h>

namespace wellrun::health::rules {
namespace {

Result<double> value_of(const std::string& text) {
  ExpectedSample written;
  written.value = text;
  const auto sample = expected_sample(written);
  if (!sample) return std::unexpected(sample.error());
  return sample->value;
}

TEST(ExpectedSample, HasANumberAsYamlWritesIt) {
  for (const auto& [text, value] : std::initializer_list<std::pair<const char*, double>>{
           {"17", 17},
           {"-0.5", -0.5},
           {"+.5e1", 5},
           {"1_000.5", 1000.5},
           {"1_0", 10},
           {"0x1F", 31},
           {"-0x1", -1},
           {"0b11", 3},
           {"017", 15},
           {"0o17", 15},
           {"089", 89},
           {"1.", 1},
           {"0", 0},
           {"1e-400", 0},
           {"123456789012345678901234567890", 123456789012345678901234567890.0},
           {".inf", INFINITY},
           {"+.Inf", INFINITY},
           {"-.INF", -INFINITY}}) {
    const auto found = value_of(text);
    ASSERT_TRUE(found) << text;
    EXPECT_EQ(*found, value) << text;
  }
  for (const auto* text : {".nan", ".NaN", ".NAN"}) EXPECT_TRUE(std::isnan(*value_of(text)));
}

TEST(ExpectedSample, HasNothingElse) {
  for (const auto* text : {"inf", "Inf", "+Inf", "NaN", "-.nan", ".iNf", "1e400", "0x", "0xg", "1e",
                           "--1", "+-1", "-", "_", ".", "one", "1 2", "true"})
    EXPECT_FALSE(value_of(text)) << text;
}

}  // namespace
}  // namespace wellrun::health::rules
