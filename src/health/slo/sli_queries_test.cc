#include "health/slo/sli_queries.h"

#include <cmath>
#include <gtest/gtest.h>

#include "catalog/check.h"
#include "health/slo/budget.h"
#include "telemetry/promql/engine.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;

const auto kStart = from_unix_ms(1'767'225'600'000);  // a whole hour

/// Two hours of samples every 15 s, asked with the real engine.
struct World {
  telemetry::promql::testing::MemoryReader reader;
  telemetry::promql::Engine engine{reader, {}};

  void add(Labels labels, const std::function<double(int)>& value_at_second) {
    telemetry::SeriesWrite write;
    write.labels = std::move(labels);
    for (int second = 0; second <= 7200; second += 15)
      write.samples.push_back({to_unix_ms(kStart) + second * 1000, value_at_second(second)});
    reader.add(std::move(write));
  }

  double ask(const std::string& query, Duration at = 2h) const {
    const auto result = engine.instant(query, kStart + at);
    EXPECT_TRUE(result) << query << ": " << (result ? "" : to_string(result.error()));
    if (!result || result->series.empty()) return -1;
    EXPECT_EQ(result->series.size(), 1U) << query;
    return result->series.front().samples.front().value;
  }
};

catalog::MetricCount metric(const std::string& query) {
  catalog::MetricCount count;
  count.metric_source.spec.query = query;
  return count;
}

catalog::Slo ratio(const std::string& good, const std::string& total) {
  catalog::Slo slo;
  slo.indicator.spec.ratio_metric.emplace();
  slo.indicator.spec.ratio_metric->good = metric(good);
  slo.indicator.spec.ratio_metric->total = metric(total);
  slo.objectives = {{}};
  slo.objectives.front().target = 0.9;
  return slo;
}

/// One request a second; in the second hour every tenth fails.
void add_requests(World& world) {
  const auto failed = [](int second) { return second <= 3600 ? 0.0 : (second - 3600) / 10; };
  world.add({{"__name__", "requests"}, {"code", "500"}}, failed);
  world.add({{"__name__", "requests"}, {"code", "200"}},
            [=](int second) { return second - failed(second); });
}

TEST(SliQueries, ReadsCountersHoweverTheyAreWritten) {
  World world;
  add_requests(world);
  for (const auto* good :
       {"requests{code='200'}", "sum(requests{code='200'})",
        "sum(requests) - sum(requests{code='500'})", "sum(rate(requests{code='200'}[1m]))",
        "sum(increase(requests{code='200'}[1m]))", "sum(rate(requests{code='200'}[{{.window}}]))",
        "increase(requests{code='200'}[{{ .window }}])"}) {
    const auto queries = sli_queries(ratio(good, "requests"), 1h);
    // Means of what other ranges give are near, not exact.
    EXPECT_NEAR(world.ask(queries.good), 3240, 45) << good << " as " << queries.good;
    EXPECT_NEAR(world.ask(queries.total), 3600, 1);
  }
}

TEST(SliQueries, ACounterThatIsReadLateIsCountedLate) {
  World world;
  add_requests(world);
  const auto late = sli_queries(
      ratio("sum(requests{code='200', x!='}'} offset 30m) # good", "requests offset 30m"), 1h);
  EXPECT_NEAR(world.ask(late.good), 3420, 15) << late.good;
  EXPECT_NEAR(world.ask(late.total), 3600, 1) << late.total;
  const auto then = sli_queries(ratio("requests @ 1767229200", "requests"), 1h);
  EXPECT_NEAR(world.ask(then.good), 3600, 1) << then.good;
}

