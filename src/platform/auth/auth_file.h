#pragma once

// DIR/auth.json: the key of this server and its tokens, as hashes.

#include <optional>
#include <string>
#include <vector>

#include "platform/http/message.h"

namespace wellrun {

struct StoredToken {
  std::string name;  ///< unique
  http::Role role = http::Role::kViewer;
  std::string hash;  ///< keyed hash of the secret
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
};

struct AuthFile {
  std::string key;  ///< 32 bytes
  std::vector<StoredToken> tokens;
};

/// std::nullopt: there is none. Errors as Authenticator::open().
Result<std::optional<AuthFile>> read_auth_file(const std::string& path);

/// Replaces the file at once and for good: a crash leaves the old or the new one.
Status write_auth_file(const std::string& path, const AuthFile& file);

}  // namespace wellrun
