#include "health/effectiveness/past.h"

#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

struct PastTest : testing::Test {
  VirtualRuntime time;
  journal::MemoryStore store{time.runtime().strand};
  Timestamp start = time.now();
  journal::Sequence seq = 0;

  void tell(Duration at, const char* type, Json body) {
    journal::Fact fact;
    fact.seq = ++seq;
    fact.stream = "health/test";
    fact.stream_version = seq;
    fact.type = type;
    fact.time = start + at;
    fact.body = std::move(body);
    journal::Batch batch;
    batch.facts.push_back(std::move(fact));
    store.append(std::move(batch),
                 [](const Status& stored) { ASSERT_TRUE(stored) << to_string(stored.error()); });
    time.run_for(1ms);
  }
  void fire(int hour) {
    tell(hour * 1h, "alert.fired",
         {{"fingerprint", std::to_string(hour)}, {"rule", "rules/g/High"}, {"workload", "shop"}});
  }
};

TEST_F(PastTest, IsReadInPagesAndInOrder) {
  for (int hour = 0; hour < 1500; ++hour) fire(hour);
  tell(1500h, "alert.resolved", {{"fingerprint", "1499"}});
  const auto past = read_past(store, start + 100h, RuleNames({}), {}, {});
  ASSERT_TRUE(past) << to_string(past.error());
  EXPECT_EQ(past->from, start + 100h);
  ASSERT_EQ(past->history.signals.size(), 1400U);
  EXPECT_EQ(past->history.signals.front().key, "100");
  EXPECT_EQ(past->history.signals.back().to, start + 1500h);
}

TEST_F(PastTest, AnAlertIsOfTheRuleWhoseLabelsItHas) {
  const auto burn = [](const char* name, std::map<std::string, std::string> labels) {
    return Subject{.name = name, .rule = "rules/g/Burn", .labels = std::move(labels)};
  };
  const std::vector<Subject> subjects = {burn("long", {{"window", "long"}}),
                                         burn("short", {{"window", "short"}}), burn("plain", {})};
  const auto tell_of = [&](const char* fingerprint, Json labels) {
    tell(1h, "alert.fired",
         {{"fingerprint", fingerprint}, {"rule", "rules/g/Burn"}, {"labels", std::move(labels)}});
  };
  tell_of("1", {{"window", "short"}, {"job", "a"}});
  tell_of("2", {{"window", "long"}});
  tell_of("3", {{"window", "other"}});
  const auto past = read_past(store, start, RuleNames(subjects), {}, {});
  ASSERT_TRUE(past) << to_string(past.error());
  std::vector<std::string> said;
  for (const auto& signal : past->history.signals) said.push_back(signal.subject);
  EXPECT_EQ(said, (std::vector<std::string>{"short", "long", "plain"}));
}

TEST_F(PastTest, OfTooMuchTheNewestIsReadAndSaysSinceWhen) {
  tell(0h, "kpi.viewed", {{"kpi", "orders"}});
  for (int hour = 1; hour <= 30; ++hour) fire(hour);
  tell(31h, "kpi.viewed", {{"kpi", "orders"}});
  const std::vector<Signal> standing = {{.subject = "rules/g/Watchdog", .key = "w", .from = start},
                                        {.subject = "kpis/late", .key = "l", .from = start + 25h}};
  const auto past = read_past(store, start, RuleNames({}), standing, {}, 10);
  ASSERT_TRUE(past) << to_string(past.error());
  EXPECT_EQ(past->from, start + 21h + 1ms);
  ASSERT_EQ(past->history.signals.size(), 10U) << "what stands, and nine";
  EXPECT_EQ(past->history.signals.front().key, "w");
  EXPECT_EQ(past->history.signals[1].key, "22");
  EXPECT_EQ(past->history.views.at("orders"), 1U) << "of that time alone";
}

TEST_F(PastTest, IsGivenUpWhenNobodyWaitsForIt) {
  fire(1);
  const auto past = read_past(store, start, RuleNames({}), {}, [] { return true; });
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace wellrun::health::effectiveness
