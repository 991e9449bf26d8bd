#pragma once

// Text that others wrote (a title, an alert's summary), made fit for a place that has one line, or
// little room. Pure.

#include <string>
#include <string_view>

namespace wellrun::respond {

/// At most `limit` bytes of it, cut between characters; what was cut ends with "…", which is beyond
/// the limit.
std::string cut(std::string text, std::size_t limit);

/// Line breaks and other control characters become spaces: it can forge no line of its own, and no
/// header.
std::string one_line(std::string_view text);

/// Whether one_line() would change it.
bool has_control_characters(std::string_view text);

}  // namespace wellrun::respond
