#pragma once

// The target of a request line, and form bodies: pure, bounded reading of hostile text. Used by
// server and router.

#include <string>
#include <string_view>

#include "platform/http/message.h"

namespace wellrun::http {

struct Target {
  std::string raw_path;  ///< still percent-encoded, as the router takes it
  std::string path;      ///< decoded
  Parameters query;
};

/// Reads origin-form and absolute-form (RFC 9112 section 3.2). kInvalid: broken percent-encoding, a
/// control character, or a path that leaves its folder (a segment "." or "..", however encoded).
/// kTooLarge: more than 10 000 parameters.
Result<Target> parse_target(std::string_view target);

/// Appends `a=1&b=2` to `parameters`, '+' being a space. kTooLarge as above.
Status parse_form(std::string_view form, Parameters& parameters);

/// std::nullopt on a '%' without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace wellrun::http
