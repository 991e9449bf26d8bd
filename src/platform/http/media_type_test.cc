#include "platform/http/media_type.h"

#include <gtest/gtest.h>

namespace wellrun::http {
namespace {

TEST(MediaType, IsReadWhateverItsCaseAndSpaces) {
  const auto type = parse_media_type("Text/Plain ;Version=\"1.0.0\"; charset = UTF-8;;=x");
  EXPECT_EQ(type.name, "text/plain");
  EXPECT_EQ(type.parameter("version"), "1.0.0");
  EXPECT_EQ(type.parameter("charset"), "UTF-8");
  EXPECT_EQ(type.parameter("escaping"), "");
  EXPECT_EQ(type.parameters.size(), 2U);
  EXPECT_EQ(parse_media_type("").name, "");
}

TEST(MediaType, TheMostWantedComesFirst) {
  const auto names = [](std::string_view accept) {
    std::string all;
    for (const auto& type : accepted_types(accept)) all += type.name + " ";
    return all;
  };
  EXPECT_EQ(names("a/a;q=0.1, b/b, c/c;q=0.5,d/d;q=1"), "b/b d/d c/c a/a ");
  EXPECT_EQ(names("a/a;q=0,b/b;q=nan,, */*;q=0.2"), "b/b */* ");
  EXPECT_EQ(names(""), "");
}

}  // namespace
}  // namespace wellrun::http
