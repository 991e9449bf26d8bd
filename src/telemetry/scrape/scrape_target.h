#pragma once

// What is scraped and how; made from the catalog's Scrape resources. Plain data.

#include <string>

#include "core/labels.h"
#include "core/time.h"
#include "platform/http/client.h"
#include "telemetry/scrape/exposition.h"
#include "telemetry/scrape/relabel.h"

namespace wellrun::telemetry::scrape {

/// What one scrape may bring, after metric relabelling; over one of them the whole scrape fails and
/// `up` is 0. 0: no limit.
struct SampleLimits {
  std::size_t samples = 0;
  std::size_t labels = 0;  ///< of a sample, the name among them
  std::size_t label_name_bytes = 0, label_value_bytes = 0;

  bool operator==(const SampleLimits&) const = default;
};

struct ScrapeTarget {
  std::string job;  ///< the scrape pool
  std::string url;  ///< whole: http://host:port/metrics?module=x
  Labels
      labels;  ///< added to every sample; without `instance` in it, instance is the URL's host:port
  Duration interval{15'000};
  Duration timeout{10'000};  ///< cut to the interval
  bool honor_labels =
      false;  ///< true: a label of the target wins; false: it is kept as exported_<name>
  bool honor_timestamps = true;  ///< false: every sample gets the time of the scrape
  bool track_timestamps_staleness =
      false;              ///< whether series with times of their own get stale markers, too
  http::Headers headers;  ///< authorization and such, already resolved; never shown
  Labels discovered;      ///< before relabelling
  Relabelling metric_relabelling;
  SampleLimits sample_limits;
  bool native_histograms = false;   ///< asks for protobuf
  bool classic_histograms = false;  ///< keeps the classic series of a native histogram, too
  ExpositionLimits limits;          ///< over one of them, the whole scrape fails and `up` is 0
  std::size_t max_body_bytes = 16 << 20;
  std::string ca_file, certificate_file, key_file,
      server_name;  ///< as http::ClientRequest has them
  bool verify_certificate = true;
  bool follow_redirects = true;
  std::string obstacle;  ///< not empty: it is not asked, and each scrape fails with this

  bool operator==(const ScrapeTarget& other) const;
};

/// `labels` with instance; `job` is in them unless relabelling took it away.
Labels target_labels(const ScrapeTarget& target);

}  // namespace wellrun::telemetry::scrape
