// The queries of a dashboard, from text to JSON, over two fleets of hosts and pods: a day of few
// series, and ten minutes of 100,000. In process, so it shows what evaluation costs and nothing of
// HTTP.

#include <benchmark/benchmark.h>
#include <filesystem>
#include <fmt/format.h>
#include <random>

#include "platform/runtime/system_runtime.h"
#include "telemetry/promql/engine.h"
#include "telemetry/query_json.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr std::int64_t kStepMs = 15'000;
constexpr std::int64_t kEndMs = 1'795'697'640'000;
const char* const kServices[] = {"checkout", "catalog",  "search",   "payments",
                                 "accounts", "frontend", "shipping", "reviews"};
const char* const kRegions[] = {"eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"};
const char* const kBounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                               "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};

struct Shape {
  int hosts, scrapes, cpus, pods, handlers, node_series, pod_series;
};
constexpr Shape kDay{20, 5760, 2, 1, 2, 44, 56};
constexpr Shape kFleet{100, 40, 8, 4, 3, 300, 175};

enum class Kind { kConstant, kGauge, kCounter, kSeconds };

struct Source {
  std::string labels;
  Kind kind;
  double value;
};

class World {
 public:
  explicit World(const Shape& shape) : system_({}) {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-bench-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    EmbeddedStoreOptions options;
    options.dir = dir_;
    options.retention = options.out_of_order_window = std::chrono::years(100);
    store_ = std::move(*EmbeddedStore::open(options, system_.runtime()));
    for (int host = 0; host < shape.hosts; ++host) add_host(shape, host);
    for (int scrape = 0; scrape < shape.scrapes; ++scrape)
      write(kEndMs - (shape.scrapes - scrape) * kStepMs);
    promql::EngineOptions engine_options;
    engine_options.helpers = &system_.runtime().workers;
    engine_ = std::make_unique<promql::Engine>(*store_, engine_options);
  }
  ~World() {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  const promql::Engine& engine() const { return *engine_; }

 private:
  void add(Labels base, std::string_view name, Kind kind, double value,
           std::vector<Label> more = {}) {
    base.set(kMetricNameLabel, name);
    for (const auto& label : more) base.set(label.name, label.value);
    sources_.push_back({store::label_bytes(base), kind, value});
  }

  void add_host(const Shape& shape, int host) {
    const auto node = fmt::format("node-{:04}", host);
    const std::string region = kRegions[host % 4];
    const Labels base{{"job", "node-exporter"},
                      {"instance", fmt::format("10.0.0.{}:9100", host)},
                      {"node", node},
                      {"region", region}};
    const auto first = sources_.size();
    add(base, "node_load1", Kind::kGauge, 1.5);
    for (const char* name : {"MemFree", "MemAvailable", "Cached", "Buffers", "Slab"})
      add(base, fmt::format("node_memory_{}_bytes", name), Kind::kGauge, 4e9);
    for (const char* mount : {"/", "/var"})
      add(base, "node_filesystem_avail_bytes", Kind::kGauge, 1e11, {{"mountpoint", mount}});
    for (int cpu = 0; cpu < shape.cpus; ++cpu)
      for (const char* mode :
           {"idle", "user", "system", "iowait", "irq", "softirq", "nice", "steal"})
        add(base, "node_cpu_seconds_total", Kind::kSeconds, 0,
            {{"cpu", std::to_string(cpu)}, {"mode", mode}});
    for (int i = 0; sources_.size() < first + static_cast<std::size_t>(shape.node_series); ++i)
      add(base, fmt::format("node_netstat_Stat{:03}", i),
          i % 5 < 2 ? Kind::kConstant : Kind::kCounter, 0);
    for (int pod = 0; pod < shape.pods; ++pod) add_pod(shape, host, pod, node, region);
  }

  void add_pod(const Shape& shape, int host, int pod, const std::string& node,
               const std::string& region) {
    const std::string service = kServices[(host * shape.pods + pod) % 8];
    const Labels base{{"job", "kubernetes-pods"},
                      {"namespace", "prod"},
                      {"service", service},
                      {"pod", fmt::format("{}-{:08x}", service, host * 2654435761 + pod)},
                      {"node", node},
                      {"region", region},
                      {"version", "v1.0.0"},
                      {"instance", fmt::format("10.128.{}.{}:8080", host, pod + 10)}};
    const auto first = sources_.size();
    add(base, "up", Kind::kConstant, 1);
    add(base, "kube_pod_info", Kind::kConstant, 1, {{"owner", "team-" + service.substr(0, 3)}});
    add(base, "container_cpu_usage_seconds_total", Kind::kSeconds, 0, {{"container", "app"}});
    for (int h = 0; h < shape.handlers; ++h) {
      const auto handler = fmt::format("/api/v1/{}", h);
      for (const char* method : {"GET", "POST"})
        for (const char* code : {"200", "404", "500"})
          add(base, "http_requests_total", Kind::kCounter, 0,
              {{"handler", handler}, {"method", method}, {"code", code}});
      for (const char* bound : kBounds)
        add(base, "http_request_duration_seconds_bucket", Kind::kCounter, 0,
            {{"handler", handler}, {"le", bound}});
    }
    for (int i = 0; sources_.size() < first + static_cast<std::size_t>(shape.pod_series); ++i)
      add(base, fmt::format("go_memstats_stat{:03}_bytes", i),
          i % 2 ? Kind::kGauge : Kind::kConstant, 1e6);
  }

  void write(std::int64_t time) {
    SampleBatch batch;
    for (auto& source : sources_) {
      const double change = static_cast<double>(random_() % 1000);
      if (source.kind == Kind::kCounter) source.value += std::floor(change / 50);
      if (source.kind == Kind::kSeconds) source.value += std::floor(change) / 100;
      if (source.kind == Kind::kGauge)
        source.value = std::max(0.0, source.value + std::floor(change - 500) / 100);
      batch.series.push_back({source.labels, 1, 0});
      batch.samples.push_back({time, source.value});
      if (batch.series.size() < 2000) continue;
      if (!store_->write_batch(batch)) std::abort();
      batch = {};
    }
    if (!batch.series.empty() && !store_->write_batch(batch)) std::abort();
  }

  SystemRuntime system_;
  std::filesystem::path dir_;
  std::unique_ptr<EmbeddedStore> store_;
  std::unique_ptr<promql::Engine> engine_;
  std::vector<Source> sources_;
  std::mt19937_64 random_{1};
};

struct Query {
  const char* name;
  int hours_10;  ///< range in tenths of an hour; 0: instant
  int step_s;
  const char* text;
};

constexpr Query kDayQueries[] = {
    {"gauge_now", 0, 0, "node_load1"},
    {"rate_sum", 0, 0, "sum(rate(http_requests_total[5m]))"},
    {"rate_by_service", 60, 60, "sum by (service) (rate(http_requests_total[5m]))"},
    {"error_ratio_24h", 240, 60,
     "sum by (service) (rate(http_requests_total{code=~\"5..\"}[5m])) / sum by (service) "
     "(rate(http_requests_total[5m]))"},
    {"p99_by_service_6h", 60, 60,
     "histogram_quantile(0.99, sum by (le, service) "
     "(rate(http_request_duration_seconds_bucket[5m])))"},
    {"topk_cpu", 0, 0,
     "topk(5, sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])))"},
    {"avg_over_time_24h", 240, 60, "avg_over_time(node_load1[30m])"},
    {"group_left_join", 10, 60,
     "sum by (owner) (rate(container_cpu_usage_seconds_total[5m]) * on (pod, node) group_left "
     "(owner) "
     "kube_pod_info)"},
    {"regex_count", 0, 0,
     "count by (__name__) ({__name__=~\"node_(memory|filesystem)_.*\", region=~\"eu-.*\"})"},
    {"all_series_24h", 240, 60, "sum by (job) ({job=~\".+\"})"},
    {"predict_linear", 0, 0, "predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600)"},
    {"label_replace", 240, 60,
     "sum by (host) (label_replace(node_memory_MemAvailable_bytes, \"host\", \"$1\", \"instance\", "
     "\"(.*):.*\"))"},
    {"absent", 240, 60, "absent(up{job=\"no-such-job\"})"},
    {"subquery", 0, 0, "max_over_time(sum by (service) (rate(http_requests_total[5m]))[6h:1m])"},
    {"increase_24h", 0, 0, "sum by (code) (increase(http_requests_total[24h]))"},
};

constexpr Query kFleetQueries[] = {
    {"fleet_count", 0, 0, "count by (job) ({job!=\"\"})"},
    {"fleet_rate_by_service", 0, 0, "sum by (service) (rate(http_requests_total[5m]))"},
    {"fleet_p99", 0, 0,
     "histogram_quantile(0.99, sum by (le, service) "
     "(rate(http_request_duration_seconds_bucket[5m])))"},
    {"fleet_topk_cpu", 0, 0,
     "topk(10, sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])))"},
    {"fleet_cpu_10m", 2, 15, "sum by (region, mode) (node_cpu_seconds_total)"},
    {"fleet_one_pod", 2, 15, "{node=\"node-0042\", service=\"checkout\", __name__=~\"http_.*\"}"},
};

void ask(benchmark::State& state, const World& world, const Query& query) {
  const auto end = from_unix_ms(kEndMs / 60'000 * 60'000);
  for (auto _ : state) {
    const auto result =
        query.hours_10 == 0
            ? world.engine().instant(query.text, end)
            : world.engine().range(query.text, end - Duration{query.hours_10 * 360'000LL}, end,
                                   Duration{query.step_s * 1000LL});
    if (!result || (result->series.empty() && std::string_view(query.name) != "fleet_one_pod"))
      std::abort();
    std::string json;
    append_query_data(json, *result, world.engine().options().helpers);
    benchmark::DoNotOptimize(json);
  }
}

/// Ended before what RocksDB made for them.
const World& world_of(const Shape& shape) {
  static auto& worlds = *new std::map<int, std::unique_ptr<World>>;
  auto& world = worlds[shape.hosts];
  if (!world) world = std::make_unique<World>(shape);
  static const struct End {
    ~End() { worlds.clear(); }
  } end;
  return *world;
}

const int kRegistered = [] {
  for (const auto* shape : {&kDay, &kFleet})
    for (const auto& query : shape == &kDay ? std::span<const Query>(kDayQueries)
                                            : std::span<const Query>(kFleetQueries))
      benchmark::RegisterBenchmark(
          query.name,
          [shape, &query](benchmark::State& state) { ask(state, world_of(*shape), query); })
          ->Unit(benchmark::kMillisecond)
          ->MeasureProcessCPUTime();
  return 0;
}();

}  // namespace
}  // namespace wellrun::telemetry
