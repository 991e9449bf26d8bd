#pragma once

// Media types as Content-Type and Accept name them: pure reading of hostile text. Source: RFC 9110
// sections 8.3.1 and 12.5.1.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wellrun::http {

/// `text/plain; version=0.0.4; q=0.5`.
struct MediaType {
  std::string name;                                             ///< in lower case: "text/plain"
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names in lower case, without q
  double quality = 1;                                           ///< 0 to 1; 1 where q says nothing

  /// Empty: there is none of that name.
  std::string_view parameter(std::string_view name) const;
};

/// What cannot be read of it is left out.
MediaType parse_media_type(std::string_view text);

/// What an Accept header lists, the most wanted first and otherwise in its order; what it refuses
/// with q=0 is left out. A comma ends an entry, also one inside quotes.
std::vector<MediaType> accepted_types(std::string_view accept);

}  // namespace wellrun::http
