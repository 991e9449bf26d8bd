#include "health/watch/watch.h"

#include <gtest/gtest.h>

#include "catalog/kinds/baseline.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/slo.h"
#include "catalog/kinds/workload.h"

namespace wellrun::health::watch {
namespace {

template <typename T>
void put(catalog::Catalog& catalog, T value) {
  catalog::Resource resource;
  resource.kind = T::kKind;
  resource.name = value.metadata.name;
  resource.value = std::make_shared<T>(std::move(value));
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

catalog::Baseline baseline_of(std::string query) {
  catalog::Baseline baseline;
  baseline.metadata.name = "latency";
  baseline.workload.name = "shop";
  baseline.query = std::move(query);
  return baseline;
}

TEST(Watch, EveryKpiEverySloAndEveryBaselineIsWatched) {
  catalog::Catalog catalog;
  catalog::Kpi kpi;
  kpi.metadata.name = "orders";
  kpi.workload.name = "shop";
  kpi.query = "sum(orders)";
  put(catalog, kpi);
  catalog::Slo slo;
  slo.metadata.name = "checkout";
  slo.service.name = "shop";
  slo.indicator.spec.ratio_metric.emplace();
  slo.indicator.spec.ratio_metric->good.emplace().metric_source.spec.query = "good_total";
  slo.indicator.spec.ratio_metric->total.emplace().metric_source.spec.query = "all_total";
  slo.objectives = {{}};
  put(catalog, slo);
  put(catalog, baseline_of("latency_seconds{job=\"a\"}"));
  const auto watches = watches_of(catalog);
  ASSERT_EQ(watches.size(), 3U);
  EXPECT_EQ(watches[0].key, "baseline/latency");
  EXPECT_EQ(watches[0].matchers.size(), 2U) << "the name and job";
  EXPECT_EQ(watches[1].key, "kpi/orders");
  EXPECT_TRUE(watches[1].matchers.empty());
  EXPECT_EQ(to_string(watches[1].labels),
            R"({baseline="kpi/orders", kpi="orders", workload="shop"})");
  EXPECT_EQ(watches[2].key, "sli/checkout");
  EXPECT_EQ(watches[2].interval, Duration{60'000});
}

TEST(Watch, OnlyAPlainSelectorIsReadAsItWasStored) {
  for (const auto& [query, plain] :
       std::vector<std::pair<std::string, bool>>{{"up", true},
                                                 {"{__name__=~\"a.*\"}", true},
                                                 {"up offset 5m", false},
                                                 {"up @ 1", false},
                                                 {"rate(up[5m])", false},
                                                 {"up > 1", false}}) {
    catalog::Catalog catalog;
    put(catalog, baseline_of(query));
    EXPECT_EQ(!watches_of(catalog).at(0).matchers.empty(), plain) << query;
  }
  catalog::Catalog catalog;
  put(catalog, baseline_of("up{"));
  EXPECT_TRUE(watches_of(catalog).empty()) << "what does not parse is refused earlier";
}

TEST(Watch, ASeriesIsToldByItsLabelsAndItsWatch) {
  catalog::Catalog catalog;
  put(catalog, baseline_of("up"));
  const auto watch = watches_of(catalog).at(0);
  const auto identity =
      identity_of(watch, {{"__name__", "up"}, {"job", "a"}, {"metric", "m"}, {"workload", "shop"}});
  EXPECT_EQ(
      to_string(identity),
      R"({baseline="baseline/latency", exported_metric="m", job="a", metric="up", workload="shop"})");
  EXPECT_EQ(id_of(identity).size(), 16U);
  EXPECT_EQ(identity_of(watch, {{"job", "a"}}).get("metric"), "baseline/latency");
  EXPECT_EQ(identity_of(watch, {{"workload", "other"}}).get("exported_workload"), "other");
}

TEST(Watch, ALabelThatIsInTheWayTakesNoNameThatTheSeriesHasAlready) {
  catalog::Catalog catalog;
  put(catalog, baseline_of("up"));
  const auto watch = watches_of(catalog).at(0);
  const auto identity = identity_of(
      watch, {{"exported_metric", "theirs"}, {"metric", "own"}, {"exported_workload", "a"}});
  EXPECT_EQ(identity.get("exported_metric"), "theirs");
  EXPECT_EQ(identity.get("exported_exported_metric"), "own");
  EXPECT_EQ(identity.get("exported_workload"), "a");
}

TEST(Watch, FollowsTheCalendarOfItsWorkload) {
  const auto christmas = *parse_rfc3339("2026-12-25T00:30:00Z");
  catalog::Catalog catalog;
  put(catalog, baseline_of("up"));
  EXPECT_EQ(watches_of(catalog).at(0).calendar->day_in_words(christmas), "");
  catalog::Calendar calendar;
  calendar.metadata.name = "new-york";
  calendar.time_zone = "America/New_York";
  calendar.holidays = {{"Christmas Eve", "12-24"}};
  put(catalog, calendar);
  catalog::Workload workload;
  workload.metadata.name = "shop";
  workload.calendar.name = "new-york";
  put(catalog, workload);
  EXPECT_EQ(watches_of(catalog).at(0).calendar->day_in_words(christmas), "Christmas Eve")
      << "it is still the 24th there";
}

/// Such a catalog may have been stored before it was refused.
TEST(Watch, AnAbsurdIntervalIsShortenedToWhatCanBeReckonedWith) {
  catalog::Catalog catalog;
  catalog::Kpi kpi;
  kpi.metadata.name = "orders";
  kpi.workload.name = "shop";
  kpi.query = "sum(orders)";
  auto baseline = baseline_of("up");
  kpi.interval = baseline.interval = std::chrono::years(3000);
  put(catalog, kpi);
  put(catalog, baseline);
  const auto watches = watches_of(catalog);
  ASSERT_EQ(watches.size(), 2U);
  for (const auto& watch : watches) EXPECT_EQ(watch.interval, std::chrono::days(365)) << watch.key;
}

TEST(Watch, ItsDefinitionIsWhatItsPointsAreMadeBy) {
  catalog::Catalog catalog;
  put(catalog, baseline_of("up"));
  auto watch = watches_of(catalog).at(0);
  const auto before = watch.definition();
  watch.most_series = 7;
  EXPECT_EQ(watch.definition(), before);
  watch.interval = Duration{1000};
  EXPECT_NE(watch.definition(), before);
}

}  // namespace
}  // namespace wellrun::health::watch
