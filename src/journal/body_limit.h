#pragma once

// Keeping what goes into a fact within its size. What counts is the body as JSON text, where a NUL
// takes six bytes. Pure.

#include <cstddef>
#include <string>

#include "core/json.h"

namespace wellrun::journal {

/// `text` if it takes at most `max_bytes` inside JSON; otherwise as much of its beginning, or of
/// its end, as does, with "[…]" where something is missing. Bytes that are no UTF-8 are replaced
/// only where something is cut. `max_bytes` is at least 16.
std::string beginning_within(const std::string& text, std::size_t max_bytes);
std::string end_within(const std::string& text, std::size_t max_bytes);

/// The last line of defence: shortens the longest texts of `body`, then its longest lists, until it
/// takes at most `max_bytes`. True when something was cut.
bool cut_to_fit(Json& body, std::size_t max_bytes);

}  // namespace wellrun::journal