TEST(SliQueries, AQueryMayEndWithAComment) {
  World world;
  add_requests(world);
  world.add({{"__name__", "share"}}, [](int) { return 0.9; });
  for (const auto* good :
       {"requests{code='200'} # good ones", "sum(rate(requests{code='200'}[1m])) # good ones",
        "sum(rate(requests{code='200'}[{{.window}}])) # good ones",
        "increase(requests{code='200'}[{{.window}}]) # good ones"}) {
    const auto slo = ratio(good, "requests # all");
    EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 3240, 45) << good;
    EXPECT_NEAR(world.ask(sli_queries(slo, 1h).total), 3600, 1) << good;
    EXPECT_TRUE(check_slo_queries(slo)) << good;
  }
  catalog::Slo value;
  value.indicator.spec.threshold_metric = metric("share # of the good ones");
  value.objectives = {{}};
  value.objectives.front().op = "gte";
  value.objectives.front().value = 0.5;
  EXPECT_NEAR(world.ask(sli_queries(value, 1h).good), 60, 1);
  EXPECT_TRUE(check_slo_queries(value));
}

TEST(SliQueries, WhatBecomesNoPromQlIsRefusedWithWhatItBecomes) {
  for (const auto* query : {"requests[5m]", "1", "sum(requests[{{.step}}])"}) {
    const auto checked = check_slo_queries(ratio("requests", query));
    ASSERT_FALSE(checked) << query;
    EXPECT_TRUE(checked.error().message.contains(query)) << checked.error().message;
  }
}

/// Whether the page of 1h/5m at 14.4 fires at some moment of the second hour, asked every 30 s.
bool pages(const World& world, double target) {
  auto slo = ratio("requests{code='200'}", "requests");
  slo.objectives.front().target = target;
  const auto counts = [&](const SliQueries& queries, Duration at) {
    const auto value = [&](const std::string& query) -> std::optional<double> {
      const auto result = world.engine.instant(query, kStart + at);
      if (!result || result->series.empty()) return std::nullopt;
      return result->series.front().samples.front().value;
    };
    return EventCounts{value(queries.good), value(queries.total)};
  };
  const catalog::BurnRateWindow window{"page", 1h, 5min, 14.4};
  for (Duration at = 1h; at <= 2h; at += 30s) {
    const auto in_long = counts(sli_queries(slo, 1h), at);
    const auto in_short = counts(sli_queries(slo, 5min), at);
    if (judge(slo, window, {in_long, in_short, {in_long}}).firing) return true;
  }
  return false;
}

/// With all that increase() makes of few samples.
TEST(SliQueries, OneFailingRequestAtLowTrafficPagesForNoTargetAndAnOutageDoes) {
  const auto requests = [](int second) { return std::floor(second * 0.008); };
  for (const int failed : {1, 29}) {
    World world;
    const auto bad = [&](int second) {
      return std::clamp(requests(second) - requests(4000), 0.0, static_cast<double>(failed));
    };
    world.add({{"__name__", "requests"}, {"code", "500"}}, bad);
    world.add({{"__name__", "requests"}, {"code", "200"}},
              [&](int second) { return requests(second) - bad(second); });
    for (const double target : {0.9, 0.99, 0.999, 0.9999})
      EXPECT_EQ(pages(world, target), failed > 1 && target > 0.9) << failed << " " << target;
  }
}

TEST(SliQueries, BadAndRawRatiosGiveTheSameShare) {
  World world;
  add_requests(world);
  auto slo = ratio("", "requests");
  auto& metric_of = *slo.indicator.spec.ratio_metric;
  metric_of.good.reset();
  metric_of.bad = metric("requests{code='500'}");
  EXPECT_TRUE(sli_queries(slo, 1h).bad);
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 360, 1);
  EXPECT_NEAR(world.ask(ratio_query(slo, 1h)), 0.9, 0.001);

  world.add({{"__name__", "failing"}}, [](int second) { return second <= 3600 ? 0 : 0.1; });
  catalog::Slo raw = ratio("", "");
  raw.indicator.spec.ratio_metric->good.reset();
  raw.indicator.spec.ratio_metric->total.reset();
  raw.indicator.spec.ratio_metric->raw = metric("failing");
  raw.indicator.spec.ratio_metric->raw_type = "failure";
  EXPECT_NEAR(world.ask(ratio_query(raw, 1h)), 0.9, 0.002);
  EXPECT_EQ(unit_of(raw), "samples");
}

