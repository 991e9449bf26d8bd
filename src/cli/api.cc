#include "cli/api.h"

#include <fmt/format.h>
#include <future>

#include "platform/http/http_client.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::cli {
namespace {

/// What an error answer says: a problem document's detail, Prometheus' error, or the status alone.
Error error_of(const http::Response& response) {
  Error error{.code = ErrorCode::kInternal,
              .message = fmt::format("the server answered {}", response.status)};
  switch (response.status) {
    case 400:
      error.code = ErrorCode::kInvalid;
      break;
    case 401:
      error.code = ErrorCode::kUnauthenticated;
      break;
    case 403:
      error.code = ErrorCode::kForbidden;
      break;
    case 404:
      error.code = ErrorCode::kNotFound;
      break;
    case 409:
      error.code = ErrorCode::kConflict;
      break;
    case 413:
      error.code = ErrorCode::kTooLarge;
      break;
    case 422:
      error.code = ErrorCode::kInvalid;
      break;
    case 429:
      error.code = ErrorCode::kExhausted;
      break;
    case 503:
      error.code = ErrorCode::kUnavailable;
      break;
    default:
      break;
  }
  if (const auto json = parse_json(response.body); json && json->is_object()) {
    const auto detail = text_or(*json, "detail", text_or(*json, "error"));
    if (!detail.empty()) error.message = detail;
    error.context = text_or(*json, "context");
  }
  return error;
}

Error refused(const http::Response& response, bool had_token) {
  auto error = error_of(response);
  if (response.status != 401) return error;
  if (had_token) {
    error.message += "; give another with --token or WELLRUN_TOKEN";
  } else {
    error.message =
        "the server asks for a token: give one with --token or WELLRUN_TOKEN; its first start "
        "printed one, and wellrun token create makes others";
  }
  return error;
}

}  // namespace

struct Api::State {
  explicit State(ApiOptions options_)
      : options(std::move(options_)),
        runtime({.io_threads = 1, .worker_threads = 1}),
        client(http::make_client(runtime)) {}

  Result<http::Response> exchange(std::string method, const std::string& path, std::string body) {
    http::ClientRequest request{.method = std::move(method), .url = options.server + path};
    if (!options.token.empty())
      request.headers.push_back({"Authorization", "Bearer " + options.token});
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    request.body = std::move(body);
    request.ca_file = options.ca_file;
    request.timeout = std::chrono::seconds(60);
    request.max_response_bytes = 256 << 20;
    std::promise<Result<http::Response>> promise;
    auto answer = promise.get_future();
    client->send(std::move(request), [&promise](Result<http::Response> response) {
      promise.set_value(std::move(response));
    });
    auto response = answer.get();
    if (!response) {
      return fail(response.error().code == ErrorCode::kInvalid ? ErrorCode::kInvalid
                                                               : ErrorCode::kUnavailable,
                  fmt::format("no answer from {}: {}; is `wellrun serve` running there? Name "
                              "another with --server or WELLRUN_SERVER",
                              options.server, response.error().message));
    }
    if (response->status >= 400) return std::unexpected(refused(*response, !options.token.empty()));
    return response;
  }

  ApiOptions options;
  SystemRuntime runtime;
  std::unique_ptr<http::Client> client;
};

Api::Api(ApiOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Api::~Api() = default;

Result<Json> Api::get(const std::string& path) {
  return send("GET", path, nullptr);
}

Result<Json> Api::send(const std::string& method, const std::string& path, const Json& body) {
  TRY(const auto response,
      state_->exchange(method, path, body.is_null() ? std::string() : to_text(body)));
  if (response.body.empty()) return Json();
  return parse_json(response.body);
}

Result<std::string> Api::get_text(const std::string& path) {
  TRY(auto response, state_->exchange("GET", path, {}));
  return std::move(response.body);
}

void Api::pause(Duration length) {
  const auto runtime = state_->runtime.runtime();
  std::promise<void> over;
  std::unique_ptr<Timer> timer;
  runtime.strand.post([&] { timer = runtime.strand.after(length, [&over] { over.set_value(); }); });
  over.get_future().wait();
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace wellrun::cli
