#include "server/metrics_text.h"

#include <gtest/gtest.h>

namespace wellrun::server {
namespace {

std::string written(telemetry::ExpositionKind kind) {
  MetricsText text(kind);
  const std::pair<std::string_view, std::string_view> labels[] = {{"version", "1\"2"}, {"b", "x"}};
  text.begin("wellrun_build", "info", "What is running.");
  text.add(labels, 1);
  text.family("wellrun_facts", "counter", "Facts.", 3);
  text.family("wellrun_open", "gauge", "Open.", 0.5);
  return std::move(text).finish();
}

TEST(MetricsText, OpenMetricsNamesFamiliesWithoutSuffixAndHasAnEnd) {
  EXPECT_EQ(written(telemetry::ExpositionKind::kOpenMetrics),
            "# TYPE wellrun_build info\n# HELP wellrun_build What is running.\n"
            "wellrun_build_info{version=\"1\\\"2\",b=\"x\"} 1\n"
            "# TYPE wellrun_facts counter\n# HELP wellrun_facts Facts.\nwellrun_facts_total 3\n"
            "# TYPE wellrun_open gauge\n# HELP wellrun_open Open.\nwellrun_open 0.5\n# EOF\n");
}

TEST(MetricsText, TheOldTextKnowsNoInfosAndNamesFamiliesAsTheirSamples) {
  EXPECT_EQ(written(telemetry::ExpositionKind::kText),
            "# TYPE wellrun_build_info gauge\n# HELP wellrun_build_info What is running.\n"
            "wellrun_build_info{version=\"1\\\"2\",b=\"x\"} 1\n"
            "# TYPE wellrun_facts_total counter\n# HELP wellrun_facts_total Facts.\n"
            "wellrun_facts_total 3\n"
            "# TYPE wellrun_open gauge\n# HELP wellrun_open Open.\nwellrun_open 0.5\n");
}

}  // namespace
}  // namespace wellrun::server
