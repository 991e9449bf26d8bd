#include "health/rules/series_notation.h"

#include <cmath>
#include <gtest/gtest.h>

namespace wellrun::health::rules {
namespace {

std::string shown(std::string_view text) {
  const auto values = parse_sequence(text);
  if (!values) return "error";
  std::string out;
  for (const auto& value : *values) {
    if (!out.empty()) out += ' ';
    if (value.histogram != nullptr)
      out += to_notation(*value.histogram);
    else if (!value.number)
      out += '_';
    else if (telemetry::is_stale_marker(*value.number))
      out += "stale";
    else
      out += fmt::format("{}", *value.number);
  }
  return out;
}

TEST(SeriesNotation, ExpandsAsDocumented) {
  for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", ""},
           {"1 2 -3.5", "1 2 -3.5"},
           {"-2+4x3", "-2 2 6 10"},
           {" 1-2x4", "1 -1 -3 -5 -7"},
           {"1x4", "1 1 1 1 1"},
           {"1 _x3 stale", "1 _ _ _ stale"},
           {"_ 1e3 Inf -Inf +Inf", "_ 1000 inf -inf inf"},
           {"7x0", "7"},
           {"_x0", ""},
           {"1e-400 -1e-400x1", "0 -0 0"},
           {"{{schema:0 sum:5 count:4 buckets:[1 2 1]}}",
            "{{schema:0 count:4 sum:5 buckets:[1 2 1]}}"},
           {"{{count:1 sum:2 buckets:[1]}}+{{count:1 sum:1 buckets:[1]}}x2",
            "{{schema:0 count:1 sum:2 buckets:[1]}} {{schema:0 count:2 sum:3 buckets:[2]}} "
            "{{schema:0 count:3 sum:4 buckets:[3]}}"},
           {"{{schema:1 z_bucket:1 z_bucket_w:0.5 offset:-3 buckets:[0 2] n_offset:1 n_buckets:[4] "
            "counter_reset_hint:gauge}}x1",
            "{{schema:1 z_bucket:1 z_bucket_w:0.5 counter_reset_hint:gauge offset:-2 buckets:[2] "
            "n_offset:1 n_buckets:[4]}} "
            "{{schema:1 z_bucket:1 z_bucket_w:0.5 counter_reset_hint:gauge offset:-2 buckets:[2] "
            "n_offset:1 n_buckets:[4]}}"},
           {"{{schema:-53 custom_values:[1 2] buckets:[3 4]}}",
            "{{schema:-53 custom_values:[1 2] buckets:[3 4]}}"},
       }) {
    EXPECT_EQ(shown(text), expected) << text;
  }
  EXPECT_TRUE(std::isnan(*parse_sequence("NaN")->front().number));
}

TEST(SeriesNotation, RefusesWhatItCannotRead) {
  for (const auto* text :
       {"1+2", "x3", "1x", "1 two", "1x3x4", "--1", "{{", "{{count}}", "{{nope:1}}",
        "{{buckets:[1}}", "1x99999999999", "1,2", "stalex2", "1e400", "-1e400", "0+1e400x2",
        "{{count:1e400}}", "{{schema:-53 custom_values:[1] buckets:[1]}}+{{buckets:[1]}}x2"}) {
    EXPECT_EQ(shown(text), "error") << text;
  }
}

TEST(SeriesNotation, ReadsTheLabelsOfASeries) {
  EXPECT_EQ(to_string(*parse_series_labels(R"(up{job="a", instance='b'})")),
            R"(up{instance="b", job="a"})");
  EXPECT_EQ(to_string(*parse_series_labels("{}")), "{}");
  EXPECT_FALSE(parse_series_labels(R"(up{job=~"a"})"));
  EXPECT_FALSE(parse_series_labels("up{"));
}

}  // namespace
}  // namespace wellrun::health::rules
