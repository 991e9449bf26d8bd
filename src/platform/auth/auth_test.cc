#include "platform/auth/auth.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

#include "core/json.h"
#include "core/text.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun {
namespace {

using http::Request;
using http::Response;
using http::Role;

class AuthTest : public ::testing::Test {
 protected:
  AuthTest() {
    char name[] = "/tmp/wellrun-auth-XXXXXX";
    directory_ = ::mkdtemp(name);
    open();
  }
  ~AuthTest() override { std::filesystem::remove_all(directory_); }

  Status try_open(AuthOptions options = {}) {
    auth_.reset();
    TRY(auth_, Authenticator::open(directory_, runtime_.runtime(), options));
    return {};
  }
  void open(AuthOptions options = {}) {
    const auto status = try_open(options);
    ASSERT_TRUE(status) << to_string(status.error());
    if (auth_->first_token()) admin_ = *auth_->first_token();
  }

  std::string file() const { return directory_ + "/auth.json"; }
  std::string file_text() const {
    std::ostringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }

  static Request request(std::string method, http::Headers headers = {}) {
    Request request;
    request.method = std::move(method);
    request.headers = std::move(headers);
    request.remote = "192.0.2.1";
    return request;
  }
  static Request bearing(const std::string& token) {
    return request("GET", {{"authorization", "Bearer " + token}});
  }

  /// As the server does it: who, may they, then the handler.
  Response call(std::string_view operation, Request request, std::string path_id = {}) {
    for (auto& route : auth_->routes()) {
      if (route.operation_id != operation) continue;
      request.method = route.method;
      if (!path_id.empty()) request.path_parameters["id"] = path_id;
      auto principal = auth_->authenticate(request);
      if (!principal && route.role != Role::kPublic) {
        return http::problem_response(principal.error());
      }
      if (principal) request.principal = *principal;
      if (request.principal.role < route.role) return {.status = 403};
      Response answer{.status = 0};
      route.handler(std::move(request), [&](Response response) { answer = std::move(response); });
      runtime_.run_ready();
      return answer;
    }
    ADD_FAILURE() << "no operation " << operation;
    return {};
  }

  Response create(std::string body) {
    auto request = bearing(admin_);
    request.body = std::move(body);
    return call("createToken", std::move(request));
  }
  std::string token_named(const std::string& name, const std::string& role) {
    const auto response = create(R"({"name":")" + name + R"(","role":")" + role + R"("})");
    EXPECT_EQ(response.status, 201) << response.body;
    return text_or(parse_json(response.body).value_or(Json()), "token");
  }

  /// The two cookies of a new session, as a browser sends them back, and the second's value.
  struct Login {
    std::string cookies;
    std::string csrf;
  };
  Login log_in(const std::string& token) {
    Request login;
    login.body = R"({"token":")" + token + R"("})";
    const auto response = call("createSession", login);
    EXPECT_EQ(response.status, 200) << response.body;
    Login result;
    for (const auto& header : response.headers) {
      if (header.name != "Set-Cookie") continue;
      const auto pair = header.value.substr(0, header.value.find(';'));
      result.cookies += (result.cookies.empty() ? "" : "; ") + pair;
      if (pair.starts_with("wellrun_csrf=")) result.csrf = pair.substr(13);
    }
    return result;
  }

  VirtualRuntime runtime_;
  std::string directory_;
  std::unique_ptr<Authenticator> auth_;
  std::string admin_;
};

TEST_F(AuthTest, TheFirstStartMakesOneAdministratorsTokenAndNoLaterOneDoes) {
  EXPECT_TRUE(admin_.starts_with("wr_"));
  EXPECT_EQ(admin_.size(), 3U + 64U);
  open();
  EXPECT_FALSE(auth_->first_token());
  const auto principal = auth_->authenticate(bearing(admin_));
  ASSERT_TRUE(principal) << to_string(principal.error());
  EXPECT_EQ(principal->actor, "token:admin");
  EXPECT_EQ(principal->role, Role::kAdmin);
}

TEST_F(AuthTest, TheFileIsReadableByItsOwnerOnlyAndHoldsNoSecret) {
  struct stat status{};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_FALSE(file_text().contains(admin_.substr(3)));
}

TEST_F(AuthTest, AFileThatOthersMayReadIsRefused) {
  ::chmod(file().c_str(), 0644);
  const auto status = try_open();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kForbidden);
  EXPECT_TRUE(status.error().message.contains("chmod 600"));
}

TEST_F(AuthTest, ADamagedFileIsNamedAndLeftAsItIs) {
  for (const auto* text : {"", "{", "[]", R"({"version":2})", R"({"version":1,"key":"00"})"}) {
    std::ofstream(file()) << text;
    const auto status = try_open();
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(status.error().context, file());
    EXPECT_EQ(file_text(), text);
  }
}

