#pragma once

// A backup of everything that is kept, while the server runs: a data folder of its own.

#include <string>
#include <vector>

#include "platform/http/router.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// Makes `to`, which must not exist, a data folder that a server can be started on: journal, tokens
/// and telemetry, each as of one moment, in this order (so that no fact speaks of telemetry that is
/// missing from it). kInvalid for a path that is not absolute, kConflict, kNoSpace, kIo: what was
/// made of it is removed again.
Status back_up(const std::string& data, telemetry::EmbeddedStore& telemetry, const std::string& to);

/// POST /api/v1/backups. All outlive the routes.
std::vector<http::Route> backup_routes(Runtime runtime, std::string data,
                                       telemetry::EmbeddedStore& telemetry);

}  // namespace wellrun::server
