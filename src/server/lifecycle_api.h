#pragma once

// Prometheus' lifecycle API: reloading and ending the server over HTTP. Source:
// https://prometheus.io/docs/prometheus/latest/management_api/

#include <functional>
#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "server/options.h"

namespace wellrun::server {

struct Lifecycle {
  /// Reads again what is read from outside: secrets, and with them what is scraped. (What is wanted
  /// comes by `wellrun apply`, and is in force at once.) On the strand.
  std::function<void()> reload;
  std::function<void()> quit;  ///< begins an orderly end
};

/// POST (and PUT) /-/reload and /-/quit, for admins; 403 without --enable-lifecycle. `options`
/// outlives the routes.
std::vector<http::Route> lifecycle_routes(Strand& strand, const Options& options,
                                          Lifecycle lifecycle);

}  // namespace wellrun::server
