// The judge as it is used: lines in, verdicts out.

#include "health/verdict/canary_stream.h"

#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>

#include "core/json.h"
#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

struct Played {
  std::vector<Json> verdicts;
  std::vector<std::string> errors;
  Json last() const { return verdicts.empty() ? Json() : verdicts.back(); }
};

Played play(const std::vector<std::string>& lines, JudgePolicy policy = {}) {
  CanaryStream stream(std::move(policy));
  Played played;
  for (const auto& line : lines) {
    const auto said = stream.read(line);
    if (!said.taken) played.errors.push_back(to_string(said.taken.error()));
    if (said.verdict) played.verdicts.push_back(*parse_json(*said.verdict));
  }
  if (!stream.decided()) played.verdicts.push_back(*parse_json(stream.finish()));
  return played;
}

std::string value(double t, std::string_view metric, std::string_view group, double value) {
  return fmt::format(R"({{"t":{},"metric":"{}","group":"{}","value":{}}})", t, metric, group,
                     value);
}
std::string count(double t, std::string_view group, int num, int den) {
  return fmt::format(R"({{"t":{},"metric":"errors","group":"{}","num":{},"den":{}}})", t, group,
                     num, den);
}

Json metric_of(const Json& verdict, std::string_view name) {
  for (const auto& metric : verdict.at("metrics"))
    if (metric.at("metric") == name) return metric;
  return {};
}

TEST(CanaryStream, FiveOfTwoHundredFailingAgainstNoErrorsInTheBaselineIsAFail) {
  std::vector<std::string> lines;
  for (int t = 9; t < 300; t += 10) {
    lines.push_back(count(t, "baseline", 0, 200));
    lines.push_back(count(t, "canary", 5, 200));
  }
  const auto last = play(lines).last();
  EXPECT_EQ(last.at("verdict"), "fail");
  EXPECT_EQ(last.at("state"), "fail");
  EXPECT_LE(last.at("t").get<double>(), 60);
  EXPECT_NE(last.at("reason").get<std::string>().find("errors is worse"), std::string::npos);
  EXPECT_EQ(metric_of(last, "errors").at("baseline").at("num"), 0);
}

TEST(CanaryStream, FiveFailuresOverTheWatchFailWhereTheBaselineIsKnownToBeClean) {
  std::vector<std::string> lines;
  for (int t = 9; t < 300; t += 10) {
    lines.push_back(count(t, "baseline", 0, 140));
    lines.push_back(count(t, "canary", t % 60 == 9 ? 1 : 0, 7));
  }
  const auto last = play(lines).last();  // five of about 200 against none of about 4000
  EXPECT_EQ(last.at("verdict"), "fail") << last;
}

TEST(CanaryStream, OneFailureAgainstNoneIsInconclusiveForItsZeroBaseline) {
  std::vector<std::string> lines;
  for (int t = 9; t < 120; t += 10) {
    lines.push_back(count(t, "baseline", 0, 200));
    lines.push_back(count(t, "canary", t == 59 ? 1 : 0, 200));
  }
  const auto last = play(lines).last();
  EXPECT_EQ(last.at("verdict"), "continue");
  EXPECT_EQ(last.at("state"), "inconclusive");
  EXPECT_EQ(last.at("doubt"), "zero baseline");
}

TEST(CanaryStream, MisspeltMetricIsInconclusiveAndSaysWhoIsSilent) {
  std::vector<std::string> lines;
  for (int t = 0; t < 300; t += 2) {
    lines.push_back(value(t, "latency_ms", "baseline", 80 + t % 7));
    lines.push_back(value(t, "latncy_ms", "canary", 80 + t % 7));
  }
  const auto last = play(lines).last();
  EXPECT_EQ(last.at("state"), "inconclusive");
  EXPECT_EQ(last.at("doubt"), "no data");
  EXPECT_NE(
      metric_of(last, "latency_ms").at("reason").get<std::string>().find("the canary has not sent"),
      std::string::npos);
  EXPECT_NE(metric_of(last, "latncy_ms")
                .at("reason")
                .get<std::string>()
                .find("the baseline has not sent"),
            std::string::npos);
}

TEST(CanaryStream, ExpectedMetricThatNeverComesIsInconclusive) {
  std::vector<std::string> lines;
  for (int t = 9; t < 300; t += 10)
    for (const char* group : {"baseline", "canary"}) lines.push_back(count(t, group, 1, 500));
  EXPECT_EQ(play(lines).last().at("state"), "continue");
  const auto last = play(lines, {.expected = {"latency_ms"}}).last();
  EXPECT_EQ(last.at("doubt"), "no data");
  EXPECT_EQ(metric_of(last, "latency_ms").at("state"), "inconclusive");
}

TEST(CanaryStream, NothingAtAllIsInconclusive) {
  const auto last = play({}).last();
  EXPECT_EQ(last.at("state"), "inconclusive");
  EXPECT_EQ(last.at("doubt"), "no data");
  EXPECT_EQ(last.at("verdict"), "continue");
}

