#include "telemetry/scrape/scrape_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <protozero/pbf_writer.hpp>

#include "telemetry/exemplars.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::telemetry::scrape {
namespace {

using ::testing::Contains;

ScrapeTarget gateway() {
  ScrapeTarget target;
  target.job = "gateway";
  target.url = "http://10.0.0.1:9091/metrics";
  target.labels = Labels{{"job", "gateway"}, {"instance", "10.0.0.1:9091"}};
  return target;
}

ScrapeWrite scraped(const ScrapeTarget& target, std::string type, std::string body,
                    std::int64_t time_ms = 7) {
  return apply_scrape(target,
                      http::Response{200, {{"Content-Type", std::move(type)}}, std::move(body)}, {},
                      time_ms, Duration{1});
}

const std::string kProtobufType = "application/vnd.google.protobuf";

/// An untyped family `m` of one metric with value 1.
std::string protobuf_family(const std::vector<Label>& labels) {
  std::string metric, value, family, out;
  protozero::pbf_writer(value).add_double(1, 1);
  {
    protozero::pbf_writer writer(metric);
    for (const auto& label : labels) {
      std::string pair;
      protozero::pbf_writer pair_writer(pair);
      pair_writer.add_string(1, label.name);
      pair_writer.add_string(2, label.value);
      writer.add_message(1, pair);
    }
    writer.add_message(5, value);
  }
  {
    protozero::pbf_writer writer(family);
    writer.add_string(1, "m");
    writer.add_enum(3, 3);
    writer.add_message(4, metric);
  }
  out += static_cast<char>(family.size());
  return out + family;
}

TEST(ScrapeResult, AnHonouredLabelThatIsGivenEmptyKeepsTheTargetsAway) {
  auto target = gateway();
  target.honor_labels = true;
  const std::string text = "m{instance=\"\",job=\"pushed\"} 1\n";
  const std::pair<std::string, std::string> answers[] = {
      {"text/plain", text},
      {"application/openmetrics-text", text + "# EOF\n"},
      {kProtobufType, protobuf_family({{"instance", ""}, {"job", "pushed"}})}};
  for (const auto& [type, body] : answers) {
    const auto write = scraped(target, type, body);
    EXPECT_EQ(write.error, "") << type;
    EXPECT_THAT(testing::lines_of(write.series), Contains(R"(m{job="pushed"} 1@7)")) << type;
  }
}

TEST(ScrapeResult, WithoutHonouringAnEmptyLabelIsTheTargetsAndNotExported) {
  const auto write = scraped(gateway(), "text/plain", "m{instance=\"\",job=\"pushed\"} 1\n");
  EXPECT_THAT(testing::lines_of(write.series),
              Contains(R"(m{exported_job="pushed", instance="10.0.0.1:9091", job="gateway"} 1@7)"));
}

TEST(ScrapeResult, AnExemplarWithoutATimeIsKeptOnceHoweverOftenItIsExposed) {
  ExemplarStore store;
  const auto added = [&](std::string exemplar, std::int64_t time_ms) {
    const auto write = scraped(gateway(), "application/openmetrics-text",
                               "# TYPE a counter\na_total 1 # " + exemplar + "\n# EOF\n", time_ms);
    const auto& [series, read] = write.exemplars.at(0);
    return store.add(series, read);
  };
  EXPECT_EQ(added("{trace_id=\"x\"} 0.5", 1'000), ExemplarStore::Added::kNew);
  EXPECT_EQ(added("{trace_id=\"x\"} 0.5", 2'000), ExemplarStore::Added::kSame);
  EXPECT_EQ(added("{trace_id=\"x\"} 0.7", 3'000), ExemplarStore::Added::kNew);
  EXPECT_EQ(added("{trace_id=\"x\"} 0.7 4", 4'000), ExemplarStore::Added::kNew);
  EXPECT_EQ(added("{trace_id=\"x\"} 0.7 5", 5'000), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.select({}, {INT64_MIN, INT64_MAX}).at(0).exemplars.size(), 4U);
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
