#pragma once

// The command line as a client of the HTTP API: one call at a time, waiting for its answer.

#include <memory>
#include <string>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::cli {

struct ApiOptions {
  std::string server = "http://127.0.0.1:7070";
  std::string token;    ///< empty: none is sent
  std::string ca_file;  ///< extra trust for https
};

/// Not thread-safe.
class Api {
 public:
  explicit Api(ApiOptions options);
  ~Api();

  /// The answer's JSON (null for an empty one). An error answer becomes an Error with the problem's
  /// detail; kUnavailable says which server was tried and how to name another.
  Result<Json> get(const std::string& path);
  Result<Json> send(const std::string& method, const std::string& path, const Json& body);
  /// The answer as it came.
  Result<std::string> get_text(const std::string& path);
  /// Waits, before asking again.
  void pause(Duration length);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Percent-encodes everything but unreserved characters (RFC 3986).
std::string url_encode(std::string_view text);

}  // namespace wellrun::cli
