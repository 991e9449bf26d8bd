#pragma once

// What this server does, said as Prometheus' configuration file: for tools that read it back. Pure.
// Secrets are left out, as Prometheus leaves them out. Source:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/

#include <string>

#include "catalog/catalog.h"
#include "server/options.h"

namespace wellrun::server {

/// Global settings, every scrape job with all that is said of it, storage. Rule groups are
/// resources here and not files, so there are no rule_files.
std::string prometheus_configuration(const Options& options, const catalog::Catalog& catalog);

}  // namespace wellrun::server
