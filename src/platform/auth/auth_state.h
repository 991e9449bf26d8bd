#pragma once

// Behind Authenticator: what auth_api.cc serves. Thread-safe.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/auth/auth.h"
#include "platform/auth/auth_file.h"
#include "platform/auth/sessions.h"

namespace wellrun {

inline constexpr std::string_view kSessionCookie = "wellrun_session";
inline constexpr std::string_view kCsrfCookie = "wellrun_csrf";
inline constexpr std::string_view kCsrfHeader = "X-Wellrun-Csrf";

/// The value of that cookie, or empty.
std::string_view cookie_of(const http::Request& request, std::string_view name);

struct NewToken {
  StoredToken token;
  std::string secret;
};

struct NewSession {
  std::string secret;
  std::string csrf;
  http::Principal principal;
};

class AuthState {
 public:
  AuthState(std::string path, Runtime runtime, AuthOptions options, AuthFile file);

  Result<http::Principal> authenticate(const http::Request& request);

  std::vector<StoredToken> tokens() const;
  /// kInvalid: not a name; kConflict: taken; kExhausted: 1,000 tokens. Blocks on the disk.
  Result<NewToken> create_token(std::string name, http::Role role,
                                std::optional<Timestamp> expires_at);
  /// kNotFound; kConflict: the last administrator's. Ends its sessions too. Blocks on the disk.
  Status revoke_token(std::string_view name);

  Result<NewSession> log_in(std::string_view token, std::string_view remote);
  /// kForbidden: forged. Without a session it does nothing.
  Status log_out(const http::Request& request);

  const AuthOptions& options() const { return options_; }
  Runtime& runtime() { return runtime_; }
  std::string derived_key(std::string_view purpose) const;
  std::optional<std::string> first_token;

 private:
  std::string hash_of(std::string_view kind, std::string_view secret) const;
  const StoredToken* token_with(std::string_view secret) const;
  const StoredToken* token_hashed(std::string_view hash) const;
  std::unexpected<Error> refuse(std::string_view remote);
  Result<http::Principal> by_session(const http::Request& request, std::string_view session);
  Status check_csrf(const http::Request& request, std::string_view session) const;
  Status replace_tokens(std::vector<StoredToken> tokens);

  const std::string path_;
  Runtime runtime_;
  const AuthOptions options_;
  mutable std::mutex mutex_;
  std::mutex file_mutex_;  ///< one change of the file at a time; taken before mutex_
  AuthFile file_;
  Sessions sessions_;
  FailureLimiter failures_;
};

}  // namespace wellrun
