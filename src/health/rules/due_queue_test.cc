#include "health/rules/due_queue.h"

#include <gtest/gtest.h>

#include "health/rules/rule_inputs.h"

namespace wellrun::health::rules {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStart{1'000'000};
const auto kAnyGroup = [](const std::string&) { return true; };

struct DueQueueTest : testing::Test {
  DueQueue queue{{.settle = 100ms, .longest_wait = 300ms, .spacing = 500ms}};
  RuleId a{"g", 0}, b{"g", 1}, other{"h", 0};

  Duration next() const { return queue.next() ? *queue.next() - kStart : Duration{-1}; }
};

TEST_F(DueQueueTest, ACommitMakesDueOnceItHasSettled) {
  EXPECT_FALSE(queue.next());
  queue.committed(a, kStart);
  EXPECT_EQ(next(), 100ms);
  queue.committed(a, kStart + 50ms);
  EXPECT_EQ(next(), 150ms);
  EXPECT_FALSE(queue.take(kStart + 149ms, kAnyGroup));
  EXPECT_EQ(queue.take(kStart + 150ms, kAnyGroup)->rules, (std::vector<std::size_t>{0}));
  EXPECT_FALSE(queue.next());
}

TEST_F(DueQueueTest, CommitsWithoutEndCannotPutItOff) {
  for (int i = 0; i <= 30; ++i) queue.committed(a, kStart + 50ms * i);
  EXPECT_EQ(next(), 300ms);
}

TEST_F(DueQueueTest, EvaluationsKeepTheirDistance) {
  queue.evaluated(a, kStart);
  queue.committed(a, kStart + 10ms);
  EXPECT_EQ(next(), 500ms);
}

TEST_F(DueQueueTest, AFixedTimeCountsWhateverIsCommitted) {
  queue.at(a, kStart + 2s);
  EXPECT_EQ(next(), 2s);
  queue.at(a, kStart + 3s);
  EXPECT_EQ(next(), 2s);
  queue.committed(a, kStart);
  EXPECT_EQ(next(), 100ms);
  queue.evaluated(a, kStart + 1s);
  EXPECT_FALSE(queue.next());
}

TEST_F(DueQueueTest, AGroupGivesAllItsDueRulesInOrderAndTheLongestWaitingComesFirst) {
  queue.committed(other, kStart + 20ms);
  queue.committed(b, kStart + 10ms);
  queue.committed(a, kStart + 30ms);
  const auto first = queue.take(kStart + 1s, kAnyGroup);
  EXPECT_EQ(first->group, "g");
  EXPECT_EQ(first->rules, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(queue.take(kStart + 1s, kAnyGroup)->group, "h");
  EXPECT_FALSE(queue.take(kStart + 1s, kAnyGroup));
}

TEST_F(DueQueueTest, ABusyGroupLetsOthersPass) {
  queue.committed(a, kStart);
  queue.committed(other, kStart + 10ms);
  EXPECT_EQ(queue.take(kStart + 1s, [](const std::string& group) { return group != "g"; })->group,
            "h");
  EXPECT_EQ(next(), 100ms);
}

TEST_F(DueQueueTest, WhatIsForgottenIsNotDue) {
  queue.committed(a, kStart);
  queue.committed(b, kStart);
  queue.committed(other, kStart);
  queue.forget("g");
  EXPECT_EQ(queue.take(kStart + 1s, kAnyGroup)->group, "h");
  EXPECT_FALSE(queue.next());
}

TEST(RuleInputs, AreTheNamesOfAllSelectors) {
  const auto inputs = inputs_of(
      R"(sum(rate(errors_total[5m])) / on() sum(rate({__name__="requests_total"}[5m])) > 0.1 and max_over_time(up[1h:1m]) == 1)");
  EXPECT_EQ(inputs.names, (std::vector<std::string>{"errors_total", "requests_total", "up"}));
  EXPECT_FALSE(inputs.anything);
  EXPECT_TRUE(inputs_of(R"({job="x"} > 1)").anything);
  EXPECT_TRUE(inputs_of(R"({__name__=~"a.*"} > 1)").anything);
  EXPECT_TRUE(inputs_of("vector(1)").names.empty());
  EXPECT_FALSE(inputs_of("vector(1)").anything);
  EXPECT_TRUE(inputs_of("1 +").names.empty());
}

}  // namespace
}  // namespace wellrun::health::rules
