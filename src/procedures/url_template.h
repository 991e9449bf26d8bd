#pragma once

// Templates in a URL: a value fills in the part that it stands in, and no more. Pure.

#include <functional>
#include <string>
#include <string_view>

namespace wellrun::procedures {

/// Every character but letters, digits and `-._~` as %XX: it stays one part of whatever it stands
/// in.
std::string percent_encoded(std::string_view value);

struct FilledUrl {
  std::string url;
  bool host_is_filled_in = false;  ///< a value says whom to call, in part or as a whole
};

/// `text` with each {{name}} replaced by `value_of(name)`, percent-encoded: in the host, letters,
/// digits and `-._~:[]` stay as they are (host:port), behind it letters, digits and `-._~` (so that
/// no value adds a path, a parameter or a fragment). Where the URL begins with a template, its
/// value is taken as it is. Source: RFC 3986, sections 2.1 and 3.
FilledUrl fill_url(std::string_view text,
                   const std::function<std::string(std::string_view name)>& value_of);

}  // namespace wellrun::procedures
