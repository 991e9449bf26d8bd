#include "platform/auth/auth.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "core/bytes.h"
#include "core/text.h"
#include "platform/auth/auth_state.h"
#include "platform/auth/local_request.h"
#include "platform/auth/secret.h"

namespace wellrun {
namespace {

constexpr std::size_t kMaxTokens = 1000;
constexpr std::size_t kMaxSecretBytes = 256;

bool is_token_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 63 && name.front() != '.' && name.front() != '-' &&
         std::ranges::all_of(name, is_plain);
}

bool is_reading(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

http::Principal principal_of(const StoredToken& token) {
  return {.actor = "token:" + token.name, .role = token.role};
}

std::string_view bearer_of(const http::Request& request) {
  const auto value = request.header("Authorization");
  constexpr std::string_view kScheme = "bearer ";
  const auto is_same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  if (!std::ranges::equal(value.substr(0, kScheme.size()), kScheme, is_same)) return {};
  return trimmed(value.substr(kScheme.size()));
}

}  // namespace

std::string_view cookie_of(const http::Request& request, std::string_view name) {
  for (const auto& header : request.headers) {
    if (http::find_header({header}, "Cookie").empty()) continue;
    for (const auto pair : split(header.value, ';')) {
      const auto text = trimmed(pair);
      if (text.starts_with(name) && text.substr(name.size()).starts_with('=')) {
        return text.substr(name.size() + 1);
      }
    }
  }
  return {};
}

AuthState::AuthState(std::string path, Runtime runtime, AuthOptions options, AuthFile file)
    : path_(std::move(path)),
      runtime_(runtime),
      options_(options),
      file_(std::move(file)),
      failures_(options.failures_per_minute) {}

std::string AuthState::derived_key(std::string_view purpose) const {
  return keyed_hash(file_.key, fmt::format("key:{}", purpose));
}

std::string AuthState::hash_of(std::string_view kind, std::string_view secret) const {
  return keyed_hash(file_.key, fmt::format("{}:{}", kind, secret));
}

/// Compares with every token, so that the time tells nothing about which was near.
const StoredToken* AuthState::token_with(std::string_view secret) const {
  if (secret.size() > kMaxSecretBytes) return nullptr;
  const auto hash = hash_of("token", secret);
  const StoredToken* found = nullptr;
  for (const auto& token : file_.tokens) {
    if (is_same_secret(token.hash, hash)) found = &token;
  }
  const bool is_over =
      found != nullptr && found->expires_at && runtime_.clock.now() >= *found->expires_at;
  return is_over ? nullptr : found;
}

const StoredToken* AuthState::token_hashed(std::string_view hash) const {
  const auto found = std::ranges::find(file_.tokens, hash, &StoredToken::hash);
  if (found == file_.tokens.end()) return nullptr;
  const bool is_over = found->expires_at && runtime_.clock.now() >= *found->expires_at;
  return is_over ? nullptr : &*found;
}

std::unexpected<Error> AuthState::refuse(std::string_view remote) {
  if (failures_.fail(remote, runtime_.clock.now())) {
    return fail(ErrorCode::kExhausted,
                "too many attempts with unknown tokens from this address; wait a minute, then "
                "check the token");
  }
  return fail(ErrorCode::kUnauthenticated,
              "the token is not known: it is mistyped, revoked or expired; an administrator can "
              "make a new one");
}

Result<http::Principal> AuthState::authenticate(const http::Request& request) {
  if (options_.no_auth) {
    TRY_STATUS(check_is_local(request));
    return http::Principal{.actor = "person:local", .role = http::Role::kAdmin};
  }
  const std::lock_guard lock(mutex_);
  if (const auto bearer = bearer_of(request); !bearer.empty()) {
    const auto* token = token_with(bearer);
    if (token == nullptr) return refuse(request.remote);
    return principal_of(*token);
  }
  if (const auto session = cookie_of(request, kSessionCookie); !session.empty()) {
    return by_session(request, session);
  }
  return fail(ErrorCode::kUnauthenticated,
              "nobody is logged in; send \"Authorization: Bearer <token>\", or log in on the page");
}

Result<http::Principal> AuthState::by_session(const http::Request& request,
                                              std::string_view session) {
  if (session.size() > kMaxSecretBytes) return refuse(request.remote);
  const auto logged_in = sessions_.token_of(hash_of("session", session), runtime_.clock.now());
  const auto* token = token_hashed(logged_in);
  if (token == nullptr) {  // a page left open over a restart is no attack: not counted
    return fail(ErrorCode::kUnauthenticated, "the session has ended; log in again");
  }
  if (!is_reading(request.method)) TRY_STATUS(check_csrf(request, session));
  return principal_of(*token);
}

Status AuthState::check_csrf(const http::Request& request, std::string_view session) const {
  const auto expected = to_hex(hash_of("csrf", session));
  if (is_same_secret(request.header(kCsrfHeader), expected)) return {};
  return fail(ErrorCode::kForbidden,
              fmt::format("a change by the page's session needs the header {} with the value of "
                          "the cookie {}",
                          kCsrfHeader, kCsrfCookie));
}

std::vector<StoredToken> AuthState::tokens() const {
  const std::lock_guard lock(mutex_);
  return file_.tokens;
}

Status AuthState::replace_tokens(std::vector<StoredToken> tokens) {
  TRY_STATUS(write_auth_file(path_, {.key = file_.key, .tokens = tokens}));
  const std::lock_guard lock(mutex_);
  file_.tokens = std::move(tokens);
  return {};
}

Result<NewToken> AuthState::create_token(std::string name, http::Role role,
                                         std::optional<Timestamp> expires_at) {
  if (!is_token_name(name)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is no name for a token; use 1 to 63 of a-z, 0-9, '-', '_' and '.', "
                            "starting with a letter or digit",
                            quote(name.substr(0, 80))));
  }
  const auto now = runtime_.clock.now();
  if (expires_at && *expires_at <= now) {
    return fail(ErrorCode::kInvalid, "expires_at is in the past: " + format_rfc3339(*expires_at));
  }
  const std::lock_guard lock(file_mutex_);
  auto tokens = this->tokens();
  if (std::ranges::find(tokens, name, &StoredToken::name) != tokens.end()) {
    return fail(ErrorCode::kConflict,
                fmt::format("there is a token {} already; revoke it first, or take another name",
                            quote(name)));
  }
  if (tokens.size() >= kMaxTokens) {
    return fail(ErrorCode::kExhausted, "there are 1000 tokens already; revoke what nobody uses");
  }
  NewToken made{.token = {.name = std::move(name),
                          .role = role,
                          .hash = {},
                          .created_at = now,
                          .expires_at = expires_at},
                .secret = "wr_" + random_hex(runtime_.random, 32)};
  made.token.hash = hash_of("token", made.secret);
  tokens.push_back(made.token);
  TRY_STATUS(replace_tokens(std::move(tokens)));
  return made;
}

