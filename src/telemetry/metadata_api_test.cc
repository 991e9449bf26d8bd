// GET /api/v1/metadata.

#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/query_api.h"

namespace wellrun::telemetry {
namespace {

std::string metadata_for(std::vector<std::pair<std::string, std::string>> parameters) {
  promql::testing::MemoryReader reader;
  reader.add(Metadata{.family = "a", .type = "counter", .help = "One.", .unit = "s"});
  reader.add(Metadata{.family = "a", .type = "counter", .help = "Other \"one\".", .unit = "s"});
  reader.add(Metadata{.family = "b", .type = "gauge", .help = "Two.", .unit = ""});
  const promql::Engine engine(reader);
  VirtualRuntime runtime;
  http::Request request;
  for (auto& [name, value] : parameters) request.query.emplace_back(name, value);
  const auto response =
      answer_prometheus_query("/api/v1/metadata", request, engine, runtime.runtime().clock, {});
  return response.body;
}

constexpr const char* kOne = R"({"type":"counter","help":"One.","unit":"s"})";
constexpr const char* kOther = R"({"type":"counter","help":"Other \"one\".","unit":"s"})";
constexpr const char* kTwo = R"({"type":"gauge","help":"Two.","unit":""})";

std::string data(const std::string& inner) {
  return R"({"status":"success","data":{)" + inner + "}}";
}

TEST(MetadataApi, ListsEachDescriptionOfAFamily) {
  const auto a = std::string(R"("a":[)") + kOne + "," + kOther + "]";
  const auto b = std::string(R"("b":[)") + kTwo + "]";
  EXPECT_EQ(metadata_for({}), data(a + "," + b));
  EXPECT_EQ(metadata_for({{"metric", "a"}}), data(a));
  EXPECT_EQ(metadata_for({{"metric", "none"}}), data(""));
  EXPECT_EQ(metadata_for({{"limit", "1"}}), data(a));
  EXPECT_EQ(metadata_for({{"limit", "+1"}}), data(a));
  EXPECT_EQ(metadata_for({{"limit", "0"}}), data(""));
  EXPECT_EQ(metadata_for({{"limit", "-1"}}), data(a + "," + b));
  EXPECT_NE(metadata_for({{"limit", "x"}}).find("limit must be a number"), std::string::npos);
}

TEST(MetadataApi, LimitsTheDescriptionsOfEachFamily) {
  const auto expected = std::string(R"("a":[)") + kOne + R"(],"b":[)" + kTwo + "]";
  EXPECT_EQ(metadata_for({{"limit_per_metric", "1"}}), data(expected));
  for (const char* none : {"0", "-1"})
    EXPECT_EQ(metadata_for({{"limit_per_metric", none}}), metadata_for({}));
  EXPECT_NE(metadata_for({{"limit_per_metric", "x"}}).find("limit_per_metric must be a number"),
            std::string::npos);
}

}  // namespace
}  // namespace wellrun::telemetry
