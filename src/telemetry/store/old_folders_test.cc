// Folders that older programs wrote (tests/corpora/telemetry/): each is opened, and everything in
// it is as it was when it was made. So no format changes silently. WELLRUN_GROW_CORPUS=1 adds the
// folder of this program under the name of its format, and never changes one: one that is there
// already was written by a released program.

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry {
namespace {

namespace fs = std::filesystem;

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};
constexpr const char* kFormat =
    "2";  ///< as embedded_store.cc and docs/formats/telemetry.md have it
constexpr std::int64_t kBegin = 1'700'000'000'000, kStep = 15'000;
const fs::path kCorpus = fs::path(WELLRUN_SOURCE_DIR) / "tests/corpora/telemetry";

EmbeddedStoreOptions options_for(const fs::path& dir) {
  EmbeddedStoreOptions options;
  options.dir = dir;
  options.min_free_bytes = 0;
  options.out_of_order_window = options.retention = std::chrono::years(100);
  options.checkpoint_interval = std::chrono::years(100);
  return options;
}

class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "wellrun-old-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Scratch() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::shared_ptr<const Histogram> histogram(std::size_t i) {
  Histogram made;
  const auto n = static_cast<double>(i);
  made.schema = i % 50 < 40 ? 3 : kCustomBucketsSchema;
  made.count = 10 * n + 6;
  made.sum = n * 1.5 - 3;
  made.positive_spans = {{-2, 2}, {3, 1}};
  made.positive_counts = {n + 1, 2 * n, 3};
  if (made.schema == kCustomBucketsSchema) {
    made.positive_spans = {{0, 3}};
    made.custom_bounds = {0.1, 1, 10};
  } else {
    made.zero_threshold = 1e-9;
    made.zero_count = n;
    made.negative_spans = {{1, 1}};
    made.negative_counts = {n / 4};
  }
  if (i % 7 == 0) made.reset_hint = Histogram::ResetHint::kGauge;
  return std::make_shared<const Histogram>(made);
}

/// Values for every encoding: counters, decimals, noise, constants, special ones.
double value_of(std::size_t kind, std::size_t i) {
  const auto n = static_cast<double>(i);
  switch (kind) {
    case 0:
      return 7 * n;
    case 1:
      return static_cast<double>((i * 37) % 1000) / 100;
    case 2:
      return std::bit_cast<double>((i * 0x9E3779B97F4A7C15ULL) >> 2);
    case 3:
      return 42;
    default:
      return i % 5 == 0   ? stale_marker()
             : i % 5 == 1 ? -0.0
             : i % 5 == 2 ? std::bit_cast<double>(0x7ff8000000000001ULL)
             : i % 5 == 3 ? std::numeric_limits<double>::infinity()
                          : 5e-324;
  }
}

constexpr std::size_t kKinds = 5;

void write(EmbeddedStore& store, std::size_t first, std::size_t count) {
  std::vector<SeriesWrite> all(kKinds + 2);
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    all[kind].labels =
        Labels{{"__name__", fmt::format("kind_{}_total", kind)}, {"job", "old"}, {"zone", "π"}};
  all[kKinds].labels = Labels{{"__name__", "latency"}, {"job", "old"}};
  all[kKinds + 1].labels = Labels{{"__name__", "started_total"}};
  for (auto i = first; i < first + count; ++i) {
    // Not evenly spaced now and then.
    const auto time = kBegin + static_cast<std::int64_t>(i) * kStep +
                      (i % 11 == 0 ? static_cast<int>(i % 97) : 0);
    for (std::size_t kind = 0; kind < kKinds; ++kind)
      all[kind].samples.push_back({time, value_of(kind, i)});
    all[kKinds].histograms.push_back({time, histogram(i)});
    all[kKinds + 1].samples.push_back({time, static_cast<double>(i)});
    all[kKinds + 1].sample_starts.push_back(kBegin - 1000 + (i > 300 ? 1'800'000 : 0));
  }
  const auto outcome = store.write(std::move(all));
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  ASSERT_EQ(outcome->rejected, 0U) << outcome->first_rejection;
}