Status AuthState::revoke_token(std::string_view name) {
  const std::lock_guard lock(file_mutex_);
  auto tokens = this->tokens();
  const auto found = std::ranges::find(tokens, name, &StoredToken::name);
  if (found == tokens.end()) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no token {}", quote(name)));
  }
  const auto lasting_admins = std::ranges::count_if(tokens, [](const StoredToken& token) {
    return token.role == http::Role::kAdmin && !token.expires_at;
  });
  if (found->role == http::Role::kAdmin && !found->expires_at && lasting_admins == 1) {
    return fail(
        ErrorCode::kConflict,
        fmt::format("{} is the last administrator's token; make another one first", quote(name)));
  }
  const auto revoked = found->hash;
  tokens.erase(found);
  TRY_STATUS(replace_tokens(std::move(tokens)));
  const std::lock_guard sessions_lock(mutex_);
  sessions_.remove_of_token(revoked);
  return {};
}

Result<NewSession> AuthState::log_in(std::string_view secret, std::string_view remote) {
  const std::lock_guard lock(mutex_);
  const auto* token = token_with(secret);
  if (token == nullptr) return refuse(remote);
  NewSession session;
  session.secret = random_hex(runtime_.random, 32);
  session.csrf = to_hex(hash_of("csrf", session.secret));
  session.principal = principal_of(*token);
  sessions_.add(hash_of("session", session.secret), token->hash,
                runtime_.clock.now() + options_.session_length);
  return session;
}

Status AuthState::log_out(const http::Request& request) {
  const auto session = cookie_of(request, kSessionCookie);
  if (session.empty() || session.size() > kMaxSecretBytes) return {};
  const std::lock_guard lock(mutex_);
  const auto hash = hash_of("session", session);
  if (sessions_.token_of(hash, runtime_.clock.now()).empty()) return {};
  TRY_STATUS(check_csrf(request, session));
  sessions_.remove(hash);
  return {};
}

Authenticator::Authenticator(std::unique_ptr<AuthState> state) : state_(std::move(state)) {}
Authenticator::~Authenticator() = default;

Result<std::unique_ptr<Authenticator>> Authenticator::open(const std::string& directory,
                                                           Runtime runtime, AuthOptions options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::kIo, "cannot make the data directory: " + error.message(), directory);
  }
  const auto path = (std::filesystem::path(directory) / "auth.json").string();
  TRY(auto stored, read_auth_file(path));
  if (!stored) {
    const auto key = from_hex(random_hex(runtime.random, kKeyBytes)).value_or("");
    stored = AuthFile{.key = key, .tokens = {}};
    TRY_STATUS(write_auth_file(path, *stored));
  }
  const bool needs_token = stored->tokens.empty() && !options.no_auth;
  auto state = std::make_unique<AuthState>(path, runtime, options, std::move(*stored));
  if (needs_token) {
    TRY(auto made, state->create_token("admin", http::Role::kAdmin, std::nullopt));
    state->first_token = std::move(made.secret);
  }
  return std::unique_ptr<Authenticator>(new Authenticator(std::move(state)));
}

std::optional<std::string> Authenticator::first_token() const {
  return state_->first_token;
}

Result<http::Principal> Authenticator::authenticate(const http::Request& request) {
  return state_->authenticate(request);
}

LinkSigner Authenticator::link_signer() const {
  return LinkSigner(state_->derived_key("links"));
}

}  // namespace wellrun
