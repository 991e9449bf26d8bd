#pragma once

// Targets as service discovery finds them, and how a job turns them into what is scraped. Pure.
// Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/,
// file_sd_config, http_sd_config, and "Labels" of relabel_config.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/scrape/scrape_target.h"

namespace wellrun::telemetry::scrape {

struct TargetGroup {
  std::vector<std::string> targets;  ///< host:port
  Labels labels;  ///< of all of them; those that begin with "__" for relabelling only

  bool operator==(const TargetGroup&) const = default;
};

/// A list of {"targets": […], "labels": {…}}, as JSON or YAML; either may be missing or null.
/// kTooLarge: more than 100,000 targets, or 64 MiB once aliases are followed; kInvalid with what is
/// wrong, for anything else.
Result<std::vector<TargetGroup>> parse_target_groups(std::string_view text);

/// What all targets of a job share.
struct JobSettings {
  ScrapeTarget target;  ///< job, interval, limits …: all but url, labels, discovered
  std::string scheme = "http", path = "/metrics";
  std::vector<std::pair<std::string, std::string>> parameters;  ///< of the URL
  Relabelling relabelling;
  std::size_t target_limit = 0;  ///< 0: none; beyond, every target of the job has an obstacle

  bool operator==(const JobSettings&) const = default;
};

struct ResolvedTargets {
  std::vector<ScrapeTarget> targets;
  std::vector<std::pair<std::string, Labels>> dropped;  ///< job, discovered labels
  /// Obstacles that came up here: a target without an address or with an interval that is none,
  /// over the limit.
  std::vector<std::string> problems;
};

/// Labels of discovery with Prometheus' own (__address__, __scheme__, __metrics_path__,
/// __scrape_interval__, __scrape_timeout__, __param_…, job), through relabelling, to URLs.
ResolvedTargets resolve_targets(const JobSettings& job, const std::vector<TargetGroup>& groups);

}  // namespace wellrun::telemetry::scrape
