#pragma once

#include <vector>

#include "catalog/catalog.h"
#include "telemetry/scrape/scrape_target.h"

namespace wellrun::server {

/// What the catalog's Scrape resources say is to be scraped.
std::vector<telemetry::scrape::ScrapeTarget> scrape_targets(const catalog::Catalog& catalog);

}  // namespace wellrun::server
