#pragma once

// The little HTML that respond writes itself: one-tap pages and the public status page. No scripts,
// one style sheet of its own.

#include <string>
#include <string_view>

namespace wellrun::respond {

/// & < > " ' as entities: fit for text and for quoted attributes.
std::string escape_html(std::string_view text);

/// A whole document; `title` is escaped here, `body` is HTML already. Styles come from /status.css.
std::string page_frame(std::string_view title, std::string_view body);

/// What /status.css holds: light and dark, readable on a phone.
std::string_view style_sheet();

}  // namespace wellrun::respond
