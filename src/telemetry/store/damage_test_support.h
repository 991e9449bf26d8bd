#pragma once

// A store of many tables whose samples say themselves whether they are right, for tests of what
// damage costs.

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry {

namespace fs = std::filesystem;

inline constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};
inline constexpr std::int64_t kStep = 15'000;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "wellrun-durable-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline EmbeddedStoreOptions options_for(const fs::path& dir) {
  EmbeddedStoreOptions options;
  options.dir = dir;
  options.min_free_bytes = 0;
  options.out_of_order_window = options.retention = std::chrono::years(100);
  options.cache_bytes = 1 << 20;
  return options;
}

inline Labels series_labels(std::size_t series) {
  return Labels{{"__name__", "m" + std::to_string(series)}, {"about", std::string(150, 'x')}};
}

/// As good as random, and the same each time. Source: Steele, Lea, Flood, SplitMix64 (2014).
inline double value_of(std::size_t series, std::int64_t time) {
  auto bits = (static_cast<std::uint64_t>(time) * 1000 + series) * 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return static_cast<double>((bits ^ (bits >> 31)) % 1'000'000) / 7;
}

inline void write(EmbeddedStore& store, std::size_t series, std::size_t first, std::size_t count) {
  std::vector<SeriesWrite> all(series);
  for (std::size_t i = 0; i < series; ++i) {
    all[i].labels = series_labels(i);
    for (std::size_t k = first; k < first + count; ++k) {
      const auto time = static_cast<std::int64_t>(k) * kStep;
      all[i].samples.push_back({time, value_of(i, time)});
    }
  }
  const auto outcome = store.write(std::move(all));
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  ASSERT_EQ(outcome->rejected, 0U) << outcome->first_rejection;
}

struct Read {
  std::size_t samples = 0, wrong = 0;
};

/// Everything that is there, held against what was written.
inline Read read_all(const EmbeddedStore& store) {
  Read read;
  const auto found = store.select({}, kAlways, {});
  EXPECT_TRUE(found) << to_string(found.error());
  if (!found) return read;
  for (const auto& one : *found) {
    const auto series = std::stoul(std::string(one.labels.metric_name().substr(1)));
    for (const auto& sample : one.samples) {
      ++read.samples;
      read.wrong += sample.value == value_of(series, sample.time_ms) ? 0 : 1;
    }
  }
  return read;
}

inline std::string words(const std::vector<store::Damage>& damage) {
  std::string text;
  for (const auto& one : damage) text += one.where + ": " + one.what + "\n";
  return text;
}

inline std::vector<fs::path> files_below(const fs::path& dir, std::string_view suffix) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir))
    if (entry.path().filename().string().ends_with(suffix)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

inline void flip_byte(const fs::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 0x55);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

inline constexpr std::size_t kSeries = 1000, kParts = 3, kPerPart = 40;
inline constexpr std::size_t kAllSamples = kSeries * kParts * kPerPart;

/// Several table files of many blocks each, nothing in the log.
inline void make_database(const fs::path& dir) {
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(dir), runtime.runtime());
  ASSERT_TRUE(store);
  for (std::size_t part = 0; part < kParts; ++part) {
    write(**store, kSeries, part * kPerPart, kPerPart);
    ASSERT_TRUE((*store)->checkpoint());
  }
  ASSERT_TRUE((*store)->stop());
}

/// A copy of one that is made once.
inline void fill_database(const fs::path& dir) {
  static const Folder kMade;
  if (!fs::exists(kMade / "made")) make_database(kMade / "made");
  fs::copy(kMade / "made", dir, fs::copy_options::recursive);
}

}  // namespace wellrun::telemetry