TEST(SliQueries, SamplesThatAreCountsAreSummed) {
  World world;
  world.add({{"__name__", "good_each"}}, [](int) { return 9; });
  world.add({{"__name__", "all_each"}}, [](int) { return 10; });
  auto slo = ratio("good_each", "sum(all_each)");
  slo.indicator.spec.ratio_metric->counter = false;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 9 * 240, 10);
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).total), 10 * 240, 10);
}

/// NaN, as a share of nothing is: from the half of the second hour on.
TEST(SliQueries, WhereNothingWasToMeasureItWasNeitherGoodNorBad) {
  const auto busy = [](double value) {
    return [value](int second) { return second <= 5400 ? value : std::nan(""); };
  };
  World world;
  world.add({{"__name__", "half"}}, busy(0.5));
  world.add({{"__name__", "good_each"}}, busy(9));
  world.add({{"__name__", "all_each"}}, busy(10));
  for (const auto* type : {"success", "failure"}) {
    catalog::Slo raw = ratio("", "");
    auto& share = *raw.indicator.spec.ratio_metric;
    share.good.reset();
    share.total.reset();
    share.raw = metric("half");
    share.raw_type = type;
    EXPECT_NEAR(world.ask(sli_queries(raw, 1h).good), 15, 0.6) << sli_queries(raw, 1h).good;
    EXPECT_NEAR(world.ask(sli_queries(raw, 1h).total), 30, 1);
    raw.budgeting_method = "Timeslices";
    raw.objectives.front().time_slice_window = "5m";
    EXPECT_NEAR(world.ask(sli_queries(raw, 1h).total), 6, 1);
  }
  catalog::Slo value;
  value.indicator.spec.threshold_metric = metric("half");
  value.objectives = {{}};
  value.objectives.front().op = "lt";
  value.objectives.front().value = 0.6;
  EXPECT_NEAR(world.ask(sli_queries(value, 1h).good), 30, 1);
  EXPECT_NEAR(world.ask(sli_queries(value, 1h).total), 30, 1);

  auto counts = ratio("good_each", "all_each");
  counts.indicator.spec.ratio_metric->counter = false;
  EXPECT_NEAR(world.ask(sli_queries(counts, 1h).good), 9 * 120, 40) << sli_queries(counts, 1h).good;
  EXPECT_NEAR(world.ask(sli_queries(counts, 1h).total), 10 * 120, 40);
  EXPECT_NEAR(world.ask(ratio_query(counts, 1h)), 0.9, 1e-9);
  EXPECT_EQ(world.ask(ratio_query(counts, 10min)), -1);
  EXPECT_TRUE(std::isnan(world.ask(sli_queries(counts, 1h, NanSamples::kSpoil).good)));
  EXPECT_EQ(sli_queries(counts, 1h, NanSamples::kSpoil).total, "sum(sum_over_time(all_each[1h]))");
  counts = ratio("sum(good_each) + 0 * sum(sum_over_time(good_each[15s]))", "all_each");
  counts.indicator.spec.ratio_metric->counter = false;
  EXPECT_NEAR(world.ask(sli_queries(counts, 1h).good), 9 * 30, 10);
}

TEST(SliQueries, AValueIsGoodWhileItComparesWell) {
  World world;
  world.add({{"__name__", "lag"}}, [](int second) { return second < 6300 ? 1 : 9; });
  catalog::Slo slo;
  slo.indicator.spec.threshold_metric = metric("lag");
  slo.objectives = {{}};
  slo.objectives.front().op = "lte";
  slo.objectives.front().value = 5;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 45, 1) << sli_queries(slo, 1h).good;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).total), 60, 1);
}