TEST(CanaryStream, NothingButZerosAreTooFewAndWhatComesAfterThemIsCompared) {
  TestChance chance(6);
  std::vector<std::string> zeros;
  for (int t = 0; t < 3000; t += 5)
    for (const char* group : {"baseline", "canary"}) zeros.push_back(value(t, "m", group, 0));
  const auto last = play(zeros).last();
  EXPECT_EQ(last.at("verdict"), "continue");
  EXPECT_EQ(last.at("doubt"), "too few");
  EXPECT_NE(last.at("reason").get<std::string>().find("nearly all zero"), std::string::npos);

  std::vector<std::string> lines(zeros.begin(), zeros.begin() + 120);
  for (int t = 300; t < 3000; t += 5)
    for (const char* group : {"baseline", "canary"})
      lines.push_back(value(t, "m", group, (*group == 'c' ? 9 : 3) + chance.normal()));
  EXPECT_EQ(play(lines).last().at("verdict"), "fail");
}

TEST(CanaryStream, GroupThatStopsSendingIsStale) {
  std::vector<std::string> lines;
  for (int t = 9; t < 900; t += 10) {
    lines.push_back(count(t, "baseline", 1, 500));
    if (t < 300) lines.push_back(count(t, "canary", 1, 500));
  }
  const auto last = play(lines).last();
  EXPECT_EQ(last.at("doubt"), "stale");
  EXPECT_NE(last.at("reason").get<std::string>().find("the canary has sent nothing for"),
            std::string::npos);
}

TEST(CanaryStream, WrongLinesAreNamedAndLeftOut) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"{", "not JSON"},
      {"[]", "not a JSON object"},
      {R"({"metric":"m","group":"canary","value":1})", "no \"t\""},
      {R"({"t":"1","metric":"m","group":"canary","value":1})", "\"t\" is not a finite number"},
      {R"({"t":1e30,"metric":"m","group":"canary","value":1})", "not seconds"},
      {R"({"t":1,"group":"canary","value":1})", "\"metric\""},
      {R"({"t":1,"metric":"","group":"canary","value":1})", "0 bytes"},
      {R"({"t":1,"metric":"m","group":"control","value":1})", "\"baseline\" or \"canary\""},
      {R"({"t":1,"metric":"m","group":"canary"})", "either"},
      {R"({"t":1,"metric":"m","group":"canary","value":1,"num":1,"den":2})", "either"},
      {R"({"t":1,"metric":"m","group":"canary","value":NaN})", "not JSON"},
      {R"({"t":1,"metric":"m","group":"canary","value":"7"})", "\"value\" is not a finite number"},
      {R"({"t":1,"metric":"m","group":"canary","value":1e999})", ""},
      {R"({"t":1,"metric":"m","group":"canary","num":1})", "\"den\""},
      {R"({"t":1,"metric":"m","group":"canary","num":7,"den":5})", "between 0 and"},
      {R"({"t":1,"metric":"m","group":"canary","num":-1,"den":5})", "between 0 and"},
  };
  for (const auto& [line, expected] : wrong) {
    const auto played = play({line});
    ASSERT_EQ(played.errors.size(), 1u) << line;
    EXPECT_NE(played.errors[0].find(expected), std::string::npos)
        << line << " -> " << played.errors[0];
    EXPECT_EQ(played.last().at("state"), "inconclusive") << line;
  }
}

TEST(CanaryStream, TimeThatGoesBackIsRefusedAndTheRestStands) {
  const auto played = play(
      {value(10, "m", "canary", 1), value(5, "m", "canary", 1), value(10, "m", "baseline", 1)});
  ASSERT_EQ(played.errors.size(), 1u);
  EXPECT_NE(played.errors[0].find("goes back from 10 to 5"), std::string::npos);
  EXPECT_EQ(metric_of(played.last(), "m").at("canary").at("rows"), 1);
}

TEST(CanaryStream, MetricThatChangesItsKindIsRefused) {
  const auto played = play({value(1, "errors", "canary", 1), count(2, "canary", 1, 2)});
  ASSERT_EQ(played.errors.size(), 1u);
  EXPECT_NE(played.errors[0].find("two different names"), std::string::npos);
}

TEST(CanaryStream, ABadRowWhoseTimeMakesAVerdictDueIsNamedAllTheSame) {
  const auto played = play({value(1, "errors", "canary", 1), count(75, "canary", 1, 2)});
  ASSERT_EQ(played.errors.size(), 1u);
  EXPECT_NE(played.errors[0].find("two different names"), std::string::npos);
  ASSERT_EQ(played.verdicts.size(), 2u) << "the one that was due, and the last";
  EXPECT_EQ(played.verdicts[0].at("t"), 70);
}

TEST(CanaryStream, TooManyMetricsAreRefusedOneByOne) {
  std::vector<std::string> lines;
  for (int i = 0; i < 100; ++i) lines.push_back(value(1, fmt::format("m{}", i), "canary", 1));
  const auto played = play(lines);
  EXPECT_EQ(played.errors.size(), 100 - CanaryJudge::kMostMetrics);
  EXPECT_EQ(played.last().at("metrics").size(), CanaryJudge::kMostMetrics);
}

