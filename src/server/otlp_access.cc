#include "server/otlp_access.h"

#include <fmt/format.h>

#include "platform/http/server.h"

namespace wellrun::server {
namespace {

constexpr auto kSender = http::Role::kResponder;

/// Only what authentication looks at. A page's session is no way in here: a browser speaks no gRPC.
http::Request request_of(const grpc::Metadata& metadata) {
  http::Request request{.method = "POST"};
  for (const auto& [name, value] : metadata) {
    if (name == "authorization") request.headers.push_back({"Authorization", value});
    if (name == grpc::kRemote) request.remote = value;
  }
  return request;
}

}  // namespace

bool otlp_needs_token(const Options& options, std::string_view listen) {
  if (options.no_auth) return false;
  return options.otlp_auth || (!listen.empty() && !http::is_loopback(listen).value_or(false));
}

http::Role otlp_role(const Options& options, std::string_view listen) {
  return otlp_needs_token(options, listen) ? kSender : http::Role::kPublic;
}

telemetry::otlp::Authorize otlp_authorize(const Options& options, std::string_view listen,
                                          Authenticator& authenticator) {
  if (!otlp_needs_token(options, listen)) return {};
  return [&authenticator](const grpc::Metadata& metadata) -> Status {
    TRY(const auto principal, authenticator.authenticate(request_of(metadata)));
    if (principal.role >= kSender) return {};
    return fail(ErrorCode::kForbidden,
                fmt::format("{} is a {}; sending telemetry needs a {}", principal.actor,
                            http::name_of(principal.role), http::name_of(kSender)));
  };
}

}  // namespace wellrun::server
