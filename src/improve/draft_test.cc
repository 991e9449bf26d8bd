#include "improve/draft.h"

#include <gtest/gtest.h>

namespace wellrun::improve {
namespace {

journal::Fact fact(journal::Sequence seq, std::string type, Json body,
                   std::string actor = "system") {
  return {.seq = seq,
          .time = from_unix_ms(static_cast<std::int64_t>(seq) * 10'000),
          .type = std::move(type),
          .actor = std::move(actor),
          .body = std::move(body)};
}

const std::vector<journal::Fact> kBefore{fact(1, "deployment.started",
                                              {{"deployment", "dep-0001"},
                                               {"component", "checkout"},
                                               {"version", "1.1.0"},
                                               {"environment", "production"}},
                                              "token:ci"),
                                         fact(2, "alert.fired",
                                              {{"alert", "checkout-availability"},
                                               {"value", 31.5},
                                               {"annotations", {{"summary", "orders fail"}}}})};
const std::vector<journal::Fact> kStory{
    fact(3, "incident.opened",
         {{"incident", "inc-0001"},
          {"title", "Orders fail"},
          {"workload", "shop"},
          {"severity", 1},
          {"kpi", "order-success"}}),
    fact(4, "page.sent", {{"person", "ana"}, {"channel", "mail"}}),
    fact(5, "incident.acknowledged", {{"incident", "inc-0001"}}, "person:ana"),
    fact(6, "incident.resolved", {{"incident", "inc-0001"}, {"reason", "flag switched back"}},
         "person:ana")};

TEST(Draft, HasNoSentenceWithoutASource) {
  const auto sections = draft_analysis(kStory, kBefore);
  ASSERT_GE(sections.size(), 5U);
  for (const auto& section : sections) {
    for (const auto& sentence : section.sentences)
      EXPECT_FALSE(sentence.sources.empty()) << section.name << ": " << sentence.text;
  }
}

TEST(Draft, ItsTimelineHasEveryRecordedFactOnceInOrder) {
  const auto sections = draft_analysis(kStory, kBefore);
  const auto timeline = std::ranges::find(sections, std::string("timeline"), &Section::name);
  ASSERT_NE(timeline, sections.end());
  std::vector<journal::Sequence> seqs;
  for (const auto& sentence : timeline->sentences) seqs.push_back(sentence.sources.front());
  EXPECT_EQ(seqs, (std::vector<journal::Sequence>{1, 2, 3, 4, 5, 6}));
}

TEST(Draft, AStormOfAlertsIsOneLineOfItsTimeline) {
  const auto timeline_of = [](int alerts) {
    std::vector<journal::Fact> story{kStory.front()};
    for (int i = 0; i < alerts; ++i)
      story.push_back(fact(story.back().seq + 1,
                           i % 3 == 2 ? "incident.alert_resolved" : "incident.alert_added",
                           {{"alert", "a"}}));
    story.push_back(fact(story.back().seq + 1, "incident.resolved", kStory.back().body));
    const auto sections = draft_analysis(story, {});
    return std::ranges::find(sections, std::string("timeline"), &Section::name)->sentences;
  };
  EXPECT_EQ(timeline_of(5).size(), 7U);
  const auto storm = timeline_of(300);
  ASSERT_EQ(storm.size(), 3U);
  EXPECT_EQ(storm[1].text,
            "1970-01-01T00:00:40Z  200 alerts joined and 100 resolved, until 1970-01-01T00:50:30Z");
  EXPECT_EQ(storm[1].sources, (std::vector<journal::Sequence>{4, 303}));
}

TEST(Draft, SaysHowLongDetectionAndResponseTook) {
  const auto text = to_json(draft_analysis(kStory, kBefore)).dump();
  EXPECT_NE(text.find("From deployment dep-0001 (1.1.0) to the alert it took 10 s."),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("person:ana acknowledged it after 20 s."), std::string::npos) << text;
  EXPECT_NE(text.find("resolved by person:ana after 30 s: flag switched back."), std::string::npos)
      << text;
}

TEST(Draft, SaysSoWhenNobodyAcknowledged) {
  const std::vector<journal::Fact> story{kStory.front(), kStory.back()};
  EXPECT_NE(to_json(draft_analysis(story, {})).dump().find("Nobody acknowledged it."),
            std::string::npos);
  EXPECT_TRUE(draft_analysis({}, kBefore).empty());
}

}  // namespace
}  // namespace wellrun::improve