TEST(CanaryStream, NullsUnknownFieldsAndNoRequestsAreNoErrors) {
  const auto played = play({R"({"t":1,"metric":"m","group":"canary","value":null,"host":"a"})",
                            count(1, "canary", 0, 0), "", "  "});
  EXPECT_TRUE(played.errors.empty());
  EXPECT_EQ(metric_of(played.last(), "m").at("canary").at("missing"), 1);
  EXPECT_EQ(metric_of(played.last(), "m").at("canary").at("rows"), 0);
}

TEST(CanaryStream, EveryMetricSaysTestThresholdCountsAndWindow) {
  std::vector<std::string> lines;
  for (int t = 0; t < 200; t += 2)
    for (const char* group : {"baseline", "canary"})
      lines.push_back(value(t, "m", group, 80 + t * 7 % 13));
  const auto metric = metric_of(play(lines).last(), "m");
  for (const char* field : {"test", "threshold", "reason", "state"})
    EXPECT_FALSE(metric.at(field).get<std::string>().empty());
  EXPECT_EQ(metric.at("canary").at("rows"), 100);
  EXPECT_EQ(metric.at("window_s"), 198);
}

TEST(CanaryStream, SaysHowItStandsOnceAMinuteAndTimesNeverGoBack) {
  std::vector<std::string> lines;
  for (int t = 0; t < 600; t += 2)
    for (const char* group : {"baseline", "canary"})
      lines.push_back(value(t, "m", group, 80 + t * 7 % 13));
  const auto played = play(lines);
  EXPECT_GE(played.verdicts.size(), 9u);
  double last = -1;
  for (const auto& verdict : played.verdicts) {
    EXPECT_GE(verdict.at("t").get<double>(), last);
    last = verdict.at("t").get<double>();
  }
}

/// Both groups alike or not, at many requests a second: what `canary` multiplies.
std::vector<std::string> busy(TestChance& chance, double canary, int minutes) {
  std::vector<std::string> lines;
  for (int t = 0; t < minutes * 60; ++t)
    for (int i = 0; i < 4; ++i)
      for (const char* group : {"baseline", "canary"})
        lines.push_back(
            value(t, "m", group, (*group == 'c' ? canary : 1) * std::exp(0.2 * chance.normal())));
  return lines;
}

TEST(CanaryStream, PassesEarlyWhenEquivalentButNotBeforeItsTime) {
  TestChance chance(1);
  const auto lines = busy(chance, 1, 50);
  const auto last = play(lines).last();
  EXPECT_EQ(last.at("verdict"), "pass");
  EXPECT_GE(last.at("t").get<double>(), 40 * 60);
  EXPECT_EQ(play(lines, {.pass_after_s = 3600}).last().at("verdict"), "continue");
}

TEST(CanaryStream, NeverPassesWhatIsWorseByTheMargin) {
  TestChance chance(2);
  EXPECT_EQ(play(busy(chance, 1.1, 50)).last().at("verdict"), "fail");
}

TEST(CanaryStream, LessIsWorseWhereThePolicySaysSo) {
  TestChance chance(3);
  const auto lines = busy(chance, 0.7, 10);
  EXPECT_EQ(play(lines).last().at("verdict"), "continue");
  const auto last = play(lines, {.lower_is_worse = {"m"}}).last();
  EXPECT_EQ(last.at("verdict"), "fail");
  EXPECT_NEAR(metric_of(last, "m").at("change").get<double>(), -0.3, 0.1);
}

TEST(CanaryStream, AQuantileIsWatchedWhereThePolicySaysSo) {
  TestChance chance(5);
  std::vector<std::string> lines;  // one canary request in thirty is ten times as slow
  for (int t = 0; t < 1800; ++t)
    for (int i = 0; i < 4; ++i)
      for (const char* group : {"baseline", "canary"})
        lines.push_back(value(
            t, "m", group,
            std::exp(0.3 * chance.normal()) * (*group == 'c' && chance.uniform() < 0.03 ? 10 : 1)));
  const auto last = play(lines, {.quantiles = {{"m", 0.97}}}).last();
  EXPECT_EQ(last.at("verdict"), "fail");
  EXPECT_EQ(metric_of(last, "m p97").at("state"), "fail");
  EXPECT_NE(metric_of(last, "m p97").at("test").get<std::string>().find("0.97"), std::string::npos);
}

TEST(CanaryStream, AVerdictRestsOnEarlierRowsOnly) {
  TestChance chance(4);
  const auto lines = busy(chance, 1.05, 30);
  const auto whole = play(lines);
  const auto part =
      play({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2)});
  for (std::size_t i = 0; i + 1 < part.verdicts.size(); ++i)
    EXPECT_EQ(part.verdicts[i], whole.verdicts[i]);
}

}  // namespace
}  // namespace wellrun::health