TEST_F(AuthTest, NobodyIsKnownWithoutOrWithAWrongCredential) {
  EXPECT_EQ(auth_->authenticate(request("GET")).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(auth_->authenticate(bearing("wr_00")).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(auth_->authenticate(bearing(std::string(10'000, 'x'))).error().code,
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(auth_->authenticate(request("GET", {{"Cookie", "wellrun_session=00"}})).error().code,
            ErrorCode::kUnauthenticated);
}

TEST_F(AuthTest, WrongTokensAreRateLimitedPerRemoteAndForgottenAfterAMinute) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(auth_->authenticate(bearing("wrong")).error().code, ErrorCode::kUnauthenticated);
  }
  const auto limited = auth_->authenticate(bearing("wrong"));
  EXPECT_EQ(limited.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(http::http_status_of(limited.error().code), 429);
  auto other = bearing("wrong");
  other.remote = "192.0.2.2";
  EXPECT_EQ(auth_->authenticate(other).error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(auth_->authenticate(bearing(admin_))) << "a right token passes";
  runtime_.run_for(Duration{60'000});
  EXPECT_EQ(auth_->authenticate(bearing("wrong")).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(AuthTest, AMadeTokenHasItsRoleSurvivesARestartAndEndsWhenRevoked) {
  const auto secret = token_named("ci", "operator");
  open();
  const auto principal = auth_->authenticate(bearing(secret));
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->actor, "token:ci");
  EXPECT_EQ(principal->role, Role::kOperator);
  EXPECT_EQ(call("revokeToken", bearing(secret), "ci").status, 403) << "an operator may not";
  EXPECT_EQ(call("revokeToken", bearing(admin_), "ci").status, 204);
  EXPECT_FALSE(auth_->authenticate(bearing(secret)));
  open();
  EXPECT_FALSE(auth_->authenticate(bearing(secret)));
  EXPECT_EQ(call("revokeToken", bearing(admin_), "ci").status, 404);
}

TEST_F(AuthTest, TheListOfTokensShowsNoSecret) {
  const auto secret = token_named("ci", "viewer");
  const auto response = call("listTokens", bearing(admin_));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.contains(R"("name":"ci","role":"viewer")")) << response.body;
  EXPECT_FALSE(response.body.contains(secret.substr(3)));
  EXPECT_FALSE(response.body.contains("hash"));
}

TEST_F(AuthTest, RefusesTokensThatMakeNoSense) {
  EXPECT_EQ(create(R"({"name":"x","role":"public"})").status, 400);
  EXPECT_EQ(create(R"({"name":"x","role":"king"})").status, 400);
  EXPECT_EQ(create(R"({"name":"../x","role":"viewer"})").status, 400);
  EXPECT_EQ(create(R"({"name":"","role":"viewer"})").status, 400);
  EXPECT_EQ(create(R"({"name":"admin","role":"viewer"})").status, 409);
  EXPECT_EQ(create(R"({"name":"x","role":"viewer","expires_at":"1999-01-01T00:00:00Z"})").status,
            400);
  EXPECT_EQ(create("[1]").status, 400);
}

TEST_F(AuthTest, ATokenEndsWhenItExpires) {
  const auto response = create(R"({"name":"brief","role":"viewer","expires_at":")" +
                               format_rfc3339(runtime_.now() + Duration{1000}) + R"("})");
  const auto secret = text_or(*parse_json(response.body), "token");
  EXPECT_TRUE(auth_->authenticate(bearing(secret)));
  runtime_.run_for(Duration{1000});
  EXPECT_FALSE(auth_->authenticate(bearing(secret)));
}

TEST_F(AuthTest, TheLastAdministratorsTokenStays) {
  EXPECT_EQ(call("revokeToken", bearing(admin_), "admin").status, 409);
  token_named("second", "admin");
  EXPECT_EQ(call("revokeToken", bearing(admin_), "admin").status, 204);
}

TEST_F(AuthTest, ASessionReadsByCookieAndChangesOnlyWithItsCsrfHeader) {
  const auto login = log_in(admin_);
  const auto reading = request("GET", {{"Cookie", login.cookies}});
  const auto who = call("whoAmI", reading);
  EXPECT_EQ(who.body, R"({"actor":"token:admin","role":"admin"})");

  auto change = request("POST", {{"Cookie", "other=1; " + login.cookies}});
  EXPECT_EQ(auth_->authenticate(change).error().code, ErrorCode::kForbidden);
  change.headers.push_back({"X-Wellrun-CSRF", login.csrf});
  EXPECT_TRUE(auth_->authenticate(change));
  change.headers.back().value.front() ^= 1;
  EXPECT_EQ(auth_->authenticate(change).error().code, ErrorCode::kForbidden);
  const auto other = log_in(admin_);
  change.headers.back().value = other.csrf;
  EXPECT_EQ(auth_->authenticate(change).error().code, ErrorCode::kForbidden) << "another session's";
}

TEST_F(AuthTest, SessionCookiesAreHiddenFromScriptsAndOtherSites) {
  open({.secure_cookies = true});
  Request login;
  login.body = R"({"token":")" + admin_ + R"("})";
  const auto response = call("createSession", login);
  int cookies = 0;
  for (const auto& header : response.headers) {
    if (header.name != "Set-Cookie") continue;
    ++cookies;
    EXPECT_TRUE(header.value.contains("; SameSite=Strict")) << header.value;
    EXPECT_TRUE(header.value.contains("; Secure")) << header.value;
    EXPECT_EQ(header.value.contains("; HttpOnly"), header.value.starts_with("wellrun_session="));
  }
  EXPECT_EQ(cookies, 2);
}

TEST_F(AuthTest, ASessionEndsByLogoutByTimeAndWithItsToken) {
  const auto secret = token_named("ci", "viewer");
  const auto reader = [&](const Login& login) {
    return auth_->authenticate(request("GET", {{"Cookie", login.cookies}})).has_value();
  };
  const auto left = log_in(secret);
  EXPECT_EQ(call("deleteSession", request("DELETE", {{"Cookie", left.cookies}})).status, 403);
  EXPECT_TRUE(reader(left));
  const http::Headers headers{{"Cookie", left.cookies}, {"X-Wellrun-Csrf", left.csrf}};
  EXPECT_EQ(call("deleteSession", request("DELETE", headers)).status, 204);
  EXPECT_FALSE(reader(left));
  EXPECT_EQ(call("deleteSession", request("DELETE", headers)).status, 204) << "already gone";

  const auto old = log_in(secret);
  runtime_.run_for(Duration{12 * 3'600'000});
  EXPECT_FALSE(reader(old));

  const auto orphan = log_in(secret);
  EXPECT_TRUE(reader(orphan));
  call("revokeToken", bearing(admin_), "ci");
  EXPECT_FALSE(reader(orphan));
  const auto again = token_named("ci", "admin");
  EXPECT_FALSE(reader(orphan)) << "another token of that name brings no session back";
  EXPECT_TRUE(reader(log_in(again)));
}

TEST_F(AuthTest, LoggingInWithAWrongTokenCountsAsAFailure) {
  Request login = request("POST");
  login.body = R"({"token":"wrong"})";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(call("createSession", login).status, 401);
  EXPECT_EQ(call("createSession", login).status, 429);
}

TEST_F(AuthTest, WithoutAuthenticationProgramsAreTheLocalAdministrator) {
  open({.no_auth = true});
  const auto principal = auth_->authenticate(request("POST", {{"Host", "127.0.0.1:9464"}}));
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->actor, "person:local");
  EXPECT_EQ(principal->role, Role::kAdmin);
  EXPECT_TRUE(auth_->authenticate(request("GET")));
}

TEST_F(AuthTest, WithoutAuthenticationAStrangersWebPageGetsNothing) {
  open({.no_auth = true});
  const auto code_of = [&](std::string method, http::Headers headers) {
    const auto result = auth_->authenticate(request(std::move(method), std::move(headers)));
    return result ? "passes" : name_of(result.error().code);
  };
  EXPECT_STREQ(code_of("GET", {{"Host", "evil.example:80"}}), "forbidden");
  EXPECT_STREQ(code_of("GET", {{"Host", "127.0.0.1.evil.example"}}), "forbidden");
  EXPECT_STREQ(code_of("POST", {{"Host", "localhost:1"}, {"Origin", "https://evil.example"}}),
               "forbidden");
  EXPECT_STREQ(code_of("POST", {{"Host", "localhost:1"}, {"Sec-Fetch-Site", "cross-site"}}),
               "forbidden");
  EXPECT_STREQ(code_of("POST", {{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}}),
               "passes");
  EXPECT_STREQ(code_of("POST", {{"Host", "[::1]:1"}, {"Origin", "http://[::1]:1"}}), "passes");
}

TEST_F(AuthTest, ALinkIsGoodForItsPurposeItsSubjectAndItsTimeOnly) {
  const auto signer = auth_->link_signer();
  const auto now = runtime_.now();
  const auto token = signer.sign("acknowledge", "inc-7:ana", now + Duration{1000});
  EXPECT_EQ(signer.verify("acknowledge", token, now).value_or("none"), "inc-7:ana");
  EXPECT_FALSE(signer.verify("resolve", token, now));
  EXPECT_FALSE(signer.verify("acknowledge", token, now + Duration{1000}));
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signer.verify("acknowledge", changed, now)) << i;
    EXPECT_FALSE(signer.verify("acknowledge", token.substr(0, i), now)) << i;
  }
  open();
  EXPECT_TRUE(auth_->link_signer().verify("acknowledge", token, now)) << "survives a restart";
  EXPECT_FALSE(LinkSigner(std::string(32, 'k')).verify("acknowledge", token, now));
}

}  // namespace
}  // namespace wellrun
