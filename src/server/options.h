#pragma once

// What `wellrun serve` can be told. Flags, environment, file and defaults are laid over each other
// by cli/serve.cc.

#include <string>

#include "core/time.h"

namespace wellrun::server {

struct Options {
  std::string data = "wellrun-data";      ///< folder; made when absent
  std::string listen = "127.0.0.1:7070";  ///< page and API
  std::string status_listen;              ///< public status page; empty: none
  std::string otlp_http_listen;  ///< OTLP over HTTP; empty: only below /api/v1/otlp of `listen`
  std::string otlp_grpc_listen;  ///< OTLP over gRPC; empty: none
  std::string tls_certificate_file, tls_key_file;
  bool no_auth = false;  ///< everyone is admin; loopback only
  Duration retention = std::chrono::days(15);
  Duration out_of_order_window = std::chrono::hours(1);
  std::string features;    ///< PromQL features, as Prometheus' --enable-feature
  std::string public_url;  ///< how people reach `listen`; for links in messages
  bool sandbox = true;     ///< run commands of runbooks in bubblewrap
  std::string version, revision, build_date;
};

/// kInvalid when the options contradict each other or open a door: --no-auth or no TLS beyond
/// loopback.
Status check(const Options& options);

}  // namespace wellrun::server
