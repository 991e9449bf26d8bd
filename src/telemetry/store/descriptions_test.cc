#include "telemetry/store/descriptions.h"

#include <gtest/gtest.h>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

using std::chrono::minutes;

Metadata said(std::string help, std::string type = "counter") {
  return {.family = "requests_total", .type = std::move(type), .help = std::move(help), .unit = {}};
}

std::vector<std::string> helps(const Descriptions& known) {
  std::vector<std::string> all;
  for (const auto& one : known.all()) all.push_back(one.help);
  return all;
}

using Texts = std::vector<std::string>;

TEST(Descriptions, EachThatDiffersIsKnownOnce) {
  Descriptions known;
  EXPECT_EQ(known.note({said("Requests.")}, minutes(0)), Texts{"requests_total"});
  EXPECT_EQ(known.note({said("Requests.")}, minutes(1)), Texts{}) << "nothing new";
  EXPECT_EQ(known.note({said("All requests."), said("Requests.")}, minutes(2)),
            Texts{"requests_total"});
  EXPECT_EQ(helps(known), (Texts{"Requests.", "All requests."}));
  known.note({said("Requests.", "gauge")}, minutes(3));
  EXPECT_EQ(known.all().size(), 3U) << "another type is another description";
}

TEST(Descriptions, OneThatNobodyRepeatsIsForgotten) {
  Descriptions known;
  known.note({said("Old.")}, minutes(0));
  known.note({said("New.")}, minutes(30));
  known.note({said("New.")}, minutes(60));
  EXPECT_EQ(helps(known), (Texts{"Old.", "New."}));
  EXPECT_EQ(known.note({said("New.")}, minutes(61)), Texts{"requests_total"}) << "a row changes";
  EXPECT_EQ(helps(known), Texts{"New."});
  EXPECT_EQ(helps(known), Texts{"New."}) << "the last is known however long nobody says anything";
}

TEST(Descriptions, AreBounded) {
  Descriptions known;
  for (int i = 0; i < 100; ++i)
    known.note({said(std::to_string(i))}, minutes(0) + Descriptions::Moment(i));
  EXPECT_EQ(known.all().size(), Descriptions::kMaxOfFamily);
  EXPECT_EQ(helps(known).back(), "99");
  std::vector<Metadata> many;
  for (std::size_t i = 0; i < Descriptions::kMaxFamilies + 5; ++i)
    many.push_back({.family = "f" + std::to_string(i), .type = {}, .help = {}, .unit = {}});
  known.note(std::move(many), minutes(1));
  EXPECT_EQ(known.families().size(), Descriptions::kMaxFamilies);
}

TEST(Descriptions, LongTextsAreCutBetweenCharacters) {
  Descriptions known;
  std::string long_help(Descriptions::kMaxHelpBytes - 1, 'h');
  known.note({said(long_help + "ä and more")}, minutes(0));
  EXPECT_EQ(helps(known), Texts{long_help});
  EXPECT_EQ(known.note({said(long_help + "ä and more")}, minutes(1)), Texts{}) << "the same again";
  Metadata named = said("Help.");
  named.family.assign(Descriptions::kMaxNameBytes + 1, 'n');
  EXPECT_EQ(known.note({named}, minutes(1)), Texts{}) << "no family of this name is noted";
  EXPECT_EQ(known.families(), Texts{"requests_total"});
}

std::vector<Metadata> large_families(int first, int count) {
  std::vector<Metadata> many;
  for (int i = first; i < first + count; ++i)
    many.push_back({.family = "f" + std::to_string(i),
                    .type = "gauge",
                    .help = std::string(Descriptions::kMaxHelpBytes, 'h'),
                    .unit = {}});
  return many;
}

std::size_t bytes_in(const Descriptions& known) {
  std::size_t bytes = 0;
  for (const auto& one : known.all()) bytes += one.family.size() + one.help.size();
  return bytes;
}

TEST(Descriptions, TakeABoundedRoomWhateverSendersSay) {
  Descriptions known;
  for (int minute = 0; minute < 60; ++minute)
    known.note(large_families(minute * 1000, 1000), minutes(minute));
  EXPECT_LE(bytes_in(known), Descriptions::kMaxBytes);
  EXPECT_GE(bytes_in(known), Descriptions::kMaxBytes / 2);
  EXPECT_EQ(known.families().front(), "f0") << "what was there first is kept while it is new";
}

TEST(Descriptions, ThoseThatNobodyRepeatsMakeRoom) {
  Descriptions known;
  known.note(large_families(0, 20'000), minutes(0));
  known.note(large_families(0, 1), minutes(30));
  EXPECT_EQ(known.note(large_families(99'999, 1), minutes(60)), Texts{}) << "heard an hour ago";
  const auto changed = known.note(large_families(99'999, 1), minutes(61));
  EXPECT_EQ(known.families(), (Texts{"f0", "f99999"}));
  EXPECT_GT(changed.size(), 10'000U) << "rows of those that were forgotten go, too";
  EXPECT_EQ(known.row_of("f1"), "");
}

TEST(Descriptions, ComeBackFromTheirRow) {
  Descriptions known;
  known.note({said("One."), said("Two.", "gauge")}, minutes(0));
  const auto row = known.row_of("requests_total");
  Descriptions again;
  again.restore("requests_total", row, minutes(5));
  EXPECT_EQ(helps(again), (Texts{"One.", "Two."}));
  EXPECT_EQ(again.all()[1].type, "gauge");
  Descriptions part;
  part.restore("requests_total", std::string_view(row).substr(0, row.size() - 3), minutes(5));
  EXPECT_EQ(helps(part), Texts{"One."}) << "what is malformed ends it";
  EXPECT_EQ(again.row_of("unknown"), "");
}

TEST(Descriptions, ThatAreNotUtf8AreNotKnown) {
  Descriptions known;
  EXPECT_EQ(known.note({said("\xff"), said("One.", "\xff")}, minutes(0)), Texts{});
  std::string row;  // as versions wrote it that did not look
  for (const auto* text : {"gauge", "\xff", "", "gauge", "Two.", ""}) put_text(row, text);
  known.restore("requests_total", row, minutes(0));
  EXPECT_EQ(helps(known), Texts{"Two."});
}

TEST(Descriptions, ComeBackWithinTheSameBounds) {
  Descriptions known;
  std::string row;  // as versions wrote it that had no bounds
  for (const auto& text : {std::string("gauge"), std::string(1U << 14, 'h'), std::string()})
    put_text(row, text);
  for (int i = 0; i < 20'000; ++i) known.restore("f" + std::to_string(i), row, minutes(0));
  EXPECT_LE(bytes_in(known), Descriptions::kMaxBytes);
  EXPECT_EQ(helps(known).front().size(), Descriptions::kMaxHelpBytes);
}

}  // namespace
}  // namespace wellrun::telemetry::store
