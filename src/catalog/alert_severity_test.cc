#include "catalog/alert_severity.h"

#include <gtest/gtest.h>

namespace wellrun::catalog {
namespace {

TEST(AlertSeverity, AWordDoesTheSameInEveryFile) {
  for (const char* word : {"page", "critical", "Critical", "high", "sev1", "SEV2", "P1", "1"})
    EXPECT_EQ(alert_severity(word), "page") << word;
  for (const char* word : {"ticket", "warning", "Warning", "medium", "sev3", "p2", "P3", "3"})
    EXPECT_EQ(alert_severity(word), "ticket") << word;
  for (const char* word : {"", "info", "none", "low", "criticality"})
    EXPECT_EQ(alert_severity(word), "info") << word;
}

TEST(AlertSeverity, ATemplateMayBeEachWordThatItHolds) {
  const char* written = "{{ if gt $value 0.5 }}critical{{ else }}warning{{ end }}";
  EXPECT_TRUE(may_be_severity(written, "page"));
  EXPECT_TRUE(may_be_severity(written, "ticket"));
  EXPECT_FALSE(may_be_severity("{{ $labels.level }}", "page")) << "not known before it fires";
  EXPECT_TRUE(may_be_severity("critical", "page"));
  EXPECT_FALSE(may_be_severity("pages", "page"));
}

}  // namespace
}  // namespace wellrun::catalog
