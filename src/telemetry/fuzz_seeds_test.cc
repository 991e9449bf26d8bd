// What the fuzzers were given and what they found is kept in tests/corpora/fuzz/ and read by every
// test run, with no fuzzer needed: none of it may end the process or take long.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <snappy.h>

#include "telemetry/promql/parser.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/remote_read.h"
#include "telemetry/remote_write_decode.h"
#include "telemetry/scrape/exposition.h"
#include "telemetry/scrape/target_group.h"
#include "telemetry/store/chunk.h"

namespace wellrun::telemetry {
namespace {

void remote_write(const std::string& seed) {
  (void)decode_remote_write_1(seed);
  (void)decode_remote_write_2(seed);
}

void remote_read(const std::string& seed) {
  http::Request request;
  snappy::Compress(seed.data(), seed.size(), &request.body);
  const promql::testing::MemoryReader reader;
  EXPECT_LT(answer_remote_read(request, reader).status, 500);
}

void exposition(const std::string& seed) {
  using scrape::Format;
  for (const auto format : {Format::kPrometheus, Format::kOpenMetrics, Format::kProtobuf})
    (void)scrape::parse_exposition(std::string_view(seed).substr(1), format, {});
}

void target_group(const std::string& seed) {
  const auto groups = scrape::parse_target_groups(seed);
  if (groups) (void)scrape::resolve_targets({}, *groups);
}

/// What parses is printed to what parses to the same.
void promql_text(const std::string& seed) {
  const auto expr = promql::parse(seed);
  if (!expr) return;
  const auto printed = promql::to_string(**expr);
  const auto again = promql::parse(printed);
  ASSERT_TRUE(again) << printed << ": " << to_string(again.error());
  EXPECT_EQ(promql::to_string(**again), printed);
}

/// Whatever is read is in order of time.
void chunk(const std::string& seed) {
  std::vector<Sample> samples;
  if (store::decode_floats(seed, samples))
    EXPECT_TRUE(std::ranges::is_sorted(samples, {}, &Sample::time_ms));
  std::vector<HistogramSample> histograms;
  (void)store::decode_histograms(seed, histograms);
}

/// A seed, every beginning of it, and it with each byte turned over.
void with_damage(const std::string& seed, const std::function<void(const std::string&)>& read) {
  read(seed);
  if (seed.size() > 300) return;
  for (std::size_t i = 1; i < seed.size(); ++i) {
    read(seed.substr(0, i));
    auto flipped = seed;
    flipped[i] = static_cast<char>(~flipped[i]);
    read(flipped);
  }
}

TEST(FuzzSeeds, AreReadWithoutHarm) {
  const std::map<std::string, std::function<void(const std::string&)>> readers = {
      {"remote_write_fuzz", remote_write},
      {"remote_read_fuzz", remote_read},
      {"exposition_fuzz", exposition},
      {"target_group_fuzz", target_group},
      {"chunk_fuzz", chunk},
      {"parser_fuzz", promql_text}};
  for (const auto& [name, read] : readers) {
    std::size_t count = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(WELLRUN_SOURCE_DIR "/tests/corpora/fuzz/" + name)) {
      SCOPED_TRACE(file.path());
      std::ifstream in(file.path(), std::ios::binary);
      with_damage(std::string(std::istreambuf_iterator<char>(in), {}), read);
      ++count;
    }
    EXPECT_GE(count, 3U) << name;
  }
}

}  // namespace
}  // namespace wellrun::telemetry
