#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// Targets whose metrics are fetched, as Prometheus' scrape_config.
struct Scrape {
  static constexpr const char* kKind = "Scrape";
  Metadata metadata;
  Ref<Component> component;
  std::string job;                   ///< empty: metadata.name; see job_name()
  std::vector<std::string> targets;  ///< host:port
  std::string scheme = "http";
  std::string path = "/metrics";
  Duration interval{15'000};
  Duration timeout{10'000};
  TextMap labels;
  bool honor_labels = false;
  int sample_limit = 0;  ///< 0: none

  const std::string& job_name() const { return job.empty() ? metadata.name : job; }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Targets whose metrics are fetched, as Prometheus' `scrape_config`.");
    s.field("component", &Scrape::component, "The component that the targets are instances of.");
    s.field("job", &Scrape::job, "The `job` label. Default: `metadata.name`.");
    s.field("targets", &Scrape::targets, "Each `host:port`.").required().format("host-port");
    s.field("scheme", &Scrape::scheme, "How to ask.").one_of({"http", "https"});
    s.field("path", &Scrape::path, "What to ask for.");
    s.field("interval", &Scrape::interval, "How often.").positive();
    s.field("timeout", &Scrape::timeout, "When to give up; at most the interval.").positive();
    s.field("labels", &Scrape::labels, "Labels added to every sample.").format("label-map");
    s.field("honorLabels", &Scrape::honor_labels,
            "Whether labels in the samples win over `job`, `instance` and `labels`.");
    s.field("sampleLimit", &Scrape::sample_limit,
            "A scrape with more samples than this fails whole; 0: no limit.")
        .range(0, 10'000'000);
  }
};

}  // namespace wellrun::catalog
