#pragma once

// What the catalog's Scrape resources say is to be scraped, with the secrets that it takes.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/kinds/scrape.h"
#include "platform/runtime/runtime.h"
#include "telemetry/scrape/discovery.h"

namespace wellrun::server {

using ReadSecret = std::function<Result<std::string>(const std::string& reference)>;

/// One job of each Scrape resource. A job whose secret cannot be read has that as the obstacle of
/// its targets. One whose relabelling is wrong is left out, and logged: which targets it has cannot
/// be known.
std::vector<telemetry::scrape::ScrapeJob> scrape_jobs(const catalog::Catalog& catalog,
                                                      const ReadSecret& read_secret);

/// The job's timeout; where none is given 10 s, or the interval when that is shorter.
Duration timeout_of(const catalog::Scrape& scrape);

/// The catalog's steps as the scraper has them; not checked.
std::vector<telemetry::scrape::RelabelStep> relabel_steps(
    const std::vector<catalog::RelabelRule>& rules);

inline constexpr Duration kSecretsEvery{60'000};

/// Gives the discovery the catalog's jobs, at each apply and whenever a secret is another one than
/// before: secrets are read again every minute, on a worker. What was read last holds while it
/// cannot be read, as in the middle of a rotation. On the strand.
class ScrapeJobs {
 public:
  /// References outlive it. `read_secret` is called on the strand and on workers.
  ScrapeJobs(Runtime runtime, const catalog::Catalog& catalog, ReadSecret read_secret,
             telemetry::scrape::Discovery& discovery);
  ~ScrapeJobs();

  /// At the start, and after each apply.
  void catalog_changed();

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< a reading under way holds it weakly
};

}  // namespace wellrun::server
