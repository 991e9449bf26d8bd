#include "health/forecast/forecast_service.h"

#include <gtest/gtest.h>

#include "facts/catalog.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::forecast {
namespace {

using namespace std::chrono_literals;

/// Something may happen while it is read for the first time.
struct Reader final : telemetry::promql::testing::MemoryReader {
  mutable std::function<void()> meanwhile;

  Result<std::vector<telemetry::SeriesData>> select(
      const std::vector<telemetry::Matcher>& matchers, telemetry::TimeRange range,
      const telemetry::ReadLimits& limits) const override {
    if (const auto then = std::exchange(meanwhile, {})) then();
    return MemoryReader::select(matchers, range, limits);
  }
};

struct Writer final : telemetry::MetricWriter {
  Result<telemetry::WriteOutcome> write(std::vector<telemetry::SeriesWrite>) override {
    return telemetry::WriteOutcome{};
  }
  void put_metadata(std::vector<telemetry::Metadata>) override {}
};

struct ForecastServiceTest : testing::Test {
  VirtualRuntime time;
  journal::MemoryStore store{time.runtime().strand};
  catalog::Catalog catalog;
  HealthDomain domain;
  journal::Ledger ledger{time.runtime(), store, {&domain}};
  Reader reader;
  Writer writer;
  telemetry::promql::Engine engine{reader};
  ForecastService service{time.runtime(), catalog, ledger, domain, engine, writer};

  void SetUp() override {
    ASSERT_TRUE(ledger.start());
    service.start();
  }

  void apply() {
    ledger.command(
        {},
        [](Timestamp) {
          journal::NewFact fact;
          fact.stream = "catalog";
          fact.type = facts::CatalogApplied::kType;
          fact.body = facts::to_json(facts::CatalogApplied{});
          journal::Decision decision;
          decision.facts.push_back(std::move(fact));
          return Result<journal::Decision>(std::move(decision));
        },
        [](const Result<std::vector<journal::Fact>>&) {});
  }
};

TEST_F(ForecastServiceTest, OutlooksAreMadeSoonAfterTheStartAndAfterAnApply) {
  time.run_for(1min);
  const auto first = service.made_at();
  EXPECT_NE(first, Timestamp{});
  apply();
  time.run_for(1min);
  EXPECT_GT(service.made_at(), first);
  const auto second = service.made_at();
  time.run_for(10min);
  EXPECT_EQ(service.made_at(), second);
}

/// The round rests on the catalog of before, and takes longer than "soon" is.
TEST_F(ForecastServiceTest, AnApplyDuringARoundIsFollowedByARoundOfItsOwn) {
  reader.meanwhile = [&] {
    apply();
    time.run_for(1min);
  };
  time.run_for(90s);
  ASSERT_FALSE(reader.meanwhile) << "a round began";
  const auto first = service.made_at();
  ASSERT_NE(first, Timestamp{});
  time.run_for(1min);
  EXPECT_GT(service.made_at(), first);
}

}  // namespace
}  // namespace wellrun::health::forecast
