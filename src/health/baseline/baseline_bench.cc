// Samples a second on one core: the engine alone, over many series as a server meets them (cold
// caches), and from CSV to CSV.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sstream>

#include "health/baseline/detect_csv.h"
#include "health/baseline/state.h"
#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

std::vector<double> values(int rows) {
  testing::Noise noise(1);
  std::vector<double> all;
  for (int row = 0; row < rows; ++row)
    all.push_back(100 + 40 * std::sin(row / 46.0) + noise.normal());
  return all;
}

void one_series(benchmark::State& state) {
  const auto all = values(20'000);
  for (auto _ : state) {
    Baseline baseline;
    for (int row = 0; row < 20'000; ++row)
      benchmark::DoNotOptimize(
          baseline.observe(testing::time_of(row), all[static_cast<std::size_t>(row)]));
  }
  state.SetItemsProcessed(state.iterations() * 20'000);
}
BENCHMARK(one_series)->Unit(benchmark::kMillisecond);

void a_sample_each_of_10000_series(benchmark::State& state) {
  const auto all = values(200);
  std::vector<Baseline> series(10'000);
  int row = 0;
  const auto observe_all = [&] {
    for (auto& baseline : series)
      benchmark::DoNotOptimize(
          baseline.observe(testing::time_of(row), all[static_cast<std::size_t>(row % 200)]));
    ++row;
  };
  while (row < 100) observe_all();
  for (auto _ : state) observe_all();
  state.SetItemsProcessed(state.iterations() * 10'000);
  state.counters["bytes_a_series"] = sizeof(Baseline);
  state.counters["stored_bytes"] = static_cast<double>(save(series[0]).size());
}
BENCHMARK(a_sample_each_of_10000_series)->Unit(benchmark::kMillisecond);

void from_csv_to_csv(benchmark::State& state) {
  std::string csv = "timestamp,value\n";
  int row = 0;
  for (const double value : values(20'000))
    csv += fmt::format("2026-11-{:02} {:02}:{:02}:00,{}\n", 1 + row / 1440 % 28, row / 60 % 24,
                       row % 60, value),
        ++row;
  for (auto _ : state) {
    std::istringstream in(csv);
    std::ostringstream out;
    if (!detect(in, out)) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * 20'000);
}
BENCHMARK(from_csv_to_csv)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wellrun::health::baseline
