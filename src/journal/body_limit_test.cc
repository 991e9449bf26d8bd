#include "journal/body_limit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/text.h"

namespace wellrun::journal {
namespace {

std::size_t json_size(const std::string& text) {
  return to_text(text).size() - 2;
}

TEST(BodyLimit, ShortTextStaysAsItIs) {
  EXPECT_EQ(beginning_within("all of it", 16), "all of it");
  EXPECT_EQ(end_within("all of it\n", 16), "all of it\n");
}

TEST(BodyLimit, LongTextIsCutAtTheRightEnd) {
  EXPECT_EQ(beginning_within(std::string(30, 'a') + "end", 16), std::string(11, 'a') + "[…]");
  EXPECT_EQ(end_within("begin" + std::string(30, 'z'), 16), "[…]\n" + std::string(9, 'z'));
}

TEST(BodyLimit, ControlCharactersCountAsTheyAreWritten) {
  const std::string nuls(4096, '\0');
  EXPECT_LE(json_size(end_within(nuls, 8192)), 8192U);
  EXPECT_LE(json_size(beginning_within(nuls, 8192)), 8192U);
}

RC_GTEST_PROP(BodyLimit, WhateverTheBytesWhatIsCutFitsAndIsUtf8, (const std::string& given)) {
  const auto text = given + given + given + given + given + given + given + given;
  const auto max_bytes = *rc::gen::inRange<std::size_t>(16, 200);
  for (const auto& cut : {beginning_within(text, max_bytes), end_within(text, max_bytes)}) {
    RC_ASSERT(json_size(cut) <= max_bytes);
    RC_ASSERT(cut == text || is_valid_utf8(cut));
  }
}

TEST(BodyLimit, ABodyKeepsItsFieldsAndItsShortTexts) {
  Json body{{"id", "run-0001"}, {"output", std::string(20'000, '\1')}, {"exit_code", 3}};
  EXPECT_TRUE(cut_to_fit(body, 16 << 10));
  EXPECT_EQ(body["id"], "run-0001");
  EXPECT_EQ(body["exit_code"], 3);
  EXPECT_TRUE(body["output"].get<std::string>().ends_with("[…]"));
  EXPECT_LE(to_text(body).size(), 16U << 10);
  const auto once = body;
  EXPECT_FALSE(cut_to_fit(body, 16 << 10));
  EXPECT_EQ(body, once);
}

TEST(BodyLimit, ListsAreCutWhenTextsAreShort) {
  Json body{{"id", "x"}, {"labels", Json::object()}, {"values", Json::array()}};
  for (int i = 0; i < 3000; ++i) {
    body["labels"]["label-" + std::to_string(i)] = i;
    body["values"].push_back({{"at", i}});
  }
  EXPECT_TRUE(cut_to_fit(body, 16 << 10));
  EXPECT_EQ(body["id"], "x");
  EXPECT_EQ(body["values"].size(), 64U);
  EXPECT_LE(to_text(body).size(), 16U << 10);
}

TEST(BodyLimit, ABodyOfALongNameCanOnlyBeEmptied) {
  Json body{{std::string(20'000, 'k'), 1}};
  EXPECT_TRUE(cut_to_fit(body, 16 << 10));
  EXPECT_EQ(body, Json::object());
}

}  // namespace
}  // namespace wellrun::journal
