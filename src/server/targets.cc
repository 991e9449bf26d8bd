#include "server/targets.h"

#include <fmt/format.h>

#include "catalog/kinds/scrape.h"

namespace wellrun::server {

std::vector<telemetry::scrape::ScrapeTarget> scrape_targets(const catalog::Catalog& catalog) {
  std::vector<telemetry::scrape::ScrapeTarget> targets;
  for (const auto* scrape : catalog.all<catalog::Scrape>()) {
    for (const auto& address : scrape->targets) {
      telemetry::scrape::ScrapeTarget target{
          .job = scrape->job_name(),
          .url = fmt::format("{}://{}{}", scrape->scheme, address, scrape->path)};
      for (const auto& [name, value] : scrape->labels) target.labels.set(name, value);
      target.interval = scrape->interval;
      target.timeout = scrape->timeout;
      target.honor_labels = scrape->honor_labels;
      target.limits.max_samples = scrape->sample_limit > 0
                                      ? static_cast<std::size_t>(scrape->sample_limit)
                                      : target.limits.max_samples;
      targets.push_back(std::move(target));
    }
  }
  return targets;
}

}  // namespace wellrun::server
