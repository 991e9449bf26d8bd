#include "health/alert_template.h"

#include <gtest/gtest.h>

namespace wellrun::health {
namespace {

std::string expand(std::string_view text, double value = 0) {
  const TemplateData data{.labels = Labels{{"job", "shop"}, {"code", "500"}},
                          .value = value,
                          .external_labels = {{"region", "eu"}},
                          .external_url = "https://ops.example"};
  auto result = expand_template(text, data);
  return result ? *result : "error: " + result.error().message;
}

TEST(AlertTemplate, ExpandsAsPrometheusDoes) {
  struct Case {
    const char* text;
    double value;
    const char* expected;
  };
  for (const auto& [text, value, expected] : std::initializer_list<Case>{
           {"no action", 0, "no action"},
           {"{{ $labels.job }} is {{ $value }}", 0.25, "shop is 0.25"},
           {"{{ .Labels.job }}/{{ .Value }}", 3, "shop/3"},
           {"{{ $labels.absent }}!", 0, "!"},
           {"{{ $externalLabels.region }} {{ $externalURL }}", 0, "eu https://ops.example"},
           {"{{ $value | humanizePercentage }}", 0.1234, "12.34%"},
           {"{{ humanizePercentage $value }}", 0.05, "5%"},
           {"{{ $value | humanize }}", 1234567, "1.235M"},
           {"{{ $value | humanize }}", 0.0021, "2.1m"},
           {"{{ $value | humanize1024 }}", 2097152, "2Mi"},
           {"{{ $value | humanizeDuration }}", 93784, "1d 2h 3m 4s"},
           {"{{ $value | humanizeDuration }}", 0.25, "250ms"},
           {R"({{ printf "%.2f" $value }})", 3.14159, "3.14"},
           {R"({{ $value | printf "%.0f of %s" 100 }})", 7, "100 of 7"},
           {R"({{ printf "%d%%" $value }})", 42, "42%"},
           {R"({{ ($value | humanize) | printf "[%s]" }})", 1000, "[1k]"},
           {"{{ $labels.job | toUpper }}", 0, "SHOP"},
           {"a \n{{- $labels.job -}}\n b", 0, "ashopb"},
           {"a{{/* note */}}b", 0, "ab"},
       }) {
    EXPECT_EQ(expand(text, value), expected) << text;
  }
}

TEST(AlertTemplate, RefusesWhatItDoesNotKnow) {
  EXPECT_TRUE(check_template("{{ $value | humanizePercentage }} {{ humanize $labels.n }}"));
  for (const auto* text :
       {"{{ query \"up\" }}", "{{ $lables.job }}", "{{ humanise $value }}", "{{ $value",
        "{{ printf }}", "{{ }}", "{{ $value $value }}", "{{ (( $value }}", "{{ ; }}",
        "{{ printf \"%999999999f\" $value }}", "{{ printf \"%y\" $value }}"}) {
    EXPECT_FALSE(check_template(text)) << text;
  }
  EXPECT_NE(
      check_template("{{ humanise $value }}").error().message.find("did you mean \"humanize\""),
      std::string::npos);
}

TEST(AlertTemplate, AValueIsNeverReadAsATemplate) {
  const TemplateData data{.labels = Labels{{"job", "{{ $value }}"}},
                          .value = 1,
                          .external_labels = {},
                          .external_url = {}};
  EXPECT_EQ(*expand_template("{{ $labels.job }}", data), "{{ $value }}");
}

}  // namespace
}  // namespace wellrun::health
