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
  return judge(promising(target), kFast, {in_long, in_short, {in_long}});
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

TEST(Slo, ATargetThatIsMetExactlyIsNotMissed) {
  const auto start = from_unix_ms(1'767'225'600'000);
  const catalog::SloPeriod month{start, start + 720h};
  for (const double target : {0.9, 0.95, 0.99, 0.999}) {
    const EventCounts counts{target * 1000, 1000};
    EXPECT_EQ(budget_of(promising(target), month, counts, month.end).remaining, 0) << target;
  }
  const auto remaining = budget_of(promising(0.9), month, {899.99, 1000}, month.end).remaining;
  ASSERT_TRUE(remaining);
  EXPECT_LT(*remaining, 0);
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
  EXPECT_EQ(burn(0.999, {900, 1000}, {}).held_back, "nothing was counted in the last 5m");
  EXPECT_EQ(burn(0.999, {1000, 1000}, {}).held_back, "");
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
    const auto found = judge(stored, kFast, {counts, {share * 5, 5}, {counts}});
    EXPECT_EQ(found.firing, fires) << name << ": " << found.held_back;
  }
  const EventCounts few{0, 9};
  EXPECT_EQ(judge(stored, kFast, {few, few, {few}}).held_back, "9 samples in 1h, fewer than 10");
  const EventCounts hour{54, 60};
  const auto rule = slo_alert_rule(stored, judge(stored, kFast, {hour, hour, {hour}}));
  EXPECT_EQ(rule.annotations.at("minimum_events"),
            "Fewer than 10 samples in 1h never alert; there were 60.");
}

TEST(Slo, TheGuardOfSlicesLooksAtTheRequestsInThem) {
  auto slo = promising(0.999);
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "1m";
  const EventCounts slices{20, 29};
  EXPECT_FALSE(judge(slo, kFast, {slices, {1, 2}, {{28, 29}}}).firing);
  EXPECT_TRUE(judge(slo, kFast, {slices, {1, 2}, {{2000, 2900}}}).firing);
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

// ---- composites ----

/// Objectives of 99.9 %, each with its counts in the long window; the short one as bad.
BurnRate composite_burn(const std::vector<EventCounts>& parts, std::vector<double> weights = {}) {
  auto slo = promising(0.999);
  slo.objectives.assign(parts.size(), slo.objectives.front());
  double burning = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& objective = slo.objectives[i];
    objective.display_name = fmt::format("part-{}", i + 1);
    objective.indicator = slo.indicator;
    if (i < weights.size()) objective.composite_weight = weights[i];
    burning += objective.composite_weight * burn_rate(parts[i], 0.999).value_or(0);
  }
  const EventCounts all{1'000'000 * (1 - std::min(1.0, burning * 0.001)), 1'000'000};
  return judge(slo, kFast, {all, all, parts, parts});
}

TEST(CompositeSlo, PagesForWhatIsCertainAndForNothingElse) {
  struct Case {
    const char* name;
    std::vector<EventCounts> parts;
    bool fires;
  };
  for (const auto& [name, parts, fires] : {
           Case{"nothing is bad", {{1000, 1000}, {1000, 1000}}, false},
           Case{"one fails altogether", {{0, 1000}, {1000, 1000}}, true},
           Case{"one failure at little traffic", {{28, 29}, {100'000, 100'000}}, false},
           Case{"one failure each at little traffic", {{28, 29}, {28, 29}, {28, 29}}, false},
           Case{"two by chance", {{27, 29}, {100'000, 100'000}}, false},
           Case{"an outage at little traffic", {{0, 29}, {100'000, 100'000}}, true},
           Case{"a stray failure does not hide what is certain",
                {{28, 29}, {98'000, 100'000}},
                true},
           Case{
               "both burn, each below the threshold", {{99'100, 100'000}, {99'100, 100'000}}, true},
           Case{"one of them alone would not", {{99'100, 100'000}, {100'000, 100'000}}, false},
           Case{"too few events of one, the other is fine", {{0, 9}, {100'000, 100'000}}, false},
       }) {
    const auto found = composite_burn(parts);
    EXPECT_EQ(found.firing, fires) << name << ": " << found.held_back;
  }
}

TEST(CompositeSlo, AWeightTurnsWhatAnObjectiveDoes) {
  const std::vector<EventCounts> parts = {{98'000, 100'000}, {100'000, 100'000}};
  EXPECT_TRUE(composite_burn(parts).firing) << "20 times too fast";
  EXPECT_FALSE(composite_burn(parts, {0.5, 1}).firing);
  EXPECT_TRUE(composite_burn({{99'900, 100'000}, {1000, 1000}}, {20, 1}).firing);
}

