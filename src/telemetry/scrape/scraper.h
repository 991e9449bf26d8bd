#pragma once

// Scrapes targets on their intervals and writes what they expose. Built by server/wire.cc; lives on
// the strand: every public function is called there. Sending is the HTTP client's, reading and
// storing happen on workers.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "platform/http/client.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/scrape/scrape_target.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::scrape {

class Scraper {
 public:
  /// References outlive the scraper, and `workers`' tasks may run on after it: they hold what they
  /// need.
  Scraper(Runtime runtime, http::Client& client, MetricWriter& metrics);
  ~Scraper();  ///< stops without markers: series end by lookback, as when Prometheus is stopped

  /// From now on exactly these are scraped. Targets that stay as they are keep their schedule;
  /// those gone or changed have their series marked stale. Of two with the same job and labels the
  /// first is kept. A target's first scrape comes at a point of its interval that depends on its
  /// labels, so that targets do not all answer at once.
  void set_targets(std::vector<ScrapeTarget> targets);

  /// Prometheus' `data` of /api/v1/targets. Never shows headers.
  Json status() const;

 private:
  struct Loop;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// GET /api/v1/targets (listTargets, viewer), in Prometheus' envelope; ?state=active|dropped|any.
std::vector<http::Route> scrape_routes(Scraper& scraper, Strand& strand);

}  // namespace wellrun::telemetry::scrape
