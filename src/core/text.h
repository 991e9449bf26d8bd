#pragma once

// Text as people type and read it: quoting, splitting, and "did you mean".

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wellrun {

/// In double quotes, with \n \t \\ \" escaped; other control characters, and bytes that are no
/// UTF-8, as \xNN.
std::string quote(std::string_view text);

std::string_view trimmed(std::string_view text);

/// "a,b" split at ',' is {"a", "b"}; empty pieces are kept; empty text is one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);

/// "a, b and c"; empty for none.
std::string join_words(std::span<const std::string> words);

/// True when `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_valid_utf8(std::string_view text);

/// Appends a code point; U+FFFD for a surrogate and beyond U+10FFFF.
void append_utf8(std::string& into, char32_t code_point);

/// The longest beginning of `text` of at most `max_bytes` bytes that cuts no character of UTF-8.
std::string_view utf8_beginning(std::string_view text, std::size_t max_bytes);

/// The candidate a person most likely meant: smallest edit distance (with transpositions), at most
/// a third of the length and at least one, ties to the first. std::nullopt when none is near.
std::optional<std::string> nearest(std::string_view text, std::span<const std::string> candidates);

/// ` (did you mean "payments"?)`, or empty when nothing is near: to be put at the end of an error
/// message.
std::string did_you_mean(std::string_view text, std::span<const std::string> candidates);

}  // namespace wellrun
