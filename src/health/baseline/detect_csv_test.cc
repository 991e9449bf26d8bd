#include "health/baseline/detect_csv.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sstream>

#include "core/text.h"
#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

struct Run {
  Status status;
  std::string out;
};

Run run(const std::string& csv, const DetectOptions& options = {}) {
  std::istringstream in(csv);
  std::ostringstream out;
  auto status = detect(in, out, options);
  return {std::move(status), out.str()};
}

std::string message(const Run& run) {
  return run.status ? "" : to_string(run.status.error());
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(DetectCsv, EveryRowComesBackAsItWasReadWithAScore) {
  const auto done =
      run("timestamp,value\n2026-11-24 00:00:00,1.50\n2026-11-24T00:05:00Z,2e0\n1700000000,-0.0\n");
  EXPECT_TRUE(done.status) << message(done);
  EXPECT_EQ(done.out,
            "timestamp,value,anomaly_score\n2026-11-24 00:00:00,1.50,0\n"
            "2026-11-24T00:05:00Z,2e0,0\n1700000000,-0.0,0\n");
}

TEST(DetectCsv, ColumnsAreFoundByNameWhateverElseThereIs) {
  const auto done =
      run("\xEF\xBB\xBFhost,\"value\" , timestamp\r\n\"a,b\",7,2026-11-24 00:00:00\r\n\r\n");
  EXPECT_TRUE(done.status) << message(done);
  EXPECT_EQ(done.out, "timestamp,value,anomaly_score\n2026-11-24 00:00:00,7,0\n");
}

TEST(DetectCsv, AnEmptyOrInfiniteValueIsMissing) {
  std::string csv = "timestamp,value\n";
  for (const char* value : {"", "NaN", "nan", "inf", "-Inf", "1e999"})
    csv += fmt::format("2026-11-24 00:00:00,{}\n", value);
  const auto done = run(csv, {.explain = true});
  EXPECT_TRUE(done.status) << message(done);
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 7U);
  for (std::size_t i = 1; i < lines.size(); ++i)
    EXPECT_TRUE(lines[i].ends_with(",0,0,0,0,no value")) << lines[i];
}

TEST(DetectCsv, AMalformedRowIsNamedByItsLineAndEarlierRowsAreWritten) {
  struct Case {
    const char* row;
    const char* says;
  };
  for (const Case& each : {Case{"2026-11-24 00:05:00,abc", "value \"abc\" is not a number"},
                           {"2026-11-24 00:05:00,1,2", "3 fields where the header has 2"},
                           {"2026-11-24 00:05:00", "1 fields where the header has 2"},
                           {"yesterday,1", "timestamp \"yesterday\" is neither"},
                           {"2026-02-30 00:00:00,1", "timestamp \"2026-02-30 00:00:00\""},
                           {"2026-11-24 24:00:00,1", "timestamp"},
                           {"99999999999999,1", "timestamp"},
                           {",1", "timestamp \"\""},
                           {"2026-11-24 00:05:00,1 2", "is not a number"},
                           {"2026-11-24 00:05:00,0x10", "is not a number"}}) {
    const auto done = run(fmt::format("timestamp,value\n2026-11-24 00:00:00,1\n{}\n", each.row));
    EXPECT_NE(message(done).find(each.says), std::string::npos) << message(done);
    EXPECT_TRUE(message(done).starts_with("line 3: ")) << message(done);
    EXPECT_EQ(lines_of(done.out).size(), 2U) << each.row;
  }
}

TEST(DetectCsv, AHeaderIsNeeded) {
  EXPECT_NE(message(run("")).find("line 1: nothing to read"), std::string::npos);
  EXPECT_NE(message(run("time,value\n1,2\n")).find("columns timestamp and value"),
            std::string::npos);
}

TEST(DetectCsv, ALineWithoutEndIsRefused) {
  const auto done = run("timestamp,value\n" + std::string(70'000, '1') + "\n");
  EXPECT_TRUE(message(done).starts_with("line 2: a line of more than 64 KiB")) << message(done);
}

TEST(DetectCsv, OnePointIsScoredAndSoIsAMillion) {
  EXPECT_TRUE(run("timestamp,value\n2026-11-24 00:00:00,5").status);
  testing::Noise noise(1);
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < 1'000'000; ++i)
    fmt::format_to(std::back_inserter(csv), "{},{:.3f}\n", 1'700'000'000 + 60 * i, noise.normal());
  const auto done = run(csv);
  ASSERT_TRUE(done.status) << message(done);
  std::istringstream lines(done.out);
  std::string line;
  std::size_t rows = 0;
  for (; std::getline(lines, line); ++rows) {
    const auto score = std::string_view(line).substr(line.rfind(',') + 1);
    ASSERT_TRUE(rows == 0 || score.starts_with("0") || score == "1" || score.contains("e-"))
        << "a score is within 0..1: " << line;
  }
  EXPECT_EQ(rows, 1'000'001U);
}

TEST(DetectCsv, ExplainAddsWhatWasExpectedAndWhy) {
  testing::Noise noise(2);
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < 2000; ++i)
    csv +=
        fmt::format("{},{:.3f}\n", 1'700'000'000 + 300 * i, noise.normal() + (i == 1990 ? 50 : 0));
  const auto done = run(csv, {.explain = true});
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 2001U);
  EXPECT_EQ(lines[0], "timestamp,value,anomaly_score,expected,lower,upper,reason");
  EXPECT_TRUE(lines[20].ends_with(",learning")) << lines[20];
  EXPECT_NE(lines[1991].find("is expected; not once before in 7 d; since 2023-11-21T"),
            std::string::npos)
      << lines[1991];
}

TEST(DetectCsv, AHolidayIsNamedByTheClockOfItsZoneAndQuotedWhereCsvNeedsIt) {
  catalog::Calendar declared;
  declared.time_zone = "Europe/Berlin";
  declared.holidays = {{"\"Unity\", German", "10-03"}};
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < 100; ++i) csv += fmt::format("2026-10-01 {:02}:00:00,{}\n", i % 24, i % 5);
  csv += "2026-10-02 21:59:00,1\n2026-10-02 22:00:00,1\n";
  const auto done = run(csv, {.explain = true, .calendar = *Calendar::of(declared)});
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 103U);
  EXPECT_TRUE(lines[101].ends_with(',')) << lines[101];
  EXPECT_TRUE(lines[102].ends_with(",\"\"\"Unity\"\", German\"")) << lines[102];
}

}  // namespace
}  // namespace wellrun::health::baseline
