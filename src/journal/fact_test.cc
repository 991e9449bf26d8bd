#include "journal/fact.h"

#include <gtest/gtest.h>

namespace wellrun::journal {
namespace {

Fact sample() {
  Fact fact;
  fact.seq = 1;
  fact.time = from_unix_ms(1'767'225'600'000);
  fact.stream = "incident/inc-0007";
  fact.stream_version = 1;
  fact.type = "incident.opened";
  fact.actor = "person:ana";
  fact.correlation = "inc-0007";
  fact.body["severity"] = 2;
  fact.hash = chain_hash("", fact, to_text(fact.body));
  return fact;
}

// Computed outside this program, from docs/formats/journal.md alone.
TEST(Fact, ItsHashIsTheOneTheFormatPageDescribes) {
  EXPECT_EQ(sample().hash, "f287dd1f9b2bfa7212a0d9386e3472bbd16f56d984220ad2f7dc25399b5825f0");
}

TEST(Fact, JsonHoldsAllOfIt) {
  const auto json = to_json(sample());
  const auto back = fact_from_json(json);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(to_json(*back), json);
}

TEST(Fact, AMissingUnknownOrOversizedFieldIsRefusedByName) {
  const auto whole = to_json(sample());
  for (const auto& [key, value] : whole.items()) {
    auto json = whole;
    json.erase(key);
    const auto read = fact_from_json(json);
    ASSERT_FALSE(read) << key;
    EXPECT_NE(read.error().message.find(key), std::string::npos) << read.error().message;
  }
  auto json = to_json(sample());
  json["steam"] = "x";
  EXPECT_NE(fact_from_json(json).error().message.find("stream"), std::string::npos);
  json.erase("steam");
  json["body"] = std::string(kMaxBodyBytes, 'x');
  EXPECT_EQ(fact_from_json(json).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace wellrun::journal
