#pragma once

// What an operator should know, where Prometheus' page looks for it: who is at its limit of series,
// damage found in the store.

#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// GET /api/v1/notifications, and …/live: server-sent events, first what holds, then what begins
/// (`active`) and what is over. `store` outlives the routes; `started`: when this server did.
std::vector<http::Route> notification_routes(Runtime runtime, const telemetry::EmbeddedStore& store,
                                             Timestamp started);

}  // namespace wellrun::server
