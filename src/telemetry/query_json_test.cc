#include "telemetry/query_json.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "telemetry/promql/evaluator.h"

namespace wellrun::telemetry {
namespace {

std::string written(double value) {
  std::string out;
  append_sample_value(out, value);
  return out;
}

/// What the library calls the shortest form; of large integers it writes more digits than that.
std::string shortest(double value) {
  const double size = std::abs(value);
  const bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  if (size >= 0x1p53 && !exponent) return promql::go_decimal(value);
  char buffer[400];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value,
                                exponent ? std::chars_format::scientific : std::chars_format::fixed)
                      .ptr};
}

TEST(QueryJson, NumbersAreTheShortestThatReadBack) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200'000; ++i) {
    const auto digits = static_cast<double>(random() % 10'000'000'000'000'000ULL);
    const double scales[] = {1, 10, 100, 1000, 1e4, 1e9, 1e15};
    const double decimal = std::floor(digits / scales[random() % 7]) / scales[random() % 4];
    for (const double value : {decimal, -decimal, std::bit_cast<double>(random())})
      if (std::isfinite(value)) ASSERT_EQ(written(value), shortest(value));
  }
  for (const double value : {0.0, -0.0, 0.001, 0.0005, 999'999'999'999.999, 1e12, 1e15, 1e20, 1e21,
                             1e22, 1e-6, 9e-7, 5e-324, 1.7976931348623157e308, 0.1 + 0.2})
    EXPECT_EQ(written(value), shortest(value));
  EXPECT_EQ(written(std::nan("")), "NaN");
  EXPECT_EQ(written(INFINITY), "+Inf");
  EXPECT_EQ(written(-INFINITY), "-Inf");
}

TEST(QueryJson, WholeNumbersThatAreNotAllExactHaveZerosAfterTheirShortestDigits) {
  for (const auto& [value, text] : {std::pair(0x1p53 - 1, "9007199254740991"),
                                    {0x1p53, "9007199254740992"},
                                    {0x1p53 + 2, "9007199254740994"},
                                    {0x1p63, "9223372036854776000"},
                                    {0x1p64, "18446744073709552000"},
                                    {-0x1p64, "-18446744073709552000"},
                                    {0x1p69, "590295810358705700000"},
                                    {1e16, "10000000000000000"},
                                    {123456789012345680, "123456789012345680"},
                                    {1e20, "100000000000000000000"},
                                    {std::nextafter(1e21, 0), "999999999999999900000"}})
    EXPECT_EQ(written(value), text);
}

/// Every character at every place of texts of every length up to three words.
TEST(QueryJson, WhatJsonKnowsOtherwiseIsEscapedWhereverItStands) {
  for (std::size_t size = 0; size < 25; ++size) {
    const std::string plain(size, 'x');
    std::string out;
    append_json_string(out, plain);
    EXPECT_EQ(out, '"' + plain + '"');
    for (std::size_t at = 0; at < size; ++at)
      for (int code = 0; code < 256; ++code) {
        const auto c = static_cast<char>(code);
        std::string wanted(1, c);
        if (code < 0x20) wanted = fmt::format("\\u{:04x}", code);
        if (c == '\n') wanted = "\\n";
        if (c == '\r') wanted = "\\r";
        if (c == '\t') wanted = "\\t";
        if (code >= 0x80) wanted = "\xEF\xBF\xBD";  // alone it is no character
        if (c == '"' || c == '\\') wanted = std::string("\\") + c;
        std::string text = plain;
        text[at] = c;
        out.clear();
        append_json_string(out, text);
        ASSERT_EQ(out, '"' + plain.substr(0, at) + wanted + plain.substr(at + 1) + '"') << code;
      }
  }
}

TEST(QueryJson, CharactersBeyondAsciiStayAndWhatIsNoneIsReplaced) {
  std::string out;
  append_json_string(out, "Größe \xF0\x9F\x90\xA2 \"a\" \xC3(");
  EXPECT_EQ(out, "\"Größe \xF0\x9F\x90\xA2 \\\"a\\\" \xEF\xBF\xBD(\"");
  out.clear();
  append_labels_json(out, {{"a", "\xFF"}, {"b", "ß"}});
  EXPECT_EQ(out, "{\"a\":\"\xEF\xBF\xBD\",\"b\":\"ß\"}");
}

TEST(QueryJson, LabelsAreAnObject) {
  const auto json = [](const Labels& labels) {
    std::string out = "[";
    append_labels_json(out, labels);
    return out;
  };
  EXPECT_EQ(json({}), "[{}");
  EXPECT_EQ(json({{"job", "a"}}), R"([{"job":"a"})");
  EXPECT_EQ(json({{"job", "a"}, {"zone", "eu-north-1"}}), R"([{"job":"a","zone":"eu-north-1"})");
  EXPECT_EQ(json({{"job", "a"}, {"path", R"(C:\x)"}}), R"([{"job":"a","path":"C:\\x"})");
}

TEST(QueryJson, TimesHaveUpToThreePlaces) {
  for (const auto& [ms, text] : {std::pair{0LL, "0"},
                                 {1'500LL, "1.5"},
                                 {1'050LL, "1.05"},
                                 {1'001LL, "1.001"},
                                 {-1'250LL, "-1.25"},
                                 {1'795'697'640'000LL, "1795697640"}}) {
    std::string out;
    append_api_time(out, ms);
    EXPECT_EQ(out, text);
  }
}

TEST(QueryJson, SeriesNeedNotHaveTheSameTimes) {
  promql::QueryResult result;
  result.type = promql::ValueType::kMatrix;
  result.series = {{Labels{{"a", "\"\n"}}, {{1000, 1}, {2000, 2.5}}, {}},
                   {Labels{{"a", "b"}}, {{2000, 3}, {3000, std::nan("")}}, {}},
                   {Labels{}, {}, {}}};
  std::string out;
  append_query_data(out, result);
  EXPECT_EQ(
      out,
      R"({"resultType":"matrix","result":[{"metric":{"a":"\"\n"},"values":[[1,"1"],[2,"2.5"]]},)"
      R"({"metric":{"a":"b"},"values":[[2,"3"],[3,"NaN"]]},{"metric":{}}]})");
}

/// Runs nothing: whoever shares work with it does everything alone.
class NoHands final : public Workers {
 public:
  void run(Task) override {}
};

TEST(QueryJson, ALargeAnswerInPartsIsTheSame) {
  promql::QueryResult result;
  result.type = promql::ValueType::kMatrix;
  for (int s = 0; s < 5; ++s) {
    auto& series = result.series.emplace_back();
    series.labels = Labels{{"series", std::to_string(s)}};
    for (std::int64_t i = 0; i < 4000; ++i)
      series.samples.push_back({i * 1000, static_cast<double>(i * s) / 7});
  }
  std::string whole, parts;
  NoHands nobody;
  append_query_data(whole, result);
  append_query_data(parts, result, &nobody);
  EXPECT_EQ(whole, parts);
}

}  // namespace
}  // namespace wellrun::telemetry
