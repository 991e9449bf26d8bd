#pragma once

// Who may ask: API tokens, the page's sessions, and signed links. Built by server/wire.cc from the
// data directory; authenticate() is the HTTP server's `Authenticate`. Thread-safe.
//
// Tokens live in DIR/auth.json (mode 0600) as keyed hashes: a secret is shown once, when it is
// made. Sessions live in memory only: after a restart people log in again.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/auth/link_signer.h"
#include "platform/http/message.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"

namespace wellrun {

struct AuthOptions {
  /// Everybody is the local administrator. Only for a server on loopback; requests that a foreign
  /// web page had a browser send are refused.
  bool no_auth = false;
  bool secure_cookies = false;  ///< the server speaks TLS: cookies never leave it
  Duration session_length{12 * 3'600'000};
  int failures_per_minute = 10;  ///< of one remote; beyond, failures are answered kExhausted
};

class AuthState;

class Authenticator {
 public:
  /// Reads DIR/auth.json, or makes it (and the directory). kCorrupt: it cannot be understood;
  /// kForbidden: others may read it; kIo, kNoSpace: the disk. `runtime` outlives the result.
  static Result<std::unique_ptr<Authenticator>> open(const std::string& directory, Runtime runtime,
                                                     AuthOptions options);
  ~Authenticator();

  /// The administrator's token, made when there was none: to be printed once, and nowhere logged.
  std::optional<std::string> first_token() const;

  /// By "Authorization: Bearer wr_…" (actor "token:<name>") or session cookie (the actor of the
  /// token that logged in). A change by cookie needs the header X-Wellrun-Csrf with the value of
  /// the cookie wellrun_csrf: kForbidden without. kUnauthenticated: no or an unknown credential.
  /// kExhausted: too many unknown ones from this remote; a valid one still passes, because nobody
  /// guesses 256 bits and people behind one proxy share a remote.
  Result<http::Principal> authenticate(const http::Request& request);

  /// createSession, deleteSession, whoAmI, listTokens, createToken, revokeToken. This outlives
  /// whoever serves them. A token's id is its name.
  std::vector<http::Route> routes();

  /// Signs links (one-tap acknowledgement); its key is kept in auth.json.
  LinkSigner link_signer() const;

 private:
  explicit Authenticator(std::unique_ptr<AuthState> state);
  std::unique_ptr<AuthState> state_;
};

}  // namespace wellrun
