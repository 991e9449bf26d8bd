#pragma once

// `$1`, `${1}`, `$name`, `${name}` and `$$` in replacement texts, as Go's Regexp.Expand reads them:
// of label_replace() and of relabelling. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace wellrun::telemetry {

/// `groups`: what the match captured, the whole match first. A group that does not exist is empty.
std::string expand_template(std::string_view text, const re2::RE2& regex,
                            const std::vector<std::string_view>& groups);

}  // namespace wellrun::telemetry