TEST(CompositeSlo, AnAlertSaysWhichObjectiveBurns) {
  auto slo = promising(0.999);
  slo.metadata.name = "journey";
  slo.objectives.assign(2, slo.objectives.front());
  slo.objectives[0].display_name = "search";
  slo.objectives[1].display_name = "payments";
  for (auto& objective : slo.objectives) objective.indicator = slo.indicator;
  const std::vector<EventCounts> parts = {{99'900, 100'000}, {9'800, 10'000}};
  const EventCounts all{97'900, 100'000};
  const auto found = judge(slo, kFast, {all, all, parts, parts});
  ASSERT_TRUE(found.firing);
  ASSERT_EQ(found.part_rates.size(), 2U);
  EXPECT_NEAR(found.part_rates[0], 1, 1e-6);
  EXPECT_NEAR(found.part_rates[1], 20, 1e-6);
  const auto rule = slo_alert_rule(slo, found);
  EXPECT_TRUE(rule.annotations.at("description").ends_with(" Mostly by payments (20.0)."))
      << rule.annotations.at("description");
  const auto few = composite_burn({{0, 9}, {100'000, 100'000}});
  EXPECT_EQ(few.held_back, "part-1: 9 events in 1h, fewer than 10");
}

/// Of 2,000 hours in which three quiet objectives burn exactly at the threshold, at most one in 20
/// pages, whatever of it is theirs.
TEST(CompositeSlo, ABurnAtTheThresholdSeldomPages) {
  std::uint64_t state = 20'261'126;
  const auto uniform = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 11) * 0x1p-53;
  };
  for (const auto& shares : std::vector<std::vector<double>>{
           {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.34, 0.33, 0.33}, {0.1, 0.1, 0.8}}) {
    const std::vector<int> totals = {40, 300, 2000};
    int pages = 0;
    for (int hour = 0; hour < 2000; ++hour) {
      std::vector<EventCounts> parts;
      for (std::size_t i = 0; i < totals.size(); ++i) {
        int bad = 0;
        for (int event = 0; event < totals[i]; ++event)
          bad += uniform() < shares[i] * 14.4 * 0.001 ? 1 : 0;
        parts.push_back({totals[i] - bad, totals[i]});
      }
      pages += composite_burn(parts).firing ? 1 : 0;
    }
    EXPECT_LE(pages, 2000 / 20) << shares[0] << " " << shares[1] << " " << shares[2];
  }
}

TEST(CompositeSlo, ABudgetLeavesOutObjectivesThatSayNothing) {
  auto slo = promising(0.9);
  slo.objectives.assign(2, slo.objectives.front());
  slo.objectives[0].display_name = "search";
  slo.objectives[1].display_name = "payments";
  for (auto& objective : slo.objectives) objective.indicator = slo.indicator;
  const auto start = from_unix_ms(0);
  const catalog::SloPeriod window{start, start + 672h, true};
  const auto use = [&](const std::vector<EventCounts>& events, double used) {
    const EventCounts counts{1000 - 100 * used, 1000};
    return *budget_use(slo, window, counts, events, window.end);
  };
  EXPECT_NEAR(use({{950, 1000}, {80, 100}}, 2.5).percent, 250, 1e-6);
  EXPECT_EQ(use({{950, 1000}, {80, 100}}, 2.5).held_back, "");
  EXPECT_NEAR(use({{950, 1000}, {0, 5}}, 10.5).percent, 50, 1e-6) << "five payments say nothing";
  EXPECT_EQ(use({{5, 6}, {0, 5}}, 10).held_back,
            "search: 6 events in the time window, fewer than 10");
  slo.budgeting_method = "Timeslices";
  EXPECT_EQ(use({{5, 6}, {0, 3}}, 10).held_back, "9 events in the time window, fewer than 10");
  EXPECT_EQ(use({{5, 6}, {0, 5}}, 10).held_back, "");
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

TEST(Kpi, ItsValueIsNotShownBesideNoData) {
  catalog::Kpi kpi;
  kpi.target = 100;
  EXPECT_EQ(shown_status(kpi, "no_data", 120), "on_target") << "none is taken yet";
  EXPECT_EQ(shown_status(kpi, "no_data", std::nullopt), "no_data");
  EXPECT_EQ(shown_status(kpi, "on_target", 90), "on_target") << "taken after two in a row";
  EXPECT_EQ(shown_status(kpi, "on_target", std::nullopt), "on_target");
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
