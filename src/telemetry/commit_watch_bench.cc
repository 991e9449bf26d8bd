// What the watch in front of the store adds to a write: per series of a batch, all names watched,
// and taken as often as a busy server does.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "telemetry/commit_watch.h"

namespace wellrun::telemetry {
namespace {

struct Nothing final : MetricWriter {
  Result<WriteOutcome> write(std::vector<SeriesWrite>) override { return WriteOutcome{}; }
  Result<WriteOutcome> write_batch(const SampleBatch&) override { return WriteOutcome{}; }
  void put_metadata(std::vector<Metadata>) override {}
};

std::string label(std::string_view name, std::string_view value) {
  std::string pair = "\x0A";
  pair += static_cast<char>(name.size());
  pair += name;
  pair += '\x12';
  pair += static_cast<char>(value.size());
  pair += value;
  return "\x0A" + std::string(1, static_cast<char>(pair.size())) + pair;
}

/// 10,000 series; argument: how many in a row have one name (a scrape of one target: about 2).
void watched_batch(benchmark::State& state) {
  constexpr std::size_t kSeries = 10'000;
  std::vector<std::string> labels;
  CommitWatch::Interest interest;
  for (std::size_t i = 0; i < kSeries; ++i) {
    const auto name = fmt::format("node_metric_with_a_name_{}_total",
                                  i / static_cast<std::size_t>(state.range(0)));
    labels.push_back(label("__name__", name) + label("instance", "web-1.example.com:9100") +
                     label("job", "node"));
    if (interest.names.empty() || interest.names.back() != name) interest.names.push_back(name);
  }
  SampleBatch batch;
  for (const auto& each : labels) batch.series.push_back({each, 1, 0});
  batch.samples.resize(kSeries);
  Nothing nothing;
  CommitWatch watch(nothing);
  watch.watch(std::move(interest), [] {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(watch.write_batch(batch));
    if (state.iterations() % 16 == 0) benchmark::DoNotOptimize(watch.take());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSeries));
}
BENCHMARK(watched_batch)->Arg(1)->Arg(2)->Arg(50);

}  // namespace
}  // namespace wellrun::telemetry
