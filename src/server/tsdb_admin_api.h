#pragma once

// Prometheus' admin API: deleting series, giving their space back, snapshots. Source:
// https://prometheus.io/docs/prometheus/latest/querying/api/#tsdb-admin-apis

#include <string>
#include <vector>

#include "journal/ledger.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "server/options.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// POST (and PUT) /api/v1/admin/tsdb/delete_series, …/clean_tombstones, …/snapshot, for admins; 503
/// "admin APIs disabled" without --enable-admin-api. What was deleted and by whom is a fact.
/// References outlive the server.
std::vector<http::Route> tsdb_admin_routes(Runtime runtime, const Options& options,
                                           telemetry::EmbeddedStore& store,
                                           journal::Ledger& ledger);

}  // namespace wellrun::server
