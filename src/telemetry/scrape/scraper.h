#pragma once

// Scrapes targets on their intervals and writes what they expose. Built by server/wire.cc; lives on
// the strand: every public function is called there. Sending is the HTTP client's, reading and
// storing happen on workers.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "platform/http/client.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/exemplars.h"
#include "telemetry/scrape/scrape_target.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::scrape {

class Scraper {
 public:
  /// References outlive the scraper, and `workers`' tasks may run on after it: they hold what they
  /// need.
  Scraper(Runtime runtime, http::Client& client, MetricWriter& metrics, ExemplarStore& exemplars);
  ~Scraper();  ///< stops without markers: series end by lookback, as when Prometheus is stopped

  /// From now on exactly these are scraped. A target is known by its labels and URL: one that stays
  /// keeps its series, whatever else changed (a new token, another interval), and so does one whose
  /// URL alone became another; one that is gone has them marked stale. Of two with the same labels
  /// and URL the first is kept. A target's first scrape comes at a point of its interval that
  /// depends on both, so that targets do not all answer at once. One that has an obstacle is not
  /// asked: its `up` is 0, so that rules see that nothing is known of it.
  void set_targets(std::vector<ScrapeTarget> targets);

  /// Targets that relabelling dropped, by their discovered labels, for status().
  void set_dropped(std::vector<std::pair<std::string, Labels>> dropped);

  /// Prometheus' `data` of /api/v1/targets; of one scrape pool only, when it is not empty. Never
  /// shows headers. Of each target also `rejectedSamples`, how many the store did not take, and
  /// `lastRejection`, why not.
  Json status(std::string_view pool = {}) const;
  /// Of /api/v1/targets/metadata: what the targets that match expose. Once there are `limit`
  /// entries, no further target is looked at; those of one target are not cut.
  Json metadata(const MatcherSet& targets, std::string_view metric,
                std::optional<std::size_t> limit) const;
  /// Names of the jobs, sorted.
  std::vector<std::string> pools() const;

 private:
  struct Loop;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// GET /api/v1/targets (?state=active|dropped|any, ?scrapePool=), /api/v1/targets/metadata,
/// /api/v1/scrape_pools, in Prometheus' envelope.
std::vector<http::Route> scrape_routes(Scraper& scraper, Strand& strand);

}  // namespace wellrun::telemetry::scrape
