#pragma once

// From an answer of a target to what is written: pure, so that the scraper only sends and stores.
// Source: Prometheus, "Jobs and instances" and staleness of scraped series.

#include <set>
#include <string>
#include <vector>

#include "core/result.h"
#include "platform/http/message.h"
#include "telemetry/model.h"
#include "telemetry/scrape/scrape_target.h"

namespace wellrun::telemetry::scrape {

/// Series of the scrape before that get a stale marker when they are missing from the next one.
/// Those whose target gave timestamps are not tracked.
using SeriesSet = std::set<Labels>;

struct ScrapedExemplar {
  Labels series;
  Exemplar exemplar;
};

struct ScrapeWrite {
  std::vector<SeriesWrite> series;  ///< samples, stale markers, and the scrape's own: up, scrape_…
  std::vector<ScrapedExemplar> exemplars;
  std::vector<Metadata> metadata;
  SeriesSet seen;     ///< for the next scrape
  std::string error;  ///< empty when the target is up; why not, otherwise
};

/// `answer`: what the HTTP client brought. Not 200, an error, or an exposition that cannot be read:
/// up is 0 and everything in `before` becomes stale. Two samples of one series at one time: the
/// first is kept. Over a limit, how many samples there were is written all the same.
ScrapeWrite apply_scrape(const ScrapeTarget& target, const Result<http::Response>& answer,
                         const SeriesSet& before, std::int64_t time_ms,
                         std::chrono::nanoseconds took);

/// Stale markers for `before` and for the scrape's own series: when the target is gone.
std::vector<SeriesWrite> forget_target(const ScrapeTarget& target, const SeriesSet& before,
                                       std::int64_t time_ms);

}  // namespace wellrun::telemetry::scrape
