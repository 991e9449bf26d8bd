#include "health/slo/budget.h"

#include <cmath>
#include <gtest/gtest.h>

#include "health/kpi.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;

const catalog::BurnRateWindow kFast{"page", 1h, 5min, 14.4};

catalog::Slo promising(double target) {
  catalog::Slo slo;
  slo.indicator.spec.ratio_metric.emplace();
  slo.objectives = {{}};
  slo.objectives.front().target = target;
  return slo;
}

BurnRate burn(double target, const EventCounts& in_long, const EventCounts& in_short) {
  return judge(promising(target), kFast, {in_long, in_short, in_long});
}

TEST(Slo, OneFailingRequestAtLowTrafficNeverPages) {
  for (const double target : {0.9, 0.99, 0.999, 0.9999, 0.99999}) {
    for (double total = 1; total < 1000; ++total) {
      const auto one = burn(target, {total - 1, total}, {0, 1});
      ASSERT_FALSE(one.firing) << target << " " << total;
      if (one.long_rate > kFast.burn_rate && one.short_rate > kFast.burn_rate)
        ASSERT_NE(one.held_back, "") << target << " " << total;
    }
  }
}

TEST(Slo, AtLowTrafficSeveralFailuresDoPage) {
  const double an_hour = 0.008 * 3600;
  EXPECT_FALSE(burn(0.999, {an_hour - 2, an_hour}, {1, 2}).firing) << "two may be chance";
  EXPECT_TRUE(burn(0.999, {an_hour - 4, an_hour}, {0, 2}).firing);
  EXPECT_TRUE(burn(0.99, {0, an_hour}, {0, 2}).firing) << "an outage";
}

TEST(Slo, TheExactTailIsTheBinomials) {
  EXPECT_NEAR(chance_of_so_many(1, 29, 0.0144), 1 - std::pow(1 - 0.0144, 29), 1e-9);
  EXPECT_NEAR(chance_of_so_many(3, 3, 0.1), 0.001, 1e-12);
  EXPECT_NEAR(chance_of_so_many(9, 10, 0.5), 11.0 / 1024, 1e-12);
  EXPECT_EQ(chance_of_so_many(0, 10, 0.5), 1);
  EXPECT_EQ(chance_of_so_many(11, 10, 0.5), 0);
  EXPECT_NEAR(chance_of_so_many(1'002'000, 100'000'000, 0.01), 0.0223, 0.0005)
      << "large counts too: as the normal distribution has it";
}

TEST(Slo, FiresOnlyWhenBothWindowsBurn) {
  EXPECT_TRUE(burn(0.999, {900, 1000}, {90, 100}).firing);
  EXPECT_FALSE(burn(0.999, {900, 1000}, {100, 100}).firing) << "it is over";
  EXPECT_FALSE(burn(0.999, {999, 1000}, {90, 100}).firing) << "it has only begun";
  EXPECT_FALSE(burn(0.999, {900, 1000}, {}).firing) << "nothing known of the short window";
}

/// An hour of samples, a minute apart: a burn alerts although less than two samples' worth is bad.
TEST(Slo, ASampleOfAStoredRatioIsNoEvent) {
  auto stored = promising(0.999);
  stored.indicator.spec.ratio_metric->raw.emplace();
  struct Case {
    const char* name;
    double share, samples;
    bool fires;
  };
  for (const auto& [name, share, samples, fires] : {
           Case{"half of the threshold", 1 - 0.5 * 0.0144, 60, false},
           Case{"a little over it", 1 - 1.1 * 0.0144, 60, true},
           Case{"twice", 1 - 2 * 0.0144, 60, true},
           Case{"an outage", 0, 60, true},
           Case{"too few samples to know", 0, 9, false},
           Case{"just enough", 0.9, 10, true},
       }) {
    const EventCounts counts{share * samples, samples};
    const auto found = judge(stored, kFast, {counts, {share * 5, 5}, counts});
    EXPECT_EQ(found.firing, fires) << name << ": " << found.held_back;
  }
  const EventCounts few{0, 9};
  EXPECT_EQ(judge(stored, kFast, {few, few, few}).held_back, "9 samples in 1h, fewer than 10");
  const EventCounts hour{54, 60};
  const auto rule = slo_alert_rule(stored, judge(stored, kFast, {hour, hour, hour}));
  EXPECT_EQ(rule.annotations.at("minimum_events"),
            "Fewer than 10 samples in 1h never alert; there were 60.");
}

