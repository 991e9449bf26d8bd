#pragma once

// URLs that are called. Pure.

#include <string>
#include <string_view>

#include "core/result.h"

namespace wellrun::http {

struct Url {
  bool is_tls = false;
  std::string host;       ///< without brackets
  std::string authority;  ///< as sent in Host
  std::string port;       ///< a number; the scheme's when the URL has none
  std::string target;     ///< path and query, from its first "/" on
};

/// RFC 3986 as far as an http or https URL needs it; a fragment is left out. kInvalid, with what is
/// wrong: another scheme, credentials in it, a space or control character, no host, no port.
Result<Url> parse_url(std::string_view text);

}  // namespace wellrun::http
