#pragma once

// Who may send OTLP: the same answer for both doors, HTTP and gRPC. Built by application.cc.

#include "platform/auth/auth.h"
#include "server/options.h"
#include "telemetry/otlp/otlp_grpc.h"

namespace wellrun::server {

/// Loopback collectors send without a token, as they do to every collector, unless --otlp-auth
/// says otherwise; beyond loopback a token is always needed.
bool otlp_needs_token(const Options& options, std::string_view listen);

/// The lowest role that may send over OTLP/HTTP.
http::Role otlp_role(const Options& options, std::string_view listen);

/// The same for gRPC: empty where everyone may; else the call's metadata must have "authorization:
/// Bearer <token>" of a responder or above. `authenticator` outlives the result.
telemetry::otlp::Authorize otlp_authorize(const Options& options, std::string_view listen,
                                          Authenticator& authenticator);

}  // namespace wellrun::server
