#pragma once

// Templates in a PromQL expression and in the body of a request: a value fills in the place that it
// stands in, and adds nothing to what is asked or said around it. Pure. (A URL's are in
// url_template.h, a command's in catalog/shell_command.h.)

#include <functional>
#include <string>
#include <string_view>

namespace wellrun::procedures {

using ValueOf = std::function<std::string(std::string_view name)>;

/// `text` with each {{name}} replaced by `value_of(name)`: between quotes as part of that string
/// (between backticks, which know no escapes, without its backticks); elsewhere as it is when it is
/// one word (a name, a number, a duration), otherwise as a string of its own. A text that is
/// nothing but one template is its value: whoever wrote that lets the query be chosen.
std::string fill_query(std::string_view text, const ValueOf& value_of);

/// The same for a body. JSON, by `content_type` or because it begins as an object or array: in a
/// string as part of it; elsewhere as it is when it is JSON by itself, otherwise as a string. A
/// form (application/x-www-form-urlencoded): percent-encoded. Any other: as it is.
std::string fill_body(std::string_view text, std::string_view content_type,
                      const ValueOf& value_of);

}  // namespace wellrun::procedures
