#include "telemetry/remote_read.h"

#include <array>
#include <gtest/gtest.h>
#include <snappy.h>

#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/protozero_checked.h"
#include "telemetry/store/byte_io.h"
#include "telemetry/store/crc32c.h"
#include "telemetry/xor_chunk.h"

namespace wellrun::telemetry {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

promql::testing::MemoryReader reader_of(std::size_t samples, bool histogram = false) {
  promql::testing::MemoryReader reader;
  SeriesWrite series;
  series.labels = Labels{{"__name__", "m"}, {"job", "shop"}};
  for (std::size_t i = 0; i < samples; ++i)
    series.samples.push_back({static_cast<std::int64_t>(i) * 1000, static_cast<double>(i)});
  if (histogram) {
    Histogram h;
    h.count = 3;
    h.positive_spans = {{0, 1}};
    h.positive_counts = {3};
    series.histograms = {{10'000'000, std::make_shared<const Histogram>(h)}};
  }
  reader.add(std::move(series));
  return reader;
}

http::Request request_for(std::string_view value, std::vector<int> accepted) {
  std::string plain;
  pbf_writer message(plain);
  {
    pbf_writer query(message, 1);
    query.add_int64(1, 0);
    query.add_int64(2, 1'000'000'000);
    pbf_writer matcher(query, 3);
    matcher.add_enum(1, 2);
    matcher.add_string(2, "job");
    matcher.add_string(3, std::string(value));
  }
  for (const int type : accepted) message.add_enum(2, type);
  http::Request request;
  snappy::Compress(plain.data(), plain.size(), &request.body);
  return request;
}

TEST(RemoteRead, AnswersWithSamples) {
  const auto reader = reader_of(3, true);
  const auto response = answer_remote_read(request_for("sh.*", {}), reader);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(http::find_header(response.headers, "Content-Encoding"), "snappy");
  std::string plain;
  ASSERT_TRUE(snappy::Uncompress(response.body.data(), response.body.size(), &plain));
  pbf_reader message(plain);
  ASSERT_TRUE(message.next(1));
  auto result = message.get_message();
  ASSERT_TRUE(result.next(1));
  auto series = result.get_message();
  std::size_t labels = 0, samples = 0, histograms = 0;
  while (series.next()) {
    labels += series.tag() == 1 ? 1 : 0;
    samples += series.tag() == 2 ? 1 : 0;
    histograms += series.tag() == 4 ? 1 : 0;
    series.skip();
  }
  EXPECT_EQ(labels, 2U);
  EXPECT_EQ(samples, 3U);
  EXPECT_EQ(histograms, 1U);
}

TEST(RemoteRead, AQueryThatMatchesNothingHasAnEmptyResultInItsPlace) {
  const auto reader = reader_of(3);
  std::string request_plain;
  for (const auto* value : {"none", "shop", "none"}) {
    std::string one;
    const auto packed = request_for(value, {}).body;
    ASSERT_TRUE(snappy::Uncompress(packed.data(), packed.size(), &one));
    request_plain += one;
  }
  http::Request request;
  snappy::Compress(request_plain.data(), request_plain.size(), &request.body);
  const auto response = answer_remote_read(request, reader);
  ASSERT_EQ(response.status, 200) << response.body;
  std::string plain;
  ASSERT_TRUE(snappy::Uncompress(response.body.data(), response.body.size(), &plain));
  std::vector<bool> is_empty;
  for (pbf_reader message(plain); message.next(1);)
    is_empty.push_back(message.get_view().size() == 0);
  EXPECT_EQ(is_empty, (std::vector<bool>{true, false, true}));
}

TEST(RemoteRead, StreamsChunksWhereTheClientTakesThem) {
  const auto reader = reader_of(250);
  const auto response = answer_remote_read(request_for("shop", {1, 0}), reader);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(http::find_header(response.headers, "Content-Type")
                  .starts_with("application/x-streamed-protobuf"));
  store::ByteReader frames(response.body);
  const auto size = frames.varint();
  const auto sum = frames.bytes(4);
  const auto message = frames.bytes(size);
  ASSERT_FALSE(frames.failed());
  EXPECT_TRUE(frames.at_end());
  std::uint32_t wanted = 0;
  for (const char byte : sum) wanted = wanted << 8 | static_cast<unsigned char>(byte);
  EXPECT_EQ(store::crc32c(message), wanted);
  pbf_reader frame(message.data(), message.size());
  ASSERT_TRUE(frame.next(1));
  auto series = frame.get_message();
  std::vector<std::size_t> counts;
  while (series.next(2)) {
    auto chunk = series.get_message();
    ASSERT_TRUE(chunk.next(4));
    const auto data = chunk.get_view();
    counts.push_back(static_cast<std::size_t>(static_cast<unsigned char>(data.data()[0]) << 8 |
                                              static_cast<unsigned char>(data.data()[1])));
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{120, 120, 10}));
}

/// Start, end and encoding of each chunk in the only frame.
std::vector<std::array<std::int64_t, 3>> chunks_of(const http::Response& response) {
  store::ByteReader frames(response.body);
  const auto size = frames.varint();
  frames.bytes(4);
  const auto message = frames.bytes(size);
  EXPECT_TRUE(frames.at_end());
  pbf_reader frame(message.data(), message.size());
  EXPECT_TRUE(frame.next(1));
  auto series = frame.get_message();
  std::vector<std::array<std::int64_t, 3>> chunks;
  while (series.next(2)) {
    auto chunk = series.get_message();
    auto& one = chunks.emplace_back();
    while (chunk.next())
      if (chunk.tag() < 3)
        one[chunk.tag() - 1] = chunk.get_int64();
      else if (chunk.tag() == 3)
        one[2] = chunk.get_enum();
      else
        chunk.skip();
  }
  return chunks;
}

TEST(RemoteRead, StreamsFloatsAndHistogramsInOrderOfTime) {
  promql::testing::MemoryReader reader;
  SeriesWrite series;
  series.labels = Labels{{"__name__", "m"}, {"job", "shop"}};
  for (std::int64_t i = 0; i < 10; ++i) {
    if (i % 5 != 4) {
      series.samples.push_back({i * 1000, static_cast<double>(i)});
      continue;
    }
    Histogram h;
    h.count = static_cast<double>(i);
    h.positive_spans = {{0, 1}};
    h.positive_counts = {h.count};
    series.histograms.push_back({i * 1000, std::make_shared<const Histogram>(h)});
  }
  reader.add(std::move(series));
  const auto response = answer_remote_read(request_for("shop", {1}), reader);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(chunks_of(response),
            (std::vector<std::array<std::int64_t, 3>>{
                {0, 3000, 1}, {4000, 4000, 3}, {5000, 8000, 1}, {9000, 9000, 3}}));
}

/// One that asks the same so many times.
http::Request request_of_queries(int count) {
  std::string plain, one;
  const auto packed = request_for("shop", {}).body;
  snappy::Uncompress(packed.data(), packed.size(), &one);
  for (int i = 0; i < count; ++i) plain += one;
  http::Request request;
  snappy::Compress(plain.data(), plain.size(), &request.body);
  return request;
}

TEST(RemoteRead, TheQueriesOfOneRequestShareItsLimit) {
  const auto reader = reader_of(30);
  EXPECT_EQ(answer_remote_read(request_of_queries(2), reader, {.max_samples = 60}).status, 200);
  for (const std::size_t most : {59U, 60U}) {
    const auto response = answer_remote_read(request_of_queries(3), reader, {.max_samples = most});
    EXPECT_EQ(response.status, 400) << most;
    EXPECT_TRUE(response.body.contains("samples")) << response.body;
  }
}

TEST(RemoteRead, AHistogramTakesOfTheSharedLimitWhatItsRoomWouldHoldOfSamples) {
  const auto reader = reader_of(0, true);
  const std::size_t one = (168 + 8 * 2 + 8) / 16;  // a span and a count
  EXPECT_EQ(answer_remote_read(request_of_queries(2), reader, {.max_samples = 2 * one}).status,
            200);
  EXPECT_EQ(answer_remote_read(request_of_queries(3), reader, {.max_samples = 2 * one}).status,
            400);
}

TEST(RemoteRead, AClientThatTakesOnlyWhatIsNotKnownIs400) {
  const auto reader = reader_of(1);
  const auto refused = answer_remote_read(request_for("shop", {7, 9}), reader);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body,
            "server does not support any of the requested response types; requested: 7, 9; "
            "supported: SAMPLES, STREAMED_XOR_CHUNKS\n");
  EXPECT_EQ(answer_remote_read(request_for("shop", {7, 0}), reader).status, 200);
}

TEST(RemoteRead, WhatCannotBeReadIs400) {
  const auto reader = reader_of(1);
  http::Request request;
  request.body = "not snappy";
  EXPECT_EQ(answer_remote_read(request, reader).status, 400);
  EXPECT_EQ(answer_remote_read(request_for("(", {}), reader).status, 400);
}

}  // namespace
}  // namespace wellrun::telemetry
