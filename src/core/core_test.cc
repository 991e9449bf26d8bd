#include <gtest/gtest.h>

#include "core/bytes.h"
#include "core/json.h"
#include "core/labels.h"
#include "core/text.h"

namespace wellrun {
namespace {

TEST(Labels, AreSortedUniqueAndWithoutEmptyValues) {
  const Labels labels{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", ""}};
  EXPECT_EQ(to_string(labels), "{a=\"2\", b=\"3\"}");
  EXPECT_EQ(labels.get("b"), "3");
  EXPECT_FALSE(labels.has("c"));
}

TEST(Labels, PrintAsPrometheusPrintsThem) {
  EXPECT_EQ(to_string(Labels{}), "{}");
  EXPECT_EQ(to_string(Labels{{"__name__", "up"}}), "up");
  EXPECT_EQ(to_string(Labels{{"__name__", "up"}, {"job", "a\"b"}}), "up{job=\"a\\\"b\"}");
  EXPECT_EQ(to_string(Labels{{"__name__", "a.b"}, {"x.y", "1"}}), "{\"a.b\", \"x.y\"=\"1\"}");
}

TEST(Labels, SetReplacesAddsAndRemoves) {
  Labels labels{{"a", "1"}};
  labels.set("b", "2");
  labels.set("a", "3");
  EXPECT_EQ(labels, (Labels{{"a", "3"}, {"b", "2"}}));
  labels.set("a", "");
  EXPECT_EQ(labels, (Labels{{"b", "2"}}));
}

TEST(StableHash, IsTheReferenceFnv1aSoThatItMayBeStored) {
  EXPECT_EQ(stable_hash(std::string_view("")), 0xcbf29ce484222325ULL);
  EXPECT_EQ(stable_hash(std::string_view("foobar")), 0x85944171f73967e8ULL);
}

TEST(Bytes, HexAndBase64ComeBackAsTheyWent) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(from_hex(to_hex(bytes)).value(), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    EXPECT_EQ(from_base64(to_base64url(bytes)).value(), bytes);
  }
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_FALSE(from_base64("Zm8*"));
  EXPECT_FALSE(from_hex("abc"));
}

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names{"payments", "checkout", "inventory"};
  EXPECT_EQ(nearest("paymets", names), "payments");
  EXPECT_EQ(nearest("chekcout", names), "checkout");
  EXPECT_EQ(nearest("zebra", names), std::nullopt);
  EXPECT_EQ(did_you_mean("inventroy", names), " (did you mean \"inventory\"?)");
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndTruncation) {
  EXPECT_TRUE(is_valid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* wrong :
       {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80"}) {
    EXPECT_FALSE(is_valid_utf8(wrong));
  }
}

TEST(Utf8, IsWrittenByCodePoint) {
  std::string text = "a";
  for (const char32_t code : {U'\u00E9', U'\u20AC', U'\U0001F600'}) append_utf8(text, code);
  EXPECT_EQ(text, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const char32_t none : std::initializer_list<char32_t>{0xD800, 0x110000}) {
    text.clear();
    append_utf8(text, none);
    EXPECT_EQ(text, "\xef\xbf\xbd") << std::uint32_t{none};
  }
}

TEST(Utf8, IsCutBetweenCharacters) {
  constexpr std::string_view kText = "a\xc3\xa9\xf0\x9f\x98\x80";
  constexpr std::size_t kKept[] = {0, 1, 1, 3, 3, 3, 3, 7, 7};
  for (std::size_t bytes = 0; bytes < std::size(kKept); ++bytes)
    EXPECT_EQ(utf8_beginning(kText, bytes), kText.substr(0, kKept[bytes])) << bytes;
}

TEST(Quote, WritesWhatIsNoTextAsItsBytes) {
  EXPECT_EQ(quote("a\"b\\\n"), R"("a\"b\\\n")");
  EXPECT_EQ(quote("caf\xc3\xa9 \x01"), "\"caf\xc3\xa9 \\x01\"");
  EXPECT_EQ(quote("\x82\xc3\xa9\xc3"), "\"\\x82\xc3\xa9\\xc3\"") << "only what is not UTF-8";
  EXPECT_EQ(quote("\xed\xa0\x80"), R"("\xed\xa0\x80")") << "a surrogate is none";
}

TEST(Json, DeepNestingIsAnErrorNotAStackOverflow) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(parse_json(deep).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(parse_json("{\"a\":").error().code, ErrorCode::kInvalid);
  const auto quoted = parse_json("{\"a\":" + std::string(1'000'000, '9') + "}");
  EXPECT_LT(quoted.error().message.size(), 400u);
  EXPECT_EQ(to_text(parse_json(R"({"b":1,"a":[true,null]})").value()),
            R"({"a":[true,null],"b":1})");
}

}  // namespace
}  // namespace wellrun
