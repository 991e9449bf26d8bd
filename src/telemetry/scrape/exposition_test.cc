#include "telemetry/scrape/exposition.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wellrun::telemetry::scrape {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> lines_of(std::string_view text, Format format = Format::kPrometheus) {
  const auto parsed = parse_exposition(text, format, {});
  if (!parsed) return {"error: " + to_string(parsed.error())};
  std::vector<std::string> out;
  for (const auto& sample : parsed->samples)
    out.push_back(fmt::format("{} {}{}", to_string(sample.labels), sample.value,
                              sample.time_ms ? fmt::format("@{}", *sample.time_ms) : ""));
  return out;
}

TEST(Exposition, ReadsThePrometheusTextFormat) {
  EXPECT_THAT(lines_of("# HELP http_requests_total Requests,\\nall.\n"
                       "# TYPE http_requests_total counter\n"
                       "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
                       "\n"
                       "http_requests_total{ method = \"a\\\\b\\\"c\\nd\" , } 3\n"
                       "# just a comment\n"
                       "up +Inf\n"
                       "  indented\t-1.5e3  -7\n"
                       "no_newline_at_the_end NaN"),
              ElementsAre(R"(http_requests_total{code="200", method="post"} 1027@1395066363000)",
                          R"(http_requests_total{method="a\\b\"c\nd"} 3)", "up inf",
                          "indented -1500@-7", "no_newline_at_the_end nan"));
}

TEST(Exposition, ReadsMetadata) {
  const auto parsed =
      parse_exposition("# HELP a Text \\\\ with\\nbreak\n# TYPE a gauge\n# TYPE b untyped\na 1\n",
                       Format::kPrometheus, {});
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->metadata.size(), 2u);
  EXPECT_EQ(parsed->metadata[0].help, "Text \\ with\nbreak");
  EXPECT_EQ(parsed->metadata[0].type, "gauge");
  EXPECT_EQ(parsed->metadata[1].type, "unknown");
}

TEST(Exposition, AGaugeHistogramKeepsItsType) {
  const auto parsed = parse_exposition(
      "# TYPE a gaugehistogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 3\na_gcount 3\n",
      Format::kPrometheus, {});
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->metadata[0].type, "gaugehistogram");
  EXPECT_EQ(parsed->samples[0].labels.get("le"), "1.0");
}

TEST(Exposition, ReadsOpenMetricsWithExemplarsAndSeconds) {
  EXPECT_THAT(
      lines_of("# TYPE foo histogram\n# UNIT foo_seconds seconds\n"
               "foo_bucket{le=\"1\"} 17 1.25 # {trace_id=\"a#b\"} 0.67 1.2\n"
               "foo_count 17\nfoo_created 1520430000.123\n# EOF\n",
               Format::kOpenMetrics),
      ElementsAre(R"(foo_bucket{le="1.0"} 17@1250)", "foo_count 17", "foo_created 1520430000.123"));
}

TEST(Exposition, ReadsQuotedUtf8Names) {
  EXPECT_THAT(
      lines_of("# TYPE \"http.requests\" counter\n{\"http.requests\", \"label.ü\"=\"y\"} 2\n"),
      ElementsAre(R"({"http.requests", "label.ü"="y"} 2)"));
}

TEST(Exposition, AValueTooSmallForADoubleIsZero) {
  for (const char* value : {"1e-400", "-1e-400", "0x1p-2000", "1e-99999999999999999999"}) {
    const auto parsed = parse_exposition(fmt::format("a {}\n", value), Format::kPrometheus, {});
    ASSERT_TRUE(parsed) << value << ": " << to_string(parsed.error());
    EXPECT_EQ(parsed->samples[0].value, 0) << value;
  }
  const auto smallest = parse_exposition("a 5e-324\n", Format::kPrometheus, {});
  ASSERT_TRUE(smallest);
  EXPECT_EQ(smallest->samples[0].value, 5e-324);
}