/// In the database: some thousand samples a series, a deletion, logs, spans. In the log: the rest.
void fill(EmbeddedStore& store) {
  write(store, 0, 400);
  ASSERT_TRUE(store.checkpoint());
  write(store, 500, 9'000);
  write(store, 450, 50);  // out of order
  ASSERT_TRUE(store.checkpoint());
  ASSERT_TRUE(store.delete_samples({{{Matcher::Kind::kEqual, "__name__", "kind_3_total"}}},
                                   {kBegin + 100 * kStep, kBegin + 200 * kStep}));
  store.put_metadata({{"kind_0_total", "counter", "what \"it\" counts", "seconds"}});
  const auto at = from_unix_ms(kBegin);
  ASSERT_TRUE(
      store.put_logs({{at, 17, "ERROR", "shop", "it broke", "0123456789abcdef0123456789abcdef",
                       "0123456789abcdef", Labels{{"k", "v"}}}}));
  ASSERT_TRUE(store.put_spans({{"0123456789abcdef0123456789abcdef", "0123456789abcdef",
                                "fedcba9876543210", "GET /", "shop", "server", "error", "it broke",
                                kBegin * 1'000'000, kBegin * 1'000'000 + 5, Labels{{"k", "v"}}}}));
  write(store, 9'500, 60);
}

std::string text_of(const Histogram& h) {
  std::vector<std::string> spans;
  for (const auto* all : {&h.positive_spans, &h.negative_spans})
    for (const auto& span : *all) spans.push_back(fmt::format("{}+{}", span.offset, span.length));
  return fmt::format(
      "schema {} zero {}/{} count {} sum {} spans {} buckets {}/{} bounds {} hint {}", h.schema,
      h.zero_threshold, h.zero_count, h.count, h.sum, fmt::join(spans, " "),
      fmt::join(h.positive_counts, " "), fmt::join(h.negative_counts, " "),
      fmt::join(h.custom_bounds, " "), static_cast<int>(h.reset_hint));
}

std::uint64_t hashed(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

/// Everything: of each series its first and last samples, and a hash of all.
std::string told(const EmbeddedStore& store) {
  std::string out;
  const auto all = store.select({}, kAlways, {});
  EXPECT_TRUE(all) << to_string(all.error());
  for (const auto& series : *all) {
    std::vector<std::string> samples;
    for (std::size_t i = 0; i < series.samples.size(); ++i)
      samples.push_back(fmt::format(
          "{} {:016x}{}", series.samples[i].time_ms,
          std::bit_cast<std::uint64_t>(series.samples[i].value),
          series.sample_starts.empty() ? "" : fmt::format(" from {}", series.sample_starts[i])));
    for (const auto& one : series.histograms)
      samples.push_back(fmt::format("{} {}", one.time_ms, text_of(*one.histogram)));
    auto hash = 0xcbf29ce484222325ULL;
    for (const auto& sample : samples) hash = hashed(hash, sample + "\n");
    out += fmt::format("{}\n  {} samples, hash {:016x}\n  {}\n  {}\n", to_string(series.labels),
                       samples.size(), hash, samples.front(), samples.back());
  }
  for (const auto& one : store.metadata())
    out += fmt::format("{}: {} {} {}\n", one.family, one.type, one.help, one.unit);
  LogQuery log_query;
  log_query.range = kAlways;
  const auto logs = store.logs(log_query);
  for (const auto& log : *logs)
    out += fmt::format("{} {} {} {} {} {} {} {}\n", to_unix_ms(log.time), log.severity,
                       log.severity_text, log.service, log.body, log.trace_id, log.span_id,
                       to_string(log.attributes));
  SpanQuery span_query;
  span_query.range = kAlways;
  const auto spans = store.spans(span_query);
  for (const auto& span : *spans)
    out += fmt::format("{} {} {} {} {} {} {} {} {} {} {}\n", span.trace_id, span.span_id,
                       span.parent_span_id, span.name, span.service, span.kind, span.status,
                       span.status_message, span.start_ns, span.end_ns, to_string(span.attributes));
  return out;
}

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// As kill -9 leaves it, without what RocksDB says to people, locks, and its copy of our options.
void grow_corpus() {
  const Scratch scratch;
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(scratch.path() / "store"), runtime.runtime());
  ASSERT_TRUE(store);
  fill(**store);
  const auto copy = scratch.path() / "copy";
  fs::copy(scratch.path() / "store", copy, fs::copy_options::recursive);
  for (const auto& entry : fs::directory_iterator(copy / "db")) {
    const auto file = entry.path().filename().string();
    if (file.starts_with("LO") || file.starts_with("OPTIONS")) fs::remove(entry.path());
  }
  const auto name = fmt::format("format-{}", kFormat);
  if (fs::exists(kCorpus / name)) return;
  fs::create_directories(kCorpus / name);
  fs::copy(copy, kCorpus / name / "telemetry", fs::copy_options::recursive);
  std::ofstream(kCorpus / name / "expected.txt", std::ios::binary) << told(**store);
}

TEST(OldFolders, HoldWhatTheyHeldWhenTheyWereMade) {
  if (std::getenv("WELLRUN_GROW_CORPUS") != nullptr) grow_corpus();
  ASSERT_TRUE(fs::exists(kCorpus / fmt::format("format-{}", kFormat)))
      << "run this test with WELLRUN_GROW_CORPUS=1 and commit the new folder";
  for (const auto& entry : fs::directory_iterator(kCorpus)) {
    SCOPED_TRACE(entry.path().filename().string());
    const Scratch scratch;
    const auto dir = scratch.path() / "telemetry";
    fs::copy(entry.path() / "telemetry", dir, fs::copy_options::recursive);
    const auto expected = read(entry.path() / "expected.txt");
    ASSERT_FALSE(expected.empty());
    VirtualRuntime runtime;
    // As it lies there, after everything went to the database, and rewritten whole.
    for (const auto* when : {"opened", "after a restart", "compacted"}) {
      SCOPED_TRACE(when);
      auto store = EmbeddedStore::open(options_for(dir), runtime.runtime());
      ASSERT_TRUE(store) << to_string(store.error());
      if (when == std::string_view("compacted")) ASSERT_TRUE((*store)->compact());
      EXPECT_EQ(told(**store), expected);
      EXPECT_TRUE((*store)->statistics().damage.empty());
    }
    auto store = EmbeddedStore::open(options_for(dir), runtime.runtime());
    ASSERT_TRUE(store);
    write(**store, 20'000, 10);
    EXPECT_NE(told(**store), expected) << "and it goes on";
  }
}

}  // namespace
}  // namespace wellrun::telemetry
