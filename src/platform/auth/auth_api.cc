// The HTTP face of Authenticator: sessions, who am I, tokens. Shapes as in api/openapi.yaml.

#include <fmt/format.h>

#include "core/json.h"
#include "core/text.h"
#include "platform/auth/auth_state.h"

namespace wellrun {
namespace {

using http::Reply;
using http::Request;
using http::Response;

Json json_of(const http::Principal& principal) {
  return {{"actor", principal.actor}, {"role", http::name_of(principal.role)}};
}

Json json_of(const StoredToken& token) {
  Json json{{"id", token.name},
            {"name", token.name},
            {"role", http::name_of(token.role)},
            {"created_at", format_rfc3339(token.created_at)}};
  if (token.expires_at) json["expires_at"] = format_rfc3339(*token.expires_at);
  return json;
}

enum class Reader { kBrowser, kPage };  ///< kPage: scripts of the page may read it, too

http::Header set_cookie(const AuthOptions& options, std::string_view name, std::string_view value,
                        Duration age, Reader reader) {
  return {"Set-Cookie",
          fmt::format("{}={}; Path=/; Max-Age={}; SameSite=Strict{}{}", name, value,
                      age / std::chrono::seconds{1}, reader == Reader::kBrowser ? "; HttpOnly" : "",
                      options.secure_cookies ? "; Secure" : "")};
}

Response no_store(Response response) {
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

Response create_session(AuthState& auth, const Request& request) {
  const auto body = http::json_body(request);
  if (!body) return http::problem_response(body.error());
  const auto session = auth.log_in(text_or(*body, "token"), request.remote);
  if (!session) return http::problem_response(session.error());
  const auto& options = auth.options();
  auto response = no_store(http::json_response(json_of(session->principal)));
  response.headers.push_back(set_cookie(options, kSessionCookie, session->secret,
                                        options.session_length, Reader::kBrowser));
  response.headers.push_back(
      set_cookie(options, kCsrfCookie, session->csrf, options.session_length, Reader::kPage));
  return response;
}

Response delete_session(AuthState& auth, const Request& request) {
  if (const auto status = auth.log_out(request); !status) {
    return http::problem_response(status.error());
  }
  Response response{.status = 204};
  for (const auto name : {kSessionCookie, kCsrfCookie}) {
    response.headers.push_back(set_cookie(auth.options(), name, "", Duration{0}, Reader::kBrowser));
  }
  return response;
}

Response who_am_i(AuthState&, const Request& request) {
  return no_store(http::json_response(json_of(request.principal)));
}

Response list_tokens(AuthState& auth, const Request&) {
  Json items = Json::array();
  for (const auto& token : auth.tokens()) items.push_back(json_of(token));
  return http::json_response(Json{{"items", items}});
}

Result<std::optional<Timestamp>> expiry_in(const Json& body) {
  const auto found = body.find("expires_at");
  if (found == body.end() || found->is_null()) return std::nullopt;
  TRY(const auto expires_at, parse_rfc3339(text_or(body, "expires_at")));
  return expires_at;
}

Result<NewToken> token_as_asked(AuthState& auth, const Request& request) {
  TRY(const auto body, http::json_body(request));
  const auto role = http::role_named(text_or(body, "role"));
  if (!role || *role == http::Role::kPublic) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is no role; it is one of viewer, responder, operator and admin",
                            quote(text_or(body, "role").substr(0, 80))),
                "role");
  }
  TRY(const auto expires_at, expiry_in(body));
  return auth.create_token(text_or(body, "name"), *role, expires_at);
}

Response create_token(AuthState& auth, const Request& request) {
  const auto made = token_as_asked(auth, request);
  if (!made) return http::problem_response(made.error());
  auto json = json_of(made->token);
  json["token"] = made->secret;
  return no_store(http::json_response(json, 201));
}

Response revoke_token(AuthState& auth, const Request& request) {
  const auto status = auth.revoke_token(request.path_parameter("id"));
  return status ? Response{.status = 204} : http::problem_response(status.error());
}

using Answer = Response (*)(AuthState&, const Request&);

/// On the pool: changing tokens waits for the disk.
http::Route route(AuthState& auth, std::string method, std::string pattern, http::Role role,
                  std::string operation_id, Answer answer) {
  http::Route route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.role = role;
  route.operation_id = std::move(operation_id);
  route.max_body_bytes = 16 << 10;
  route.handler = [&auth, answer](Request request, Reply reply) {
    auth.runtime().workers.run(
        [&auth, answer, request = std::move(request), reply = std::move(reply)]() mutable {
          reply(answer(auth, request));
        });
  };
  return route;
}

}  // namespace

std::vector<http::Route> Authenticator::routes() {
  using enum http::Role;
  auto& auth = *state_;
  return {
      route(auth, "POST", "/api/v1/session", kPublic, "createSession", create_session),
      route(auth, "DELETE", "/api/v1/session", kPublic, "deleteSession", delete_session),
      route(auth, "GET", "/api/v1/whoami", kViewer, "whoAmI", who_am_i),
      route(auth, "GET", "/api/v1/tokens", kAdmin, "listTokens", list_tokens),
      route(auth, "POST", "/api/v1/tokens", kAdmin, "createToken", create_token),
      route(auth, "DELETE", "/api/v1/tokens/{id}", kAdmin, "revokeToken", revoke_token),
  };
}

}  // namespace wellrun