TEST(Exposition, RefusesWhatIsMalformedNamingTheLine) {
  for (const char* text :
       {"a", "a{", "a{b} 1", "a{b=\"c} 1", "a{b=\"c\"d=\"e\"} 1", "a x", "a 1 x", "a 1 2 3", "1a 2",
        "a{b=\"1\",b=\"2\"} 1", "{b=\"c\"} 1", "a{__name__=\"b\"} 1", "a 1e999", "a -0x1p2000",
        "a \xff", "a --1", "a 0x", "# TYPE a wrong", "a 1 # {x=\"y\"} 1"}) {
    const auto parsed = parse_exposition(std::string("ok 1\n") + text, Format::kPrometheus, {});
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid) << text;
  }
  EXPECT_EQ(parse_exposition("ok 1\na x\n", Format::kPrometheus, {}).error().context, "line 2");
}

TEST(Exposition, OpenMetricsWithoutItsEndMayBeCutOff) {
  EXPECT_FALSE(parse_exposition("a 1\n", Format::kOpenMetrics, {}));
  EXPECT_FALSE(parse_exposition("a 1\n# EOF\nb 2\n", Format::kOpenMetrics, {}));
  EXPECT_TRUE(parse_exposition("a 1\n# EOF", Format::kOpenMetrics, {}));
}

TEST(Exposition, LimitsAreKept) {
  ExpositionLimits limits;
  limits.max_samples = 1;
  EXPECT_EQ(parse_exposition("a 1\nb 1\n", Format::kPrometheus, limits).error().code,
            ErrorCode::kTooLarge);
  limits = {};
  limits.max_labels = 1;
  EXPECT_EQ(
      parse_exposition("a{b=\"1\",c=\"2\",d=\"3\"} 1\n", Format::kPrometheus, limits).error().code,
      ErrorCode::kTooLarge);
  EXPECT_EQ(
      parse_exposition("a{b=\"" + std::string(70'000, 'x') + "\"} 1\n", Format::kPrometheus, {})
          .error()
          .code,
      ErrorCode::kTooLarge);
}

/// `series since start`, of samples with one.
std::vector<std::string> starts_of(std::string_view text, Format format) {
  const auto parsed = parse_exposition(text, format, {});
  if (!parsed) return {"error: " + to_string(parsed.error())};
  std::vector<std::string> out;
  for (const auto& sample : parsed->samples)
    if (sample.start_ms != 0)
      out.push_back(fmt::format("{} since {}", to_string(sample.labels), sample.start_ms));
  return out;
}

TEST(Exposition, CreatedSamplesAreTheStartsOfTheirMetrics) {
  constexpr const char* kText =
      "# TYPE orders counter\n"
      "orders_total{kind=\"big\"} 7\n"
      "orders_created{kind=\"big\"} 1520872607.123\n"
      "orders_created{kind=\"small\"} 1520872608\n"
      "orders_total{kind=\"small\"} 8\n"
      "orders_total{kind=\"odd\"} 9\n"
      "# TYPE took histogram\n"
      "took_bucket{le=\"1\"} 1\n"
      "took_bucket{le=\"+Inf\"} 2\n"
      "took_count 2\n"
      "took_sum 3\n"
      "took_created 10.5\n"
      "# TYPE size summary\n"
      "size{quantile=\"0.5\"} 1\n"
      "size_sum 1\n"
      "size_created 11\n"
      "# TYPE temperature gauge\n"
      "temperature 20\n"
      "temperature_created 12\n"
      "# TYPE never counter\n"
      "never_total 1\n"
      "never_created NaN\n"
      "# EOF\n";
  EXPECT_THAT(
      starts_of(kText, Format::kOpenMetrics),
      ElementsAre(R"(orders_total{kind="big"} since 1520872607123)",
                  R"(orders_total{kind="small"} since 1520872608000)",
                  R"(took_bucket{le="1.0"} since 10500)", R"(took_bucket{le="+Inf"} since 10500)",
                  "took_count since 10500", "took_sum since 10500",
                  R"(size{quantile="0.5"} since 11000)", "size_sum since 11000"));
  std::string plain(kText);
  plain.resize(plain.size() - 6);  // without "# EOF"
  EXPECT_THAT(starts_of(plain, Format::kPrometheus), ElementsAre());
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
