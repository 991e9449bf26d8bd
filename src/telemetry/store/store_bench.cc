// Ingest and select of the embedded store, without HTTP: fleet-like series, one sample each a
// request of 2,000.

#include <benchmark/benchmark.h>
#include <filesystem>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kRequestSeries = 2000;

struct Fleet {
  explicit Fleet(std::size_t series) {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-bench-XXXXXX").string();
    dir = ::mkdtemp(name.data());
    EmbeddedStoreOptions options;
    options.dir = dir;
    options.retention = options.out_of_order_window = std::chrono::years(100);
    store = std::move(*EmbeddedStore::open(options, runtime.runtime()));
    for (std::size_t i = 0; i < series; ++i)
      labels.push_back(
          store::label_bytes(Labels{{"__name__", "metric_" + std::to_string(i % 300) + "_total"},
                                    {"instance", "10.0.0." + std::to_string(i / 1000) + ":9100"},
                                    {"job", "node-exporter"},
                                    {"node", "node-" + std::to_string(i / 1000)},
                                    {"region", "eu-west-" + std::to_string(i / 1000 % 4)},
                                    {"device", std::to_string(i % 1000 / 300)}}));
  }
  ~Fleet() {
    store.reset();
    std::filesystem::remove_all(dir);
  }
  void scrape() {
    const auto time =
        to_unix_ms(runtime.now()) - 100'000'000 + 15'000 * static_cast<std::int64_t>(scrapes++);
    for (std::size_t first = 0; first < labels.size(); first += kRequestSeries) {
      SampleBatch batch;
      for (std::size_t i = first; i < std::min(labels.size(), first + kRequestSeries); ++i) {
        batch.series.push_back({labels[i], 1, 0});
        batch.samples.push_back({time, static_cast<double>(scrapes * (i % 37))});
      }
      if (!store->write_batch(batch)) std::abort();
    }
  }

  VirtualRuntime runtime;
  std::filesystem::path dir;
  std::unique_ptr<EmbeddedStore> store;
  std::vector<std::string> labels;
  std::size_t scrapes = 0;
};

void new_series(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto fleet = std::make_unique<Fleet>(100'000);
    state.ResumeTiming();
    fleet->scrape();
    state.PauseTiming();
    fleet.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 100'000);
}
BENCHMARK(new_series)->Unit(benchmark::kMillisecond)->Iterations(3);

void known_series(benchmark::State& state) {
  Fleet fleet(100'000);
  fleet.scrape();
  for (auto _ : state) fleet.scrape();
  state.SetItemsProcessed(state.iterations() * 100'000);
}
BENCHMARK(known_series)->Unit(benchmark::kMillisecond)->Iterations(30);

/// 24 h of 2,000 series: from the head, and from chunks.
void select_day(benchmark::State& state) {
  Fleet fleet(2000);
  for (int i = 0; i < 5760; ++i) fleet.scrape();
  if (state.range(0) == 1 && !fleet.store->checkpoint()) std::abort();
  for (auto _ : state) {
    const auto found = fleet.store->select({}, {INT64_MIN / 2, INT64_MAX / 2}, {});
    if (!found || found->size() != 2000) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * 2000 * 5760);
}
BENCHMARK(select_day)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(3);

void select_labels_of_100000_series(benchmark::State& state) {
  Fleet fleet(100'000);
  fleet.scrape();
  for (auto _ : state) {
    const auto found = fleet.store->select({{Matcher::Kind::kNotEqual, "job", ""}},
                                           {INT64_MIN / 2, INT64_MAX / 2}, {});
    if (!found || found->size() != 100'000) std::abort();
  }
}
BENCHMARK(select_labels_of_100000_series)->Unit(benchmark::kMillisecond)->Iterations(5);

}  // namespace
}  // namespace wellrun::telemetry
