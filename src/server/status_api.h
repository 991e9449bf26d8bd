#pragma once

// Prometheus' /api/v1/status/… and what its tools ask beside: configuration, flags, run time, who
// creates series, features. Only what is true of this program is said.

#include <vector>

#include "catalog/catalog_domain.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "server/options.h"
#include "telemetry/in_turn.h"
#include "telemetry/promql/engine.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// All outlive the routes.
struct StatusSources {
  Runtime runtime;
  const Options& options;
  const catalog::Catalog& catalog;
  const telemetry::promql::Engine& engine;
  const telemetry::EmbeddedStore& store;
  telemetry::RunningQueries& running;
  const std::vector<catalog::AppliedRecord>& applies;  ///< newest last
  Timestamp started;
};

std::vector<http::Route> status_routes(const StatusSources& sources);

}  // namespace wellrun::server