TEST(SliQueries, LatencyIsReadFromClassicHistograms) {
  World world;
  const auto add = [&](const char* name, const char* le, double per_second) {
    Labels labels{{"__name__", name}, {"job", "shop"}};
    if (le != nullptr) labels.set("le", le);
    world.add(labels, [=](int second) { return second * per_second; });
  };
  add("latency_seconds_bucket", "0.1", 6);
  add("latency_seconds_bucket", "0.5", 9);
  add("latency_seconds_bucket", "+Inf", 10);
  add("latency_seconds_count", nullptr, 10);
  catalog::Slo slo;
  slo.indicator.spec.latency_metric = catalog::LatencyMetric{"latency_seconds{job='shop'}", 0.5};
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 32'400, 10) << sli_queries(slo, 1h).good;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).total), 36'000, 10);
  EXPECT_EQ(World().ask(sli_queries(slo, 1h).good), -1);
  World idle;
  for (const auto* le : {"0.5", "+Inf"})
    idle.add({{"__name__", "latency_seconds_bucket"}, {"job", "shop"}, {"le", le}},
             [](int) { return 7; });
  idle.add({{"__name__", "latency_seconds_count"}, {"job", "shop"}}, [](int) { return 7; });
  EXPECT_EQ(idle.ask(sli_queries(slo, 1h).good), -1) << "of nothing no share is good";
  EXPECT_EQ(idle.ask(sli_queries(slo, 1h).total), 0);
  slo.indicator.spec.latency_metric->threshold = 0.3;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 27'000, 10) << "between two borders: half way";
}

TEST(SliQueries, LatencyIsReadFromNativeHistograms) {
  World world;
  telemetry::SeriesWrite write;
  write.labels = Labels{{"__name__", "latency_seconds"}};
  for (int second = 0; second <= 7200; second += 15) {
    telemetry::Histogram
        histogram;  // schema 0: powers of two; half in (0.25, 0.5], half in (0.5, 1]
    histogram.schema = 0;
    histogram.count = 2.0 * second;
    histogram.sum = 1.0 * second;
    histogram.positive_spans = {{-1, 2}};
    histogram.positive_counts = {1.0 * second, 1.0 * second};
    write.histograms.push_back(
        {to_unix_ms(kStart) + second * 1000,
         std::make_shared<const telemetry::Histogram>(std::move(histogram))});
  }
  world.reader.add(std::move(write));
  catalog::Slo slo;
  slo.indicator.spec.latency_metric = catalog::LatencyMetric{"latency_seconds", 0.5};
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 3600, 5) << sli_queries(slo, 1h).good;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).total), 7200, 5);
}

TEST(SliQueries, SlicesAreGoodOrBadAsAWhole) {
  World world;
  // Of every ten minutes of the second hour one fails altogether.
  const auto failed = [](int second) {
    double bad = 0;
    for (int minute = 60; minute * 60 < second; ++minute)
      if (minute % 10 == 0) bad += std::min(60, second - minute * 60);
    return bad;
  };
  world.add({{"__name__", "requests"}, {"code", "500"}}, failed);
  world.add({{"__name__", "requests"}, {"code", "200"}},
            [=](int second) { return second - failed(second); });
  auto slo = ratio("requests{code='200'}", "requests");
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "1m";
  slo.objectives.front().time_slice_target = 0.95;
  const auto queries = sli_queries(slo, 1h);
  EXPECT_EQ(world.ask(queries.total), 60) << queries.total;
  // The slice's edges are a scrape away from the failing minute's: a neighbour may be touched.
  EXPECT_NEAR(world.ask(queries.good), 51, 3);
  EXPECT_EQ(unit_of(slo), "slices of 1m");
  slo.budgeting_method = "RatioTimeslices";
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 54, 0.5);
  EXPECT_NEAR(world.ask(event_queries(slo, 1h).total), 3600, 1) << "what the guard looks at";
}

