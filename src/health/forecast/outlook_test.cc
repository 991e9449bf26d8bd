// Outlooks over a store in memory, with the real PromQL engine; and when they become alerts.

#include "health/forecast/outlook.h"

#include <cmath>
#include <gtest/gtest.h>

#include "health/baseline/test_series.h"
#include "health/forecast/forecast_service.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::forecast {
namespace {

using namespace std::chrono_literals;

const Timestamp kNow = from_unix_ms(1'767'225'600'000);

struct OutlookTest : testing::Test {
  /// A sample every ten minutes over the last three weeks.
  void record(Labels labels, const std::function<double(double)>& value_at_hour) {
    constexpr int kHours = 21 * 24;
    telemetry::SeriesWrite write{.labels = std::move(labels)};
    for (int i = 0; i <= kHours * 6; ++i)
      write.samples.push_back(
          {to_unix_ms(kNow - 10min * (kHours * 6 - i)), value_at_hour(i / 6.0)});
    reader.add(std::move(write));
  }
  std::vector<Outlook> all() { return outlooks(plan, engine, {}, kNow); }
  Outlook only(const std::string& kind) {
    Outlook found;
    int count = 0;
    for (const auto& each : all())
      if (each.subject.kind == kind) found = each, ++count;
    EXPECT_EQ(count, 1) << kind;
    return found;
  }
  void declare_kpi(double target, const char* direction = "higher") {
    catalog::Kpi kpi;
    kpi.metadata.name = "orders";
    kpi.workload.name = "shop";
    kpi.query = "orders_per_minute";
    kpi.target = target;
    kpi.direction = direction;
    plan.kpis.push_back(kpi);
  }
  void declare_slo(const char* window = "28d") {
    catalog::Slo slo;
    slo.metadata.name = "checkout";
    slo.service.name = "shop";
    slo.indicator.spec.ratio_metric.emplace();
    slo.indicator.spec.ratio_metric->good.emplace().metric_source.spec.query = "good_total";
    slo.indicator.spec.ratio_metric->total.emplace().metric_source.spec.query = "all_total";
    slo.objectives = {{}};
    slo.objectives.front().target = 0.99;
    slo.time_window.front().duration = window;
    plan.slos.push_back(slo);
  }

