#pragma once

// Links that carry their own permission: whoever holds one may do one thing to one subject until
// it expires. Thread-safe, no state but the key.

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace wellrun {

class LinkSigner {
 public:
  /// `key`: 32 random bytes.
  explicit LinkSigner(std::string key);

  /// A token fit for a URL path. `purpose` ("acknowledge") is not in it: verify() must name the
  /// same. `subject` is readable by whoever holds the link.
  std::string sign(std::string_view purpose, std::string_view subject, Timestamp expires) const;

  /// The subject. kForbidden: not signed by this key for this purpose, or expired at `now`.
  Result<std::string> verify(std::string_view purpose, std::string_view token, Timestamp now) const;

 private:
  std::string code(std::string_view purpose, std::string_view text) const;
  std::string key_;
};

}  // namespace wellrun
