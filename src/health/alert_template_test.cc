#include "health/alert_template.h"

#include <fstream>
#include <gtest/gtest.h>

#include "core/text.h"

namespace wellrun::health {
namespace {

const std::vector<telemetry::InstantSeries> kSeries = {
    {Labels{{"__name__", "n"}, {"k", "a"}, {"z", "3"}}, 1},
    {Labels{{"__name__", "n"}, {"k", "b"}, {"z", "2"}}, 2},
    {Labels{{"__name__", "n"}, {"k", "c"}, {"z", "1"}}, 3}};

/// Answers n, n{k='…'} and nothing.
Result<telemetry::InstantResult> answer(const std::string& promql) {
  telemetry::InstantResult found;
  for (const auto& series : kSeries) {
    if (promql == "n" || (promql.starts_with("n{k=") && promql[5] == series.labels.get("k")[0]))
      found.series.push_back(series);
  }
  return found;
}

TemplateData data() {
  return {.labels = Labels{{"__name__", "m"},
                           {"code", "500"},
                           {"instance", "web-1.example.com:9100"},
                           {"job", "shop"}},
          .value = 1234567.5,
          .external_labels = {{"region", "eu"}},
          .external_url = "https://ops.example/prom",
          .now = from_unix_ms(1'767'225'600'000),
          .query = answer};
}

std::string expand(std::string_view text) {
  auto result = expand_template(text, data());
  return result ? *result : "error";
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == '\\');
    out += !escape ? text[i] : text[i + 1] == 'n' ? '\n' : '\\';
    i += escape ? 1 : 0;
  }
  return out;
}

TEST(AlertTemplate, ExpandsTheCorpusAsPrometheusDoes) {
  std::ifstream corpus(std::string(WELLRUN_SOURCE_DIR) + "/tests/corpora/templates/language.txt");
  int count = 0;
  for (std::string text, expected; std::getline(corpus, text);) {
    if (text.empty() || text.starts_with('#')) continue;
    ASSERT_TRUE(std::getline(corpus, expected) && expected.starts_with("= ")) << text;
    EXPECT_EQ(expand(text), unescaped(expected.substr(2))) << text;
    ++count;
  }
  EXPECT_GT(count, 60);
}

TEST(AlertTemplate, WhatCannotWorkIsRefusedBeforeItIsUsed) {
  EXPECT_TRUE(check_template("{{ $value | humanizePercentage }} {{ humanize $labels.n }}"));
  EXPECT_TRUE(check_template("{{ query \"up\" | first | value }}"));
  for (const auto* text : {"{{ $lables.job }}",
                           "{{ humanise $value }}",
                           "{{ $value",
                           "{{ printf }}",
                           "{{ }}",
                           "{{ $value $value }}",
                           "{{ (( $value }}",
                           "{{ ; }}",
                           "{{ if }}x{{ end }}",
                           "{{ if true }}x",
                           "{{ end }}",
                           "{{ else }}",
                           "{{ range . }}{{ define \"x\" }}{{ end }}{{ end }}",
                           "{{ break }}",
                           "{{ 1 | 2 }}",
                           "{{ \"open }}",
                           "{{ `open }}",
                           "{{ 'ab' }}",
                           "{{ 1x }}",
                           "{{ $x }}",
                           "{{ $x = 1 }}",
                           "{{ 99999999999999999999 }}",
                           "{{ /* late */ }}",
                           "{{ define \"T\" }}{{ $labels.job }}{{ end }}",
                           "{{ template }}",
                           "{{ .a$b }}"}) {
    EXPECT_FALSE(check_template(text)) << text;
  }
}

TEST(AlertTemplate, AMessageSaysTheLineAndWhatWasMeant) {
  const auto unknown = check_template("first\n{{ humanise $value }}").error().message;
  EXPECT_EQ(unknown, "line 2: function \"humanise\" is not defined (did you mean \"humanize\"?)");
  EXPECT_EQ(expand_template("\n\n{{ eq $value 1 }}", data()).error().message,
            "line 3: eq: incompatible types for comparison, float64 and int; write the number with "
            "a point, as 1.0");
  EXPECT_EQ(expand_template("{{ .Valu }}", data()).error().message,
            "line 1: can't evaluate field Valu in type the alert's data (did you mean \"Value\"?)");
}

TEST(AlertTemplate, AValueIsNeverReadAsATemplate) {
  auto given = data();
  given.labels.set("job", "{{ $value }}");
  EXPECT_EQ(*expand_template("{{ $labels.job }}", given), "{{ $value }}");
}

