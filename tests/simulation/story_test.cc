#include "simulation/story.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace wellrun::simulation {
namespace {

using namespace std::chrono_literals;
using Where = CrashPoint::Where;

std::uint64_t seed_count() {
  const char* wanted = std::getenv("WELLRUN_SIMULATION_SEEDS");
  return wanted == nullptr ? 20 : static_cast<std::uint64_t>(std::atoll(wanted));
}

std::string last_lines(const std::string& text, int count) {
  auto at = text.size();
  for (int i = 0; i <= count && at != std::string::npos && at > 0; ++i)
    at = text.rfind('\n', at - 1);
  return text.substr(at == std::string::npos || at == 0 ? 0 : at + 1);
}

/// Tells one story; what is wrong with it is a failure that names its seed.
std::string told(const StoryOptions& options) {
  Story story(options);
  story.tell();
  const auto broken = story.broken_promises();
  for (const auto& promise : broken)
    ADD_FAILURE() << "seed " << options.seed << ", " << to_string(options.crash) << ": " << promise;
  if (!broken.empty()) std::cerr << last_lines(story.trace(), 150);
  return story.trace();
}

TEST(Story, IsToldFromAHealthyShopToAnAssessment) {
  Story story({});
  story.tell();
  EXPECT_EQ(story.broken_promises(), std::vector<std::string>{}) << last_lines(story.trace(), 60);
  std::vector<std::string> types;
  const auto read = story.world().store.read({.limit = 10'000});
  for (const auto& fact : *read) {
    if (types.empty() || types.back() != fact.type) types.push_back(fact.type);
  }
  const auto position = [&](const std::string& type) {
    return std::ranges::find(types, type) - types.begin();
  };
  const std::vector<std::string> chapters = {
      "catalog.applied",  "deployment.started", "deployment.finished",  "alert.fired",
      "event.recorded",   "incident.opened",    "automation.triggered", "run.approval_requested",
      "run.approved",     "run.finished",       "incident.mitigated",   "incident.resolved",
      "analysis.drafted", "analysis.signed",    "assessment.made"};
  for (std::size_t i = 1; i < chapters.size(); ++i) {
    EXPECT_LT(position(chapters[i]), std::ssize(types)) << chapters[i] << " never happened";
    EXPECT_LT(position(chapters[i - 1]), position(chapters[i])) << chapters[i];
  }
  EXPECT_EQ(story.world().deliveries.size(), 2U) << "ana, by mail and webhook";
}

TEST(Story, TheSameSeedGivesTheSameTraceByteForByte) {
  const StoryOptions wild{.seed = 7,
                          .habits = {.crash = 0.02, .mail_refused = 0.2, .http_refused = 0.2}};
  EXPECT_EQ(told(wild), told(wild));
  EXPECT_NE(told({.seed = 1}), told({.seed = 2}));
}

/// The process dies once, at each append and each effect of the story in turn.
void die_everywhere(Where where, std::uint64_t count) {
  for (std::uint64_t number = 1; number <= count && !testing::Test::HasFailure(); ++number)
    told({.crash = {.where = where, .number = number}});
}

struct EverywhereTest : testing::Test {
  EverywhereTest() {
    Story undisturbed({});
    undisturbed.tell();
    appends = undisturbed.world().append_count();
    effects = undisturbed.world().effect_count();
  }
  std::uint64_t appends = 0, effects = 0;
};

TEST_F(EverywhereTest, KeepsItsPromisesWhenTheProcessDiesBeforeAnyAppend) {
  die_everywhere(Where::kBeforeAppend, appends);
}
TEST_F(EverywhereTest, KeepsItsPromisesWhenTheProcessDiesAfterAnyAppend) {
  die_everywhere(Where::kAfterAppend, appends);
}
TEST_F(EverywhereTest, KeepsItsPromisesWhenTheProcessDiesBeforeAnyEffect) {
  EXPECT_GT(effects, 3U);
  die_everywhere(Where::kBeforeEffect, effects);
}
TEST_F(EverywhereTest, KeepsItsPromisesWhenTheProcessDiesAfterAnyEffect) {
  die_everywhere(Where::kAfterEffect, effects);
}

TEST(Story, KeepsItsPromisesInAWorldWhereAnythingFailsAtAnyTime) {
  int deaths = 0;
  for (std::uint64_t seed = 1; seed <= seed_count() && !testing::Test::HasFailure(); ++seed) {
    StoryOptions options{.seed = seed,
                         .habits = {.crash = 0.15,
                                    .mail_refused = 0.2,
                                    .mail_lost = 0.1,
                                    .http_refused = 0.2,
                                    .http_silent = 0.1}};
    if (seed % 2 == 0) options.house.snapshot_every = 5;
    if (seed % 3 == 0) options.restart_every = 47s;
    const auto trace = told(options);
    for (auto at = trace.find("the process dies"); at != std::string::npos;
         at = trace.find("the process dies", at + 1))
      ++deaths;
  }
  EXPECT_GT(deaths, static_cast<int>(seed_count())) << "a story has several crashes";
}

}  // namespace
}  // namespace wellrun::simulation
