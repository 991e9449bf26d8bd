#pragma once

// Code points of UTF-8 text, as Go reads strings: a broken byte is U+FFFD.

#include <string>
#include <string_view>

namespace wellrun {

/// The first code point of `rest`, which must not be empty; it is removed.
char32_t next_code_point(std::string_view& rest);

/// Simple case mapping of the Latin, Greek and Cyrillic blocks; anything else is unchanged.
char32_t to_upper(char32_t c);
char32_t to_lower(char32_t c);
/// Of those blocks, and everything from U+0250 on that is no known punctuation or space.
bool is_letter(char32_t c);

}  // namespace wellrun