  Plan plan;
  telemetry::promql::testing::MemoryReader reader;
  telemetry::promql::Engine engine{reader};
  baseline::testing::Noise noise{11};
};

TEST_F(OutlookTest, AKpiThatSinksWillMissItsTarget) {
  declare_kpi(90);
  record({{"__name__", "orders_per_minute"}},
         [&](double hour) { return 150 - 0.1 * hour + noise.normal(); });
  const auto kpi = only("kpi");
  EXPECT_TRUE(kpi.warns) << kpi.text;
  EXPECT_NEAR(to_seconds(*kpi.crossing.expected - kNow) / 3600, 60 / 0.1 - 21 * 24, 15);
  EXPECT_NE(kpi.text.find("KPI orders will miss its target 90 by 20"), std::string::npos)
      << kpi.text;
  EXPECT_NE(kpi.text.find("tries on the past"), std::string::npos) << kpi.text;
}

/// 100 % of a target of 100 %, nothing failed where nothing may: the commonest KPI there is.
TEST_F(OutlookTest, AKpiThatStaysExactlyAtItsTargetMissesNothing) {
  record({{"__name__", "orders_per_minute"}}, [](double) { return 1.0; });
  for (const auto* direction : {"higher", "lower"}) {
    plan = {};
    declare_kpi(1, direction);
    const auto kpi = only("kpi");
    EXPECT_FALSE(kpi.warns) << direction << ": " << kpi.text;
    EXPECT_FALSE(kpi.is_beyond);
    EXPECT_FALSE(kpi.crossing.expected) << kpi.text;
  }
}

/// A deployment gave the one series another `version`.
TEST_F(OutlookTest, AKpiWhoseLabelsChangedGoesOnAndOneOfTwoSeriesAtATimeIsRefused) {
  declare_kpi(90);
  for (const bool before : {true, false}) {
    telemetry::SeriesWrite write{
        .labels = {{"__name__", "orders_per_minute"}, {"version", before ? "1" : "2"}}};
    for (int hour = before ? 0 : 400; hour <= (before ? 399 : 21 * 24); ++hour)
      write.samples.push_back(
          {to_unix_ms(kNow - 1h * (21 * 24 - hour)), 150 - 0.1 * hour + noise.normal()});
    reader.add(std::move(write));
  }
  const auto kpi = only("kpi");
  EXPECT_EQ(kpi.error, "");
  EXPECT_TRUE(kpi.warns) << kpi.text;
  EXPECT_GE(kpi.history.values.size(), 21U * 24) << "both parts";
  record({{"__name__", "orders_per_minute"}, {"version", "3"}}, [](double) { return 150.0; });
  EXPECT_NE(only("kpi").error.find("one is needed"), std::string::npos) << only("kpi").error;
}

TEST_F(OutlookTest, AFigureOfOperationsIsForetoldByTheSeriesThatItIsKeptIn) {
  declare_kpi(90);
  plan.kpis.front().query.clear();
  plan.kpis.front().operations = "time-to-acknowledge";
  record({{"__name__", "wellrun_kpi_value"}, {"kpi", "orders"}},
         [&](double hour) { return 150 - 0.1 * hour + noise.normal(); });
  const auto kpi = only("kpi");
  EXPECT_TRUE(kpi.warns) << kpi.text;
}

TEST_F(OutlookTest, AKpiOnTargetThatOnlySwingsIsNoNews) {
  declare_kpi(90);
  record({{"__name__", "orders_per_minute"}}, [&](double hour) {
    return 150 + 40 * std::sin(hour * std::numbers::pi / 12) + noise.normal();
  });
  const auto kpi = only("kpi");
  EXPECT_FALSE(kpi.warns);
  EXPECT_NE(kpi.text.find("is not expected to cross 90"), std::string::npos) << kpi.text;
}

TEST_F(OutlookTest, WhatIsMissedAlreadyIsNotForetold) {
  declare_kpi(90, "lower");
  record({{"__name__", "orders_per_minute"}}, [](double hour) { return 50.0 + hour; });
  const auto kpi = only("kpi");
  EXPECT_TRUE(kpi.is_beyond);
  EXPECT_FALSE(kpi.warns);
  EXPECT_EQ(kpi.text, "KPI orders is beyond 90 already");
}

TEST_F(OutlookTest, ABudgetThatBurnsWillBeSpent) {
  declare_slo("7d");
  double good = 0, total = 0;
  for (const bool is_good : {true, false}) {
    record({{"__name__", is_good ? "good_total" : "all_total"}}, [&](double hour) {
      if (hour == 0) good = total = 0;
      total += 600;
      good += 600 - 0.6 * (2 + 0.015 * hour);  // from 0.2 % to 0.96 %, with 1 % allowed
      return is_good ? good : total;
    });
  }
  const auto budget = only("budget");
  ASSERT_TRUE(budget.now);
  EXPECT_GT(*budget.now, 0.1);
  EXPECT_LT(*budget.now, 0.25);
  EXPECT_TRUE(budget.warns) << budget.text;
  EXPECT_NE(budget.text.find("the error budget of checkout will be used up by"), std::string::npos)
      << budget.text;
}

/// Of a service that was off for some days its window was empty meanwhile.
TEST_F(OutlookTest, ABudgetIsForetoldOverAGapWithoutEvents) {
  declare_slo("1d");
  for (const auto* name : {"good_total", "all_total"}) {
    telemetry::SeriesWrite write{.labels = {{"__name__", name}}};
    for (auto time = kNow - 21 * 24h; time <= kNow; time += 10min) {
      if (time > kNow - 7 * 24h - 89h && time < kNow - 7 * 24h) continue;
      const double count = to_seconds(time - kNow + 21 * 24h);
      write.samples.push_back({to_unix_ms(time), name[0] == 'g' ? 0.995 * count : count});
    }
    reader.add(std::move(write));
  }
  const auto budget = only("budget");
  ASSERT_TRUE(budget.now) << budget.text;
  EXPECT_NEAR(*budget.now, 0.5, 0.05);
  EXPECT_TRUE(budget.forecast) << budget.text;
  EXPECT_GE(budget.history.time_of(budget.history.values.size() - 1), kNow - 1h);
}

/// Ten of the period's 31 days are over, each with one and a half times what a day may have.
TEST_F(OutlookTest, ABudgetOfACalendarsPeriodIsSpentAsThePeriodGoesOn) {
  declare_slo("1M");
  plan.slos.front().time_window.front().is_rolling = false;
  plan.slos.front().time_window.front().calendar = {.start_time = "2025-12-22 00:00:00"};
  record({{"__name__", "good_total"}}, [](double hour) { return 3600 * hour * 0.985; });
  record({{"__name__", "all_total"}}, [](double hour) { return 3600 * hour; });
  const auto budget = only("budget");
  ASSERT_TRUE(budget.now);
  EXPECT_NEAR(*budget.now, 1 - 1.5 * 10 / 31, 0.02);
  EXPECT_FALSE(budget.is_beyond);
}

TEST_F(OutlookTest, ADiskThatFillsWarnsAndOneThatDoesNotIsQuiet) {
  const double gib = 1 << 30;
  record({{"__name__", "node_filesystem_avail_bytes"},
          {"fstype", "ext4"},
          {"instance", "db-1"},
          {"mountpoint", "/data"},
          {"workload", "shop"}},
         [&](double hour) { return (570 - hour + 0.5 * noise.normal()) * gib; });
  record({{"__name__", "node_filesystem_avail_bytes"},
          {"fstype", "ext4"},
          {"instance", "db-2"},
          {"mountpoint", "/"}},
         [&](double) { return (100 + noise.normal()) * gib; });
  record({{"__name__", "node_filesystem_avail_bytes"}, {"fstype", "tmpfs"}},
         [&](double hour) { return 1000.0 - hour; });
  const auto found = all();
  ASSERT_EQ(found.size(), 2U) << "a file system in memory is none";
  const auto& full = found[0].warns ? found[0] : found[1];
  const auto& quiet = found[0].warns ? found[1] : found[0];
  EXPECT_TRUE(full.warns);
  EXPECT_FALSE(quiet.warns);
  EXPECT_EQ(full.subject.workload, "shop");
  EXPECT_NE(full.text.find("disk /data of db-1 will be full by"), std::string::npos) << full.text;
  EXPECT_NEAR(to_seconds(*full.crossing.expected - kNow) / 3600, 570 - 21 * 24, 5);
}

/// The host was replaced: what its disk was on the way to happens to nobody.
TEST_F(OutlookTest, OfWhatIsNotMeasuredAnyMoreNothingIsForetold) {
  const auto gone = kNow - 5 * 24h;
  telemetry::SeriesWrite write;
  write.labels = {{"__name__", "node_filesystem_avail_bytes"},
                  {"fstype", "ext4"},
                  {"instance", "node-7"},
                  {"mountpoint", "/"}};
  for (auto time = kNow - 17 * 24h; time <= gone; time += 10min)
    write.samples.push_back(
        {to_unix_ms(time), 7e9 * to_seconds(kNow + 24h - time) / 86'400 + 1e8 * noise.normal()});
  reader.add(std::move(write));
  const auto disk = only("disk");
  EXPECT_FALSE(disk.warns) << disk.text;
  EXPECT_FALSE(disk.now);
  EXPECT_EQ(disk.text, "disk / of node-7: nothing was measured since " + format_rfc3339(gone));
}

TEST_F(OutlookTest, AnHourWithoutMeasurementsHidesNothing) {
  telemetry::SeriesWrite write;
  write.labels = {{"__name__", "node_filesystem_avail_bytes"}, {"fstype", "ext4"}};
  for (auto time = kNow - 17 * 24h; time <= kNow - 65min; time += 10min)
    write.samples.push_back(
        {to_unix_ms(time), 7e9 * to_seconds(kNow + 24h - time) / 86'400 + 1e8 * noise.normal()});
  reader.add(std::move(write));
  EXPECT_TRUE(only("disk").warns);
}

/// Probes fail now and then, and a server that was down for a while has no fresh sample.
TEST_F(OutlookTest, ACertificateIsKnownThoughItsLastProbeFailed) {
  telemetry::SeriesWrite write;
  write.labels = {{"__name__", "probe_ssl_earliest_cert_expiry"},
                  {"instance", "https://shop.example"}};
  write.samples = {{to_unix_ms(kNow - 50min), to_unix_seconds(kNow + 10 * 24h)},
                   {to_unix_ms(kNow - 20min), telemetry::stale_marker()}};
  reader.add(std::move(write));
  const auto certificate = only("certificate");
  EXPECT_TRUE(certificate.warns);
  EXPECT_EQ(certificate.subject.labels.metric_name(), "probe_ssl_earliest_cert_expiry");
}

TEST_F(OutlookTest, ACertificatesEndIsWrittenInIt) {
  const auto end = kNow + 10 * 24h;
  record({{"__name__", "probe_ssl_earliest_cert_expiry"}, {"instance", "https://shop.example"}},
         [&](double) { return to_unix_seconds(end); });
  record({{"__name__", "probe_ssl_earliest_cert_expiry"}, {"instance", "plain"}},
         [](double) { return -62135596800.0; });
  const auto certificate = only("certificate");
  EXPECT_TRUE(certificate.warns);
  EXPECT_EQ(*certificate.crossing.expected, end);
  EXPECT_EQ(certificate.text,
            "the certificate of https://shop.example expires at " + format_rfc3339(end));
}

TEST_F(OutlookTest, WhatCannotBeAskedIsSaid) {
  declare_kpi(90);
  plan.kpis.front().query = "orders_per_minute > bool";
  EXPECT_NE(only("kpi").error, "");
  EXPECT_FALSE(only("kpi").warns);
  plan.kpis.front().query = "absent_metric";
  EXPECT_EQ(only("kpi").text, "KPI orders: too little history to say");
}

TEST(WarningTrack, TwoInARowBeginAndEndAnAlert) {
  WarningTrack track;
  bool fires = false;
  const auto next = [&](bool warns) { return fires = track.decide("kpi/orders", fires, warns); };
  EXPECT_FALSE(next(true));
  EXPECT_FALSE(next(false));
  EXPECT_FALSE(next(true));
  EXPECT_TRUE(next(true));
  EXPECT_TRUE(next(false));
  EXPECT_TRUE(next(true));
  EXPECT_TRUE(next(false));
  EXPECT_FALSE(next(false));
}

TEST_F(OutlookTest, AWarningGoesOnWhileItCannotBeAskedAndEndsWhenItIsNotForetold) {
  record({{"__name__", "probe_ssl_earliest_cert_expiry"}, {"instance", "https://shop.example"}},
         [&](double) { return to_unix_seconds(kNow + 10 * 24h); });
  WarningTrack track;
  std::vector<facts::AlertFired> firing;
  const auto round = [&](const std::vector<Outlook>& outlooks) {
    track.keep_only(outlooks, firing);
    const auto wanted = warnings(outlooks, firing, track, kNow);
    firing.clear();
    for (const auto& [fingerprint, alert] : wanted) firing.push_back(alert);
    return firing.size();
  };
  const auto asked = all();
  telemetry::promql::QueryLimits cancelled;
  cancelled.cancelled = [] { return true; };
  const auto not_asked = outlooks(plan, engine, cancelled, kNow);
  ASSERT_TRUE(std::ranges::any_of(not_asked, [](const Outlook& each) {
    return each.subject.key == "certificate/all" && !each.error.empty();
  }));
  EXPECT_EQ(round(asked), 0U);
  EXPECT_EQ(round(not_asked), 0U);
  EXPECT_EQ(round(asked), 1U) << "the second in a row of those that were asked";
  EXPECT_EQ(round(not_asked), 1U);
  EXPECT_EQ(round(not_asked), 1U);
  EXPECT_EQ(round({}), 1U) << "an answer without it may be a probe that failed";
  EXPECT_EQ(round(asked), 1U);
  EXPECT_EQ(round({}), 1U);
  EXPECT_EQ(round({}), 0U) << "there is no such certificate any more";
}

TEST_F(OutlookTest, AWarningOfAKpiThatIsNotDeclaredAnyMoreEndsAtOnce) {
  declare_kpi(90);
  record({{"__name__", "orders_per_minute"}},
         [&](double hour) { return 150 - 0.1 * hour + noise.normal(); });
  WarningTrack track;
  EXPECT_TRUE(warnings({}, {alert_of(only("kpi"), kNow)}, track, kNow).empty());
}

TEST_F(OutlookTest, AnAlertSaysWhatAndHowFarToTrustIt) {
  declare_kpi(90);
  record({{"__name__", "orders_per_minute"}},
         [&](double hour) { return 150 - 0.1 * hour + noise.normal(); });
  const auto alert = alert_of(only("kpi"), kNow);
  EXPECT_EQ(alert.rule, "forecast/kpi/orders/WillMissTarget");
  EXPECT_EQ(alert.source, "forecast");
  EXPECT_EQ(alert.severity, "ticket");
  EXPECT_EQ(alert.workload, "shop");
  EXPECT_EQ(alert.kpi, "orders");
  EXPECT_EQ(alert.labels.at("alertname"), "WillMissTarget");
  EXPECT_NE(alert.annotations.at("backtest").find("had it stayed as it was"), std::string::npos);
  EXPECT_EQ(alert.fingerprint, alert_of(only("kpi"), kNow + 1h).fingerprint);
}

}  // namespace
}  // namespace wellrun::health::forecast
