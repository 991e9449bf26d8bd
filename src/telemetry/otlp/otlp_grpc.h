#pragma once

// OTLP over gRPC: the three Export methods, for platform/grpc's server (4317).
// Source: opentelemetry-proto 1.x, collector/*/v1/*_service.proto.

#include <functional>
#include <map>
#include <string>

#include "platform/grpc/grpc_server.h"
#include "telemetry/otlp/otlp_receiver.h"

namespace wellrun::telemetry::otlp {

/// Decides whether a call may export; an error is the call's answer. Empty: everyone may
/// (loopback).
using Authorize = std::function<Status(const grpc::Metadata&)>;

/// `receiver` outlives the server. Overload and a full disk are UNAVAILABLE, which senders try
/// again; what they cannot mend is INVALID_ARGUMENT.
std::map<std::string, grpc::Method> otlp_methods(OtlpReceiver& receiver, Authorize authorize = {});

}  // namespace wellrun::telemetry::otlp