TEST(Slo, TheGuardOfSlicesLooksAtTheRequestsInThem) {
  auto slo = promising(0.999);
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "1m";
  const EventCounts slices{20, 29};
  EXPECT_FALSE(judge(slo, kFast, {slices, {1, 2}, {28, 29}}).firing);
  EXPECT_TRUE(judge(slo, kFast, {slices, {1, 2}, {2000, 2900}}).firing);
}

TEST(Slo, TheBudgetOfSlicesIsTime) {
  auto slo = promising(0.99);
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "1m";
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod day{start, start + 24h, false};
  const auto budget = budget_of(slo, day, {93, 100}, start + 100min);
  EXPECT_NEAR(budget.allowed, 14.4, 1e-9) << "of the whole day, although little of it has passed";
  EXPECT_EQ(budget.bad, 7);
  EXPECT_NEAR(*budget.remaining, 1 - 7 / 14.4, 1e-9);
  slo.budgeting_method = "Occurrences";
  EXPECT_NEAR(*budget_of(slo, day, {93, 100}, start + 24h).remaining, -6, 1e-9);
  EXPECT_EQ(budget_of(slo, day, {}, start + 24h).remaining, std::nullopt);
}

TEST(Slo, TheBudgetOfACalendarsPeriodIsThatOfAllTheTrafficThatItWillHave) {
  const auto slo = promising(0.999);
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod month{start, start + 720h, false};
  const EventCounts counts{9, 10};
  EXPECT_NEAR(budget_of(slo, month, counts, start + 1h).allowed, 7.2, 1e-9);
  EXPECT_NEAR(*budget_of(slo, month, counts, start + 1h).remaining, 1 - 1 / 7.2, 1e-9)
      << "not 10 000 % used";
  EXPECT_NEAR(budget_of(slo, month, counts, start + 360h).allowed, 0.02, 1e-9);
  EXPECT_NEAR(budget_of(slo, month, counts, start + 720h).allowed, 0.01, 1e-9);
  EXPECT_NEAR(budget_of(slo, month, counts, start + 1000h).allowed, 0.01, 1e-9) << "it is over";
  EXPECT_TRUE(std::isfinite(budget_of(slo, month, counts, start).allowed));
  EXPECT_GT(*budget_of(slo, month, counts, start).remaining, 0.9);
  EXPECT_NEAR(budget_of(slo, {start, start + 720h, true}, counts, {}).allowed, 0.01, 1e-9)
      << "a rolling window is there as a whole";
}

