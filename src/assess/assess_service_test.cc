// Assessments over a real store and engine, on a clock that stands.

#include "assess/assess_service.h"

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "catalog/kinds.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/querier.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::assess {
namespace {

class AssessServiceTest : public testing::Test {
 protected:
  AssessServiceTest() {
    std::filesystem::remove_all(folder_);
    telemetry::EmbeddedStoreOptions options;
    options.dir = folder_.string();
    auto opened = telemetry::EmbeddedStore::open(options, runtime_);
    EXPECT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
    engine_ = std::make_unique<telemetry::promql::Engine>(*store_);
    querier_ = telemetry::promql::make_querier(runtime_, *engine_);
    EXPECT_TRUE(ledger_.start());
    service_ =
        std::make_unique<AssessService>(runtime_, ledger_, domain_, catalog_, *querier_, *store_);
  }
  ~AssessServiceTest() override {
    EXPECT_TRUE(store_->stop());
    std::filesystem::remove_all(folder_);
  }

  template <typename T>
  void put(T value) {
    catalog::Resource resource;
    resource.kind = T::kKind;
    resource.name = value.metadata.name;
    resource.value = std::make_shared<T>(std::move(value));
    catalog_.put(std::make_shared<catalog::Resource>(std::move(resource)));
  }
  void component(const char* name, std::vector<std::string> needs = {}) {
    catalog::Component made;
    made.metadata.name = name;
    made.signals = {"traces", "logs"};
    for (auto& each : needs) made.depends_on.emplace_back().name = std::move(each);
    put(std::move(made));
  }
  void kpi(const char* name, const char* query) {
    catalog::Kpi made;
    made.metadata.name = name;
    made.query = query;
    put(std::move(made));
  }
  /// A span of `service` that began `ago` and took a millisecond.
  telemetry::SpanRecord span(const std::string& trace, const std::string& id,
                             const std::string& parent, const char* service, Duration ago) {
    telemetry::SpanRecord made;
    made.trace_id = trace;
    made.span_id = id;
    made.parent_span_id = parent;
    made.service = service;
    made.start_ns = to_unix_ms(time_.now() - ago) * 1'000'000;
    made.end_ns = made.start_ns + 1'000'000;
    return made;
  }
  Readings read() {
    std::optional<Readings> readings;
    service_->read([&](const Readings& made) { readings = made; });
    time_.run_ready();
    EXPECT_TRUE(readings);
    return readings.value_or(Readings{});
  }
  Json ask(std::string method, std::string path) {
    http::Router router;
    for (auto& route : service_->routes()) router.add(std::move(route));
    const auto match = router.match(method, path);
    http::Request request{.method = std::move(method), .path = std::move(path)};
    request.principal = {"person:ana", http::Role::kOperator};
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    time_.run_for(Duration{1000});
    EXPECT_TRUE(answer);
    return answer ? parse_json(answer->body).value() : Json();
  }

  VirtualRuntime time_;
  Runtime runtime_ = time_.runtime();
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("wellrun_assess_{}", getpid());
  std::unique_ptr<telemetry::EmbeddedStore> store_;
  std::unique_ptr<telemetry::promql::Engine> engine_;
  std::unique_ptr<telemetry::Querier> querier_;
  catalog::Catalog catalog_;
  AssessDomain domain_;
  journal::MemoryStore journal_{runtime_.strand};
  journal::Ledger ledger_{runtime_, journal_, {&domain_}};
  std::unique_ptr<AssessService> service_;
};

TEST_F(AssessServiceTest, ABusyServiceHidesNoneThatIsAskedRarely) {
  component("shop", {"rare"});
  component("rare");
  component("silent");
  std::vector<telemetry::SpanRecord> spans{span("aa", "01", "", "shop", std::chrono::minutes(8)),
                                           span("aa", "02", "01", "rare", std::chrono::minutes(8))};
  std::vector<telemetry::LogRecord> logs(1);
  logs[0].time = time_.now() - std::chrono::minutes(8);
  logs[0].service = "rare";
  for (int i = 0; i < 3000; ++i) {
    spans.push_back(span(fmt::format("{:032x}", 1000 + i), fmt::format("{:016x}", i), "", "shop",
                         Duration{i * 50}));
    logs.emplace_back();
    logs.back().time = time_.now() - Duration{i * 50};
    logs.back().service = "shop";
  }
  ASSERT_TRUE(store_->put_spans(spans));
  ASSERT_TRUE(store_->put_logs(logs));
  const auto readings = read();
  EXPECT_TRUE(readings.signals_read);
  using Kinds = std::set<std::string>;
  EXPECT_EQ(readings.signals.at("rare"), (Kinds{"logs", "traces"}));
  EXPECT_EQ(readings.signals.at("shop"), (Kinds{"logs", "traces"}));
  EXPECT_FALSE(readings.signals.contains("silent"));
  EXPECT_TRUE(readings.edges.contains({"shop", "rare"}));
  EXPECT_EQ(readings.traces_across, 1U);
  EXPECT_GT(readings.traces, 1U);
}

TEST_F(AssessServiceTest, AQueryThatFailsSpoilsOnlyWhatNeedsIt) {
  kpi("many", "up * on (job) up");
  kpi("nan", "0 * vector(NaN)");
  kpi("fed", "vector(1)");
  std::vector<telemetry::SeriesWrite> series(2);
  for (int i = 0; i < 2; ++i) {
    auto& one = series[static_cast<std::size_t>(i)];
    one.labels = {{"__name__", "up"}, {"instance", i == 0 ? "a" : "b"}, {"job", "shop"}};
    one.samples = {{to_unix_ms(time_.now()), 1.0}};
  }
  ASSERT_TRUE(store_->write(series));
  const auto readings = read();
  EXPECT_EQ(readings.kpis_with_data, std::set<std::string>{"fed"});
  EXPECT_TRUE(readings.signals_read && readings.up_read && readings.baselines_read &&
              readings.forecasts_read);
  EXPECT_EQ(readings.up.at("shop"), 1);
}

TEST_F(AssessServiceTest, RecordedAssessmentsAreListedNewestFirst) {
  EXPECT_EQ(ask("POST", "/api/v1/assessment")["edition"], std::string(kEdition));
  ask("POST", "/api/v1/assessment");
  const auto items = ask("GET", "/api/v1/assessment/history")["items"];
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["id"], "asm-0002");
  EXPECT_GT(items[0]["at"], items[1]["at"]);
}

}  // namespace
}  // namespace wellrun::assess
