#pragma once

// Which web pages of other origins may read the Prometheus API (CORS), as Prometheus' setting
// --web.cors.origin says. Only what reads, and never with a browser's cookies: a page brings a
// token of its own, or reads what a server without authentication shows anybody. A value;
// thread-safe. Source: the Fetch standard, "CORS protocol".

#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "platform/http/message.h"

namespace re2 {
class RE2;
}

namespace wellrun::server {

class CrossOrigin {
 public:
  /// `origins`: a regular expression that a whole origin ("https://grafana.example:3000") has to
  /// match; empty: nobody. kInvalid for what RE2 refuses.
  static Result<CrossOrigin> make(std::string_view origins);

  /// What the answer to `request` gets besides; nothing for other paths, and for requests that are
  /// no page's. By its path and headers alone, so that a preflight is answered alike.
  http::Headers headers_for(const http::Request& request) const;

 private:
  std::shared_ptr<const re2::RE2> allowed_;  ///< shared by copies; null: nobody
  bool is_for_all_ = false;
};

/// Whether a path is one of Prometheus' HTTP API that only reads.
bool is_prometheus_reading(std::string_view path);

}  // namespace wellrun::server
