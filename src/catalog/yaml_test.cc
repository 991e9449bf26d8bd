#include "catalog/yaml.h"

#include <gtest/gtest.h>

namespace wellrun::catalog {
namespace {

TEST(Yaml, KnowsWhereEachValueStands) {
  const auto read = read_yaml("a: 1\n---\nlist:\n  - x\n  - deep: y\n");
  ASSERT_TRUE(read.errors.empty());
  ASSERT_EQ(read.documents.size(), 2U);
  const Node& deep = *read.documents[1].find("list")->items[1].find("deep");
  EXPECT_EQ(deep.text, "y");
  EXPECT_EQ(deep.position.line, 5);
  EXPECT_EQ(deep.position.column, 11);
}

TEST(Yaml, RefusesNestingBeyondTheLimitWhereItBegins) {
  const auto read = read_yaml(std::string(100'000, '[') + std::string(100'000, ']'));
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].message, "nested deeper than 64 levels");
  EXPECT_EQ(read.errors[0].position.column, 65);
}

TEST(Yaml, RefusesAnAliasInsideOfItself) {
  const auto read = read_yaml("a: &a [*a]\n");
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].message, "an alias inside of what it names would never end");
}

TEST(Yaml, RefusesALongTextRepeatedByAliases) {
  std::string text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 100; ++i) text += "*a,";
  const auto read = read_yaml(text + "]\n");
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_NE(read.errors[0].message.find("with its aliases expanded"), std::string::npos);
}

TEST(Yaml, ExpandsAliasesWithinTheBounds) {
  const auto read = read_yaml("a: &a {x: 1}\nb: *a\n");
  ASSERT_TRUE(read.errors.empty());
  EXPECT_EQ(read.documents[0].find("b")->find("x")->text, "1");
}

TEST(Yaml, SaysWhereTextIsNotUtf8) {
  const auto read = read_yaml("a: b\nc: \xff\n");
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].message, "this is not UTF-8");
  EXPECT_EQ(read.errors[0].position.line, 2);
  EXPECT_EQ(read.errors[0].position.column, 4);
}

TEST(Yaml, RefusesZeroBytesThatWouldMakeItAnotherEncoding) {
  const auto read = read_yaml(std::string_view("a: b\nc: \0", 9));
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_EQ(read.errors[0].position.line, 2);
  EXPECT_EQ(read.errors[0].position.column, 4);
  EXPECT_TRUE(read.documents.empty());
}

TEST(Yaml, RefusesFilesBeyondTheLimit) {
  EXPECT_EQ(read_yaml(std::string((4 << 20) + 1, '#')).errors.size(), 1U);
}

/// A small generator of its own: the same texts on every machine.
struct Chance {
  std::uint64_t state;
  std::size_t below(std::size_t count) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % count;
  }
};

std::string nasty_text(Chance& chance) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "B",
                                                   "0",
                                                   " ",
                                                   "  ",
                                                   "\n",
                                                   "\t",
                                                   ":",
                                                   ": ",
                                                   "#",
                                                   " #",
                                                   "'",
                                                   "\"",
                                                   "\\",
                                                   "-",
                                                   "- ",
                                                   "{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   ",",
                                                   "&a",
                                                   "*a",
                                                   "!",
                                                   "|",
                                                   ">",
                                                   "%",
                                                   "@",
                                                   "`",
                                                   "null",
                                                   "~",
                                                   "1.",
                                                   "true",
                                                   "---",
                                                   "…",
                                                   "ü",
                                                   "\r",
                                                   "\x01",
                                                   "\x7f",
                                                   "{{x}}",
                                                   "\xEF\xBB\xBF",
                                                   "\xE2\x80\xA8",
                                                   "\xC2\x85",
                                                   "=",
                                                   "?",
                                                   "? ",
                                                   "\xC2\xA0"};
  std::string text;
  for (std::size_t i = chance.below(8); i-- > 0;) text += kPieces[chance.below(kPieces.size())];
  return text;
}

TEST(Yaml, EveryTextComesBackAsItWas) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Chance chance{seed * 7919 + 1};
    Node node = map_node();
    node.add("key", text_node(nasty_text(chance)));
    Node list = sequence_node();
    list.items.push_back(text_node(nasty_text(chance)));
    Node inner = map_node();
    inner.add("x" + nasty_text(chance), text_node(nasty_text(chance)));
    list.items.push_back(std::move(inner));
    node.add("list", std::move(list));
    const std::string written = write_yaml(node);
    const auto read = read_yaml(written);
    ASSERT_TRUE(read.errors.empty()) << "seed " << seed << "\n"
                                     << written << read.errors[0].message;
    ASSERT_EQ(read.documents.size(), 1U) << "seed " << seed << "\n" << written;
    ASSERT_EQ(read.documents[0], node) << "seed " << seed << "\n" << written;
  }
}

/// It has no line that it could be indented from.
TEST(Yaml, ATextOfSeveralLinesMayBeAWholeDocument) {
  const auto text = text_node("*\n*v!");
  const auto read = read_yaml(write_yaml(text));
  ASSERT_TRUE(read.errors.empty()) << write_yaml(text);
  EXPECT_EQ(read.documents.at(0), text);
}

}  // namespace
}  // namespace wellrun::catalog