TEST(Slo, ABudgetTakesNoStepForAFailureThatSaysNothing) {
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod window{start, start + 672h, true};
  struct Case {
    const char* name;
    double target, bad, total, percent;
    bool held_back;
  };
  for (const auto& [name, target, bad, total, percent, held_back] : {
           Case{"one failed request", 0.999, 1, 10, 10'000, true},
           Case{"one of many", 0.999, 1, 1000, 100, true},
           Case{"too few to say anything", 0.9, 5, 9, 555.6, true},
           Case{"two where half of one is allowed: by chance in 9 of 100 cases", 0.999, 2, 500, 400,
                true},
           Case{"three there", 0.999, 3, 500, 600, false},
           Case{"two of ten of a high promise", 0.999, 2, 10, 20'000, false},
           Case{"a budget that can be counted is counted as it is", 0.999, 12, 10'000, 120, false},
           Case{"half of it", 0.999, 5, 10'000, 50, false},
       }) {
    const auto slo = promising(target);
    const EventCounts counts{total - bad, total};
    const auto use = budget_use(slo, budget_of(slo, window, counts, window.end), counts);
    ASSERT_TRUE(use) << name;
    EXPECT_NEAR(use->percent, percent, 0.1) << name;
    EXPECT_EQ(!use->held_back.empty(), held_back) << name << ": " << use->held_back;
  }
  EXPECT_EQ(budget_use(promising(0.9), {}, {}), std::nullopt);
}

TEST(Slo, ABudgetOfSlicesLooksAtTheRequestsInThem) {
  auto slo = promising(0.999);
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "1m";
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod day{start, start + 24h, true};
  const auto budget = budget_of(slo, day, {1438, 1440}, day.end);
  EXPECT_NE(budget_use(slo, budget, {1439, 1440})->held_back, "") << "one request in two slices";
  EXPECT_EQ(budget_use(slo, budget, {1438, 1440})->held_back, "");
}

TEST(Slo, ABudgetOfAStoredRatioNeedsSamplesOnly) {
  auto slo = promising(0.9);
  slo.indicator.spec.ratio_metric->raw.emplace();
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod day{start, start + 24h, true};
  const auto use = [&](const EventCounts& counts) {
    return *budget_use(slo, budget_of(slo, day, counts, day.end), counts);
  };
  EXPECT_EQ(use({8.8, 10}).held_back, "");
  EXPECT_EQ(use({7.9, 9}).held_back, "9 samples in the time window, fewer than 10");
}

TEST(Slo, CountsTheBudget) {
  EXPECT_DOUBLE_EQ(*burn_rate({990, 1000}, 0.99), 1);
  const auto remaining = [](const EventCounts& counts) {
    const auto end = from_unix_ms(0) + 672h;
    return budget_of(promising(0.99), {end - 672h, end, true}, counts, end).remaining;
  };
  EXPECT_NEAR(*remaining({995, 1000}), 0.5, 1e-9);
  EXPECT_NEAR(*remaining({980, 1000}), -1, 1e-9);
  EXPECT_DOUBLE_EQ(*remaining({1001, 1000}), 1) << "extrapolation is not credit";
  EXPECT_EQ(remaining({}), std::nullopt);
  EXPECT_EQ(burn_rate({0, 0}, 0.99), std::nullopt);
  EXPECT_NEAR(*burn_rate({std::nullopt, 50}, 0.99), 100, 1e-9) << "no good series: none was good";
  EXPECT_TRUE(std::isinf(*burn_rate({9, 10}, 1)));
}

TEST(Slo, EvaluatesOftenEnoughForItsShortestWindow) {
  catalog::Slo slo;
  EXPECT_EQ(slo_interval(slo), 30s);
  slo.alerting.windows = {{"page", 30s, 10s, 5}};
  EXPECT_EQ(slo_interval(slo), 5s);
  slo.alerting.windows = {{"page", 30s, 1s, 5}};
  EXPECT_EQ(slo_interval(slo), 1s);
}

TEST(Kpi, StandsByDirectionTargetAndWarningThreshold) {
  catalog::Kpi higher;
  higher.target = 95;
  higher.at_risk = 97;
  EXPECT_EQ(kpi_status(higher, 99), "on_target");
  EXPECT_EQ(kpi_status(higher, 97), "on_target");
  EXPECT_EQ(kpi_status(higher, 96), "at_risk");
  EXPECT_EQ(kpi_status(higher, 95), "at_risk");
  EXPECT_EQ(kpi_status(higher, 94.9), "missed");
  EXPECT_EQ(kpi_status(higher, std::nullopt), "no_data");
  EXPECT_EQ(kpi_status(higher, std::nan("")), "no_data");
  catalog::Kpi lower;
  lower.direction = "lower";
  lower.target = 0.5;
  EXPECT_EQ(kpi_status(lower, 0.4), "on_target");
  EXPECT_EQ(kpi_status(lower, 0.6), "missed");
}

TEST(Kpi, TakesAStatusOnlyAfterTwoEvaluationsInARow) {
  KpiTrack track;
  EXPECT_FALSE(track.observe("missed"));
  EXPECT_FALSE(track.observe("on_target"));
  EXPECT_FALSE(track.observe("missed"));
  EXPECT_TRUE(track.observe("missed"));
}

}  // namespace
}  // namespace wellrun::health
