#pragma once

// The little HTML that respond writes itself: one-tap pages and the public status page. One style
// sheet of its own; whole without scripts, the status page only better with its one.

#include <string>
#include <string_view>

#include "core/time.h"

namespace wellrun::respond {

/// & < > " ' as entities: fit for text and for quoted attributes.
std::string escape_html(std::string_view text);

/// A whole document; `title` is escaped here, `body` is HTML already. Styles come from /status.css.
std::string page_frame(std::string_view title, std::string_view body);

/// A moment, as "2026-11-26 15:04 UTC" for whoever has no scripts; /status.js writes it in the
/// reader's zone.
std::string time_element(Timestamp time);

/// What /status.css holds: light and dark, readable on a phone.
std::string_view style_sheet();

/// What /status.js holds.
std::string_view status_script();

}  // namespace wellrun::respond
