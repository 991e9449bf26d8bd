#pragma once

#include <functional>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/kinds/scrape.h"
#include "telemetry/scrape/discovery.h"

namespace wellrun::server {

using ReadSecret = std::function<Result<std::string>(const std::string& reference)>;

/// What the catalog's Scrape resources say is to be scraped. A job whose secret cannot be read or
/// whose relabelling is wrong is left out, and logged.
std::vector<telemetry::scrape::ScrapeJob> scrape_jobs(const catalog::Catalog& catalog,
                                                      const ReadSecret& read_secret);

/// The catalog's steps as the scraper has them; not checked.
std::vector<telemetry::scrape::RelabelStep> relabel_steps(
    const std::vector<catalog::RelabelRule>& rules);

}  // namespace wellrun::server
