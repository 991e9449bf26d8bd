#include "server/options.h"

#include <fmt/format.h>

#include "platform/http/server.h"

namespace wellrun::server {

Status check(const Options& options) {
  const bool tls = !options.tls_certificate_file.empty();
  if (tls != !options.tls_key_file.empty()) {
    return fail(ErrorCode::kInvalid, "TLS needs both --tls-cert and --tls-key");
  }
  for (const auto* listen :
       {&options.listen, &options.otlp_http_listen, &options.otlp_grpc_listen}) {
    if (listen->empty()) continue;
    TRY(const bool loopback, http::is_loopback(*listen));
    if (loopback) continue;
    if (options.no_auth) {
      return fail(ErrorCode::kInvalid, fmt::format("--no-auth is refused on {}: everyone who "
                                                   "reaches it would be admin; listen on 127.0.0.1",
                                                   *listen));
    }
    if (!tls) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is not loopback: tokens would travel in clear; give --tls-cert "
                              "and --tls-key, or listen on 127.0.0.1 behind a proxy",
                              *listen));
    }
  }
  return {};
}

}  // namespace wellrun::server
