#pragma once

// HTTP requests and responses as plain values, the same for server, client and tests.

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::http {

struct Header {
  std::string name;  ///< as sent; compared without regard to case
  std::string value;
};

using Headers = std::vector<Header>;

/// The first header of that name, or an empty view.
std::string_view find_header(const Headers& headers, std::string_view name);

using Parameters =
    std::vector<std::pair<std::string, std::string>>;  ///< in order of appearance, decoded

/// Lowest first: each role may do what the ones before it may.
enum class Role { kPublic, kViewer, kResponder, kOperator, kAdmin };
const char* name_of(Role role);
std::optional<Role> role_named(std::string_view name);

/// Who is asking. `actor` is what facts record: "person:ana", "token:ci", "system", "link:…".
struct Principal {
  std::string actor;
  Role role = Role::kPublic;
};

struct Request {
  std::string method;  ///< upper case
  std::string path;    ///< decoded, without the query
  Parameters query;    ///< of a form body, and after them of the target
  Headers headers;
  std::string body;  ///< decompressed
  std::string remote;
  std::map<std::string, std::string, std::less<>> path_parameters;  ///< by the route's {name}
  Principal principal;
  /// True once the peer has gone: nobody waits for the answer. Null in tests.
  std::shared_ptr<const std::atomic<bool>> abandoned;

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  /// The first query parameter of that name, or std::nullopt.
  std::optional<std::string> parameter(std::string_view name) const;
  std::vector<std::string> parameters(std::string_view name) const;
  /// A path parameter of the matched route; a name the route does not have is a bug.
  const std::string& path_parameter(std::string_view name) const;
};

/// The body as a JSON object; an empty body is an empty object. kInvalid for anything else.
Result<Json> json_body(const Request& request);

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

Response json_response(const Json& json, int status = 200);
Response text_response(std::string text, int status = 200,
                       std::string_view content_type = "text/plain; charset=utf-8");

/// RFC 9457: application/problem+json with type, title, status, detail, and `context` when there is
/// one.
Response problem_response(const Error& error);
int http_status_of(ErrorCode code);

}  // namespace wellrun::http
