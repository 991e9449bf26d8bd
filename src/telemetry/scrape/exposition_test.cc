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

TEST(Exposition, RefusesWhatIsMalformedNamingTheLine) {
  for (const char* text :
       {"a", "a{", "a{b} 1", "a{b=\"c} 1", "a{b=\"c\"d=\"e\"} 1", "a x", "a 1 x", "a 1 2 3", "1a 2",
        "a{b=\"1\",b=\"2\"} 1", "{b=\"c\"} 1", "a{__name__=\"b\"} 1", "a 1e999", "a \xff", "a --1",
        "a 0x", "# TYPE a wrong", "a 1 # {x=\"y\"} 1"}) {
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

}  // namespace
}  // namespace wellrun::telemetry::scrape