/// The example of the documentation: one-minute slices, and a sample a minute. The service restarts
/// after 60 minutes, fails altogether for 10 minutes of the second hour, and is idle for its
/// last 5.
TEST(SliQueries, ASliceNeedsOneSample) {
  const auto served = [](int second) {
    return std::min(second, 6900) - (second > 3600 ? 3600 : 0);
  };
  const auto failed = [](int second) { return std::clamp(second - 4500, 0, 600); };
  World world;
  const auto each_minute = [&](const char* name, Labels labels,
                               const std::function<double(int)>& value) {
    telemetry::SeriesWrite write;
    labels.set("__name__", name);
    write.labels = std::move(labels);
    for (int second = 7; second <= 7200; second += 60)
      write.samples.push_back({to_unix_ms(kStart) + second * 1000, value(second)});
    world.reader.add(std::move(write));
  };
  const auto good = [&](int second) {
    return served(second) - (second > 3600 ? failed(second) : 0);
  };
  each_minute("requests", {{"code", "200"}}, good);
  each_minute("requests", {{"code", "500"}}, failed);
  each_minute("latency_seconds_bucket", {{"le", "0.5"}}, good);
  each_minute("latency_seconds_bucket", {{"le", "+Inf"}}, served);
  each_minute("latency_seconds_count", {}, served);
  auto latency = ratio("", "");
  latency.indicator.spec.ratio_metric.reset();
  latency.indicator.spec.latency_metric = catalog::LatencyMetric{"latency_seconds", 0.5};
  for (auto slo : {ratio("requests{code='200'}", "requests"),
                   ratio("sum(increase(requests{code='200'}[{{.window}}])) # good",
                         "sum(rate(requests[{{.window}}]))"),
                   latency}) {
    slo.budgeting_method = "Timeslices";
    slo.objectives.front().time_slice_window = "1m";
    slo.objectives.front().time_slice_target = 0.95;
    EXPECT_TRUE(check_slo_queries(slo));
    const auto queries = sli_queries(slo, 2h);
    EXPECT_NEAR(world.ask(queries.total), 120 - 5, 1) << queries.total;
    EXPECT_NEAR(world.ask(queries.total) - world.ask(queries.good), 10, 1) << queries.good;
    EXPECT_NEAR(world.ask(event_queries(slo, 1h).total), 3300, 70) << "the guard's are as ever";
    EXPECT_EQ(world.ask(ratio_query(slo, 1min), 80min), 0);
  }
}

TEST(SliQueries, OnlyTheRangesThatAreTheSliceHaveItsEdges) {
  EXPECT_EQ(count_query("sum(increase(x[{{.window}}])) * on() (sum(increase(y[5m])) > bool 0)",
                        {.counter = true, .window = 1min, .edges = " anchored"}),
            "sum(sum(increase(x[1m] anchored)) * on() (sum(increase(y[5m])) > bool 0))");
}

TEST(SliQueries, ASliceWithoutTrafficIsNeitherGoodNorBad) {
  World world;
  const auto only_first_hour = [](int second) { return std::min(second, 3600); };
  world.add({{"__name__", "requests"}, {"code", "200"}}, only_first_hour);
  auto slo = ratio("requests{code='200'}", "requests");
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "5m";
  slo.objectives.front().time_slice_target = 0.95;
  EXPECT_NEAR(world.ask(sli_queries(slo, 2h).total), 12, 1);
  EXPECT_EQ(world.ask(ratio_query(slo, 5min)), -1);
}

// ---- composites ----

/// Requests as add_requests() has them (in the second hour every tenth fails; promised 90 %), and
/// payments, one in ten seconds, of which in the second hour every fifth fails (promised 95 %).
catalog::Slo journey(World& world) {
  add_requests(world);
  const auto failed = [](int second) { return second <= 3600 ? 0.0 : (second - 3600) / 50; };
  world.add({{"__name__", "payments"}, {"ok", "0"}}, failed);
  world.add({{"__name__", "payments"}, {"ok", "1"}},
            [=](int second) { return second / 10 - failed(second); });
  const auto requests = ratio("requests{code='200'}", "requests");
  const auto payments = ratio("payments{ok='1'}", "payments");
  catalog::Slo slo = requests;
  slo.indicator = {};
  slo.objectives = {requests.objective(), payments.objective()};
  slo.objectives[0].indicator = requests.indicator;
  slo.objectives[1].indicator = payments.indicator;
  slo.objectives[1].target = 0.95;
  return slo;
}

