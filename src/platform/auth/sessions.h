#pragma once

// What is only in memory: who is logged in, and who failed to. Pure: time is an argument. Not
// thread-safe.

#include <map>
#include <string>
#include <string_view>

#include "core/time.h"

namespace wellrun {

/// Sessions by the keyed hash of their secret, so that looking one up tells nothing about others.
class Sessions {
 public:
  /// At most 10,000; the one that ends first makes room.
  /// `token`: the hash of the token that logged in. Its name would not do: another token can have
  /// it later.
  void add(std::string hash, std::string token, Timestamp expires);
  void remove(const std::string& hash);
  void remove_of_token(const std::string& token);
  /// The hash of the token that logged in; empty for none, or one that ended.
  std::string token_of(const std::string& hash, Timestamp now) const;

 private:
  struct Session {
    std::string token;
    Timestamp expires;
  };
  std::map<std::string, Session> sessions_;
};

/// Counts failed attempts of each remote, a minute at a time, for at most 10,000 remotes.
class FailureLimiter {
 public:
  explicit FailureLimiter(int per_minute) : per_minute_(per_minute) {}
  /// Counts one more; true when that is beyond the limit.
  bool fail(std::string_view remote, Timestamp now);

 private:
  int per_minute_;
  Timestamp window_start_;
  std::map<std::string, int, std::less<>> failures_;
};

}  // namespace wellrun
