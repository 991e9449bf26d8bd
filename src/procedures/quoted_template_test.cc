#include "procedures/quoted_template.h"

#include <gtest/gtest.h>

#include "core/json.h"

namespace wellrun::procedures {
namespace {

struct Row {
  const char* text;
  const char* value;
  const char* filled;
};

ValueOf always(const char* value) {
  return [value](std::string_view) { return std::string(value); };
}

TEST(QuotedTemplate, AValueAddsNothingToAQuery) {
  const Row rows[] = {
      {R"(sum(x{pod="{{p}}"}) < 1)", "web-1", R"(sum(x{pod="web-1"}) < 1)"},
      {R"(sum(x{pod="{{p}}"}))", "a\"}) or vector(0) #", R"(sum(x{pod="a\"}) or vector(0) #"}))"},
      {R"(x{pod="{{p}}"})", "a\\", R"(x{pod="a\\"})"},
      {R"(x{pod='{{p}}'})", "it's \"b\"", R"(x{pod='it\'s "b"'})"},
      {R"(x{pod="{{p}}"})", "a\nb", R"(x{pod="a\nb"})"},
      {R"(x{pod=`{{p}}`})", "a\\`} or y", R"(x{pod=`a\} or y`})"},
      {R"(x{pod="\"{{p}}"})", "\"} or y #", R"(x{pod="\"\"} or y #"})"},
      {R"(x{pod="\{{p}}"})", "\"} or y #", R"(x{pod="\\\"} or y #"})"},
      {R"(x{a="b"} > {{p}})", "-1.5e-3", R"(x{a="b"} > -1.5e-3)"},
      {R"(rate({{p}}[{{p}}]))", "5m", "rate(5m[5m])"},
      {R"({{p}}{a="b"} > 1)", "shop:orders_total", R"(shop:orders_total{a="b"} > 1)"},
      {R"(x > {{p}})", "0 or vector(1)", "x > \"0 or vector(1)\""},
      {R"(x > {{p}})", "\"", R"(x > "\"")"},
      {R"(x > {{p}})", "", "x > "},
      {"x # for {{p}}\n > 1", "a\n or y", "x # for \"a\\n or y\"\n > 1"},
      {"x # \"\n > {{p}}", "a b", "x # \"\n > \"a b\""},
      {R"(x{a="#"} > {{p}})", "1", R"(x{a="#"} > 1)"},
      {" {{p}} ", "sum(x) > 1", "sum(x) > 1"},
      {"{{p}} + {{p}}", "sum(x)", "\"sum(x)\" + \"sum(x)\""},
      {"x{{p", "1", "x{{p"},
  };
  for (const auto& row : rows) EXPECT_EQ(fill_query(row.text, always(row.value)), row.filled);
}

TEST(QuotedTemplate, AValueAddsNothingToABody) {
  const Row json[] = {
      {R"({"text": "{{p}}"})", R"(x","force":true,"y":")",
       R"({"text": "x\",\"force\":true,\"y\":\""})"},
      {R"({"text": "a {{p}}"})", "b\n\\", R"({"text": "a b\n\\"})"},
      {R"({"text": "\{{p}}"})", R"(","force":true,"y":")",
       R"({"text": "\\\",\"force\":true,\"y\":\""})"},
      {R"({"n": {{p}}})", "3", R"({"n": 3})"},
      {R"({"n": {{p}}})", R"({"a": [1]})", R"({"n": {"a": [1]}})"},
      {R"({"n": {{p}}})", R"(1,"force":true)", R"({"n": "1,\"force\":true"})"},
      {R"({"n": {{p}}})", "", R"({"n": ""})"},
  };
  for (const auto& row : json) {
    for (const auto* type : {"", "application/json", "Application/CloudEvents+JSON; charset=utf-8"})
      EXPECT_EQ(fill_body(row.text, type, always(row.value)), row.filled) << type;
    EXPECT_TRUE(parse_json(row.filled)) << row.filled;
  }
  EXPECT_EQ(fill_body("a={{p}}&b=1", "application/x-www-form-urlencoded", always("1&c=ä")),
            "a=1%26c%3D%C3%A4&b=1");
  EXPECT_EQ(fill_body("{{p}}", "application/json", always(R"({"a":1})")), R"({"a":1})");
  for (const auto* type : {"", "text/plain"})
    EXPECT_EQ(fill_body("{{p}} \"{{p}}\"", type, always("\"hi\"")), "\"hi\" \"\"hi\"\"");
}

}  // namespace
}  // namespace wellrun::procedures