std::optional<double> burn_of(const World& world, const catalog::Slo& slo) {
  const auto queries = sli_queries(slo, 1h);
  EventCounts counts{world.ask(queries.good), world.ask(queries.total)};
  if (queries.bad) counts.good = *counts.total - *counts.good;
  return burn_rate(counts, slo.target());
}

TEST(CompositeSlo, BurnsAsFastAsItsObjectivesTogether) {
  World world;
  auto slo = journey(world);
  // A tenth of what is promised to 90 % burns at 1, a fifth of what is to 95 % at 4.
  EXPECT_NEAR(*burn_of(world, slo), 5, 0.1);
  slo.objectives[1].composite_weight = 0.25;
  EXPECT_NEAR(*burn_of(world, slo), 2, 0.1);
  EXPECT_NEAR(world.ask(ratio_query(slo, 1h)), 1 - 2 * 0.05, 0.005);
  EXPECT_EQ(unit_of(slo), "events");
}

TEST(CompositeSlo, AnObjectiveWithoutTrafficBurnsNothing) {
  World world;
  auto slo = journey(world);
  slo.objectives[1].indicator->spec.ratio_metric->good = metric("nothing");
  slo.objectives[1].indicator->spec.ratio_metric->total = metric("nothing");
  EXPECT_NEAR(*burn_of(world, slo), 1, 0.1);
}

TEST(CompositeSlo, ASliceIsGoodWhenItIsForEveryObjective) {
  World world;
  auto slo = journey(world);
  // In the second hour the requests fail in every tenth minute, payments in every fourth one.
  const auto outage = [](int period) {
    return [period](int second) {
      double bad = 0;
      for (int minute = 60; minute * 60 < second; ++minute)
        if (minute % period == 0) bad += std::min(60, second - minute * 60);
      return bad;
    };
  };
  World slices;
  slices.add({{"__name__", "requests"}, {"code", "500"}}, outage(10));
  slices.add({{"__name__", "requests"}, {"code", "200"}},
             [=](int second) { return second - outage(10)(second); });
  slices.add({{"__name__", "payments"}, {"ok", "0"}}, outage(4));
  slices.add({{"__name__", "payments"}, {"ok", "1"}},
             [=](int second) { return second - outage(4)(second); });
  slo.budgeting_method = "Timeslices";
  for (auto& objective : slo.objectives) {
    objective.time_slice_window = "1m";
    objective.time_slice_target = 0.6;  // an edge of a neighbour's outage is not enough
  }
  const auto queries = sli_queries(slo, 1h);
  EXPECT_EQ(slices.ask(queries.total), 60);
  // Minutes 60, 64, 68, 70, 72, 76, 80, 84, … of 60 to 119: 6 + 15 - 3 that both fail in.
  EXPECT_NEAR(slices.ask(queries.good), 60 - 18, 1) << queries.good;
  EXPECT_EQ(unit_of(slo), "slices of 1m");
}

TEST(CompositeSlo, MissingPartsOfRatiosOfSlicesAddUp) {
  World world;
  auto slo = journey(world);
  slo.budgeting_method = "RatioTimeslices";
  for (auto& objective : slo.objectives) objective.time_slice_window = "5m";
  const auto queries = sli_queries(slo, 1h);
  EXPECT_NEAR(world.ask(queries.total), 12, 0.1);
  EXPECT_NEAR(world.ask(queries.good) / 12, 0.1 + 0.2, 0.01) << "bad ones";
  slo.objectives[1].composite_weight = 100;
  EXPECT_NEAR(world.ask(sli_queries(slo, 1h).good), 12, 0.1) << "up to all of it";
}

TEST(CompositeSlo, ItsEventsAreThoseOfAllObjectives) {
  World world;
  const auto slo = journey(world);
  const auto queries = event_queries(slo, 1h);
  EXPECT_NEAR(world.ask(queries.total), 3600 + 360, 5);
  EXPECT_NEAR(world.ask(queries.good), 3240 + 288, 45);
}

}  // namespace
}  // namespace wellrun::health