TEST(AlertTemplate, AHostileTemplateEndsWithinItsLimits) {
  EXPECT_FALSE(expand_template("{{ range 90000 }}{{ range 90000 }}{{ end }}{{ end }}", data()));
  EXPECT_FALSE(expand_template(
      "{{ define \"T\" }}{{ template \"T\" }}{{ end }}{{ template \"T\" }}", data()));
  EXPECT_FALSE(expand_template("{{ range 9000 }}0123456789{{ end }}", data()));
  EXPECT_FALSE(check_template(std::string(20'000, 'x') + "{{ . }}"));
  std::string deep = "{{ ";
  for (int i = 0; i < 5000; ++i) deep += "(";
  EXPECT_FALSE(check_template(deep + "1"));
  EXPECT_FALSE(expand_template(
      "{{ reReplaceAll \"(a*)*b\" \"x\" (printf \"%1000s\" \"a\") | len | range }}", data()));
  EXPECT_EQ(expand("{{ len (printf \"%9999999d\" 1) }}"), "1000");
}

TEST(AlertTemplate, WhatGrowsWithinATemplateEndsWithinItsLimits) {
  std::string nested = "$x", doubled;
  for (int i = 0; i < 50; ++i) nested = "(args " + nested + ")";
  for (int i = 0; i < 4000; ++i) doubled += "$0";
  const std::string shared =
      "{{ $x := args 1 }}{{ range 60 }}{{ $x = args $x $x }}{{ end }}";  // 2^60 of them
  for (const auto& text : {
           "{{ $x := args 1 }}{{ range 1500 }}{{ $x = " + nested + " }}{{ end }}",
           std::string(
               "{{ $x := \"aaaaaaaa\" }}{{ range 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}"),
           std::string("{{ $x := \"aaaaaaaa\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}"),
           shared + "{{ $x }}",
           shared + "{{ len (print $x) }}",
           shared + "{{ len (println $x) }}",
           shared + "{{ len (printf \"%v\" $x) }}",
           shared + "{{ len (printf \"\" $x) }}",
           shared + "{{ len (html $x) }}",
           "{{ reReplaceAll \".\" \"" + doubled + "\" (printf \"%1000s\" \"a\") | len }}",
           std::string("{{ $x := printf \"%1000s%1000s\" \"\" \"\" }}{{ range 3000 }}{{ $y := "
                       "match \"a\" $x }}{{ end }}"),
           std::string("{{ range 30000 }}{{ range 1000000000 }}{{ break }}{{ end }}{{ end }}"),
       }) {
    const auto expanded = expand_template(text, data());
    ASSERT_FALSE(expanded) << text;
    EXPECT_EQ(expanded.error().code, ErrorCode::kTooLarge) << text << to_string(expanded.error());
  }
  EXPECT_EQ(
      expand(
          "{{ range $i, $x := 1000000000 }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $x }}{{ end }}"),
      "012");
  EXPECT_EQ(expand("{{ range 0 }}a{{ else }}none{{ end }}"), "none");
  const auto nested_by = [](int turns) {
    return expand_template(
        fmt::format("{{{{ $x := args 1 }}}}{{{{ range {} }}}}{{{{ $x = args $x }}}}{{{{ end }}}}",
                    turns),
        data());
  };
  EXPECT_TRUE(nested_by(60));
  const auto deep = nested_by(70);
  ASSERT_FALSE(deep) << "its end would be as deep as it is";
  EXPECT_TRUE(deep.error().message.contains("nest deeper than 64")) << to_string(deep.error());
}

TEST(AlertTemplate, QueriesAreCollectedAskedAndThenExpandedAgain) {
  TemplateQueries queries;
  auto given = data();
  given.query = queries.port();
  const auto* text =
      "{{ with query \"n\" }}{{ range . }}{{ query (printf \"n{k='%s'}\" .Labels.k) | len }}{{ end "
      "}}{{ end }}";
  auto result = expand_template(text, given);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  int rounds = 0;
  while (!result && rounds < 10) {
    ++rounds;
    for (const auto& promql : queries.take_open()) queries.put(promql, answer(promql));
    result = expand_template(text, given);
  }
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "111");
  EXPECT_EQ(rounds, 4);
}

TEST(AlertTemplate, AHistogramOfAQueryPrintsAsItsText) {
  const auto latency = std::make_shared<telemetry::Histogram>();
  latency->count = 7;
  latency->sum = 5.5;
  latency->zero_threshold = 0.001;
  latency->zero_count = 2;
  latency->positive_spans = {{0, 3}};
  latency->positive_counts = {1, 0, 3};
  latency->negative_spans = {{0, 1}};
  latency->negative_counts = {1};
  auto given = data();
  given.query = [&](const std::string&) -> Result<telemetry::InstantResult> {
    telemetry::InstantResult found;
    found.series.push_back({Labels{{"k", "a"}}, 1});
    found.histograms.push_back({Labels{{"k", "b"}}, latency});
    return found;
  };
  EXPECT_EQ(expand_template("{{ range query `h` }}{{ .Labels.k }}={{ .Value }} {{ end }}", given),
            "a=1 b={count:7, sum:5.5, [-1,-0.5):1, [-0.001,0.001]:2, (0.5,1]:1, (2,4]:3} ");
  EXPECT_FALSE(expand_template("{{ humanize (index (query `h`) 1).Value }}", given));
}

TEST(AlertTemplate, AQueryThatFailsIsTheExpansionsError) {
  TemplateQueries queries;
  queries.put("bad(", fail(ErrorCode::kInvalid, "1:5: parse error"));
  auto given = data();
  given.query = queries.port();
  EXPECT_EQ(expand_template("{{ query \"bad(\" }}", given).error().message,
            "line 1: 1:5: parse error");
}

}  // namespace
}  // namespace wellrun::health
