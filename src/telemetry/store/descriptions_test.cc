#include "telemetry/store/descriptions.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace wellrun::telemetry::store
