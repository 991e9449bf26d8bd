#include "platform/http/message.h"

#include <array>
#include <fmt/format.h>

#include "core/assert.h"

namespace wellrun::http {
namespace {

constexpr std::array<std::pair<Role, const char*>, 5> kRoles = {{{Role::kPublic, "public"},
                                                                 {Role::kViewer, "viewer"},
                                                                 {Role::kResponder, "responder"},
                                                                 {Role::kOperator, "operator"},
                                                                 {Role::kAdmin, "admin"}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

const char* title_of(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Not authenticated";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 409:
      return "Conflict";
    case 413:
      return "Too large";
    case 429:
      return "Too many requests";
    case 501:
      return "Not supported";
    case 503:
      return "Unavailable";
    case 504:
      return "Deadline exceeded";
    case 507:
      return "No space left";
    default:
      return "Internal error";
  }
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [&](const Header& header) { return same_name(header.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

const char* name_of(Role role) {
  return kRoles[static_cast<std::size_t>(role)].second;
}

std::optional<Role> role_named(std::string_view name) {
  for (const auto& [role, role_name] : kRoles) {
    if (name == role_name) return role;
  }
  return std::nullopt;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

const std::string& Request::path_parameter(std::string_view name) const {
  const auto found = path_parameters.find(name);
  WELLRUN_ASSERT(found != path_parameters.end(), "the matched route has no such path parameter");
  return found->second;
}

Result<Json> json_body(const Request& request) {
  if (request.body.empty()) return Json::object();
  TRY(auto body, parse_json(request.body));
  if (!body.is_object()) return fail(ErrorCode::kInvalid, "the body must be a JSON object");
  return body;
}

Response json_response(const Json& json, int status) {
  return text_response(to_text(json), status, "application/json");
}

Response text_response(std::string text, int status, std::string_view content_type) {
  Response response;
  response.status = status;
  response.headers.push_back({"Content-Type", std::string(content_type)});
  response.body = std::move(text);
  return response;
}

Response problem_response(const Error& error) {
  const int status = http_status_of(error.code);
  Json problem = {{"type", fmt::format("urn:wellrun:problem:{}", wellrun::name_of(error.code))},
                  {"title", title_of(status)},
                  {"status", status},
                  {"detail", error.message}};
  if (!error.context.empty()) problem["context"] = error.context;
  auto response = text_response(to_text(problem), status, "application/problem+json");
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (status == 429 || status == 503) response.headers.push_back({"Retry-After", "5"});
  return response;
}

int http_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kForbidden:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kExhausted:
      return 429;
    case ErrorCode::kDeadline:
      return 504;
    case ErrorCode::kCancelled:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kNoSpace:
      return 507;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace wellrun::http
