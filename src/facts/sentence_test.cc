#include "facts/sentence.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <regex>

#include "facts/schemas.h"

namespace wellrun::facts {
namespace {

TEST(Sentence, EveryFactHasOneAndItNamesOnlyFieldsThatTheFactHas) {
  static const std::regex kField(R"(\{([a-z_]+)(?:\.([a-z_]+))?[^}]*\})");
  for (const auto& schema : schemas()) {
    const std::string words(sentence_pattern(schema.type));
    EXPECT_FALSE(words.empty()) << schema.type << " has no words";
    const auto body = schema.blank();
    for (std::sregex_iterator at(words.begin(), words.end(), kField), end; at != end; ++at) {
      const auto field = (*at)[1].str(), inner = (*at)[2].str();
      ASSERT_TRUE(body.contains(field)) << schema.type << " has no field " << field;
      EXPECT_TRUE(inner.empty() || body[field].contains(inner))
          << schema.type << ": " << field << " has no field " << inner;
    }
  }
}

TEST(Sentence, SaysWhatTheBodyHoldsAndLeavesOutWhatItLacks) {
  EXPECT_EQ(sentence("page.failed", {{"person", "ana"}, {"channel", "mail"}, {"error", "refused"}}),
            "page to ana by mail failed: refused");
  EXPECT_EQ(sentence("page.failed", {{"person", "ana"}, {"channel", "mail"}, {"error", ""}}),
            "page to ana by mail failed");
  EXPECT_EQ(sentence("incident.acknowledged", {{"by", "person:ana"}, {"via", "link"}}),
            "acknowledged by ana (link)");
  EXPECT_EQ(sentence("incident.acknowledged", {{"by", "token:ci"}}), "acknowledged by token ci");
  EXPECT_EQ(sentence("incident.acknowledged", Json::object()), "acknowledged");
}

TEST(Sentence, NumbersTruthAndNamesReadAsWords) {
  EXPECT_EQ(sentence("alert.fired", {{"alert", "High"}, {"value", 14.71234}}),
            "alert High fired at 14.71");
  EXPECT_EQ(sentence("alert.fired", {{"alert", "High"}, {"value", "+Inf"}}),
            "alert High fired at +Inf");
  EXPECT_EQ(sentence("run.approved", {{"step", "agree"}, {"approved", true}, {"by", "person:bo"}}),
            "step “agree” was approved by bo");
  EXPECT_EQ(sentence("run.approved", {{"step", "agree"}, {"approved", false}}),
            "step “agree” was refused");
  EXPECT_EQ(
      sentence("kpi.status_changed", {{"kpi", "orders"}, {"from", "on_target"}, {"to", "at_risk"}}),
      "orders went from on target to at risk");
  EXPECT_EQ(sentence("run.finished",
                     {{"runbook", "r"}, {"outcome", "succeeded"}, {"duration_ms", 10250}}),
            "procedure r succeeded in 10.2 s");
}

TEST(Sentence, SpeaksOfWhatAFieldHolds) {
  const Json verdict{{"state", "inconclusive"}, {"doubt", "stale"}, {"reason", "it stopped"}};
  EXPECT_EQ(sentence("action.effect_judged", {{"action", "act-0001"}, {"verdict", verdict}}),
            "effect of action act-0001: inconclusive (stale): it stopped");
  EXPECT_EQ(sentence("action.effect_judged", {{"action", "act-0001"}, {"verdict", "?"}}),
            "effect of action act-0001: ");
}

TEST(Sentence, AnUnknownTypeIsSaidByItsName) {
  EXPECT_EQ(sentence("from.elsewhere", {{"a", 1}}), "from.elsewhere");
}

TEST(Sentence, BracesInAValueAreText) {
  EXPECT_EQ(sentence("incident.note_added", {{"text", "{by} [x] {"}, {"by", "ana"}}), "{by} [x] {");
}

}  // namespace
}  // namespace wellrun::facts
