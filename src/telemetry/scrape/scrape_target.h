#pragma once

// What is scraped and how; made from the catalog's Scrape resources. Plain data.

#include <string>

#include "core/labels.h"
#include "core/time.h"
#include "platform/http/client.h"
#include "telemetry/scrape/exposition.h"

namespace wellrun::telemetry::scrape {

struct ScrapeTarget {
  std::string job;
  std::string url;  ///< whole: http://host:port/metrics?module=x
  Labels
      labels;  ///< added to every sample; without `instance` in it, instance is the URL's host:port
  Duration interval{15'000};
  Duration timeout{10'000};  ///< cut to the interval
  bool honor_labels =
      false;  ///< true: a label of the target wins; false: it is kept as exported_<name>
  bool honor_timestamps = true;  ///< false: every sample gets the time of the scrape
  http::Headers headers;         ///< authorization and such, already resolved; never shown
  ExpositionLimits limits;       ///< over one of them, the whole scrape fails and `up` is 0
  std::size_t max_body_bytes = 16 << 20;
  std::string ca_file;
  bool verify_certificate = true;

  bool operator==(const ScrapeTarget& other) const;
};

/// `labels` with job and instance.
Labels target_labels(const ScrapeTarget& target);

}  // namespace wellrun::telemetry::scrape
