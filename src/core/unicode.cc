#include "core/unicode.h"

#include "core/text.h"

namespace wellrun {
namespace {

bool between(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

/// Blocks where capital and small letter are neighbours; true when the capital is the even one.
bool is_even_pair(char32_t c) {
  return between(c, 0x100, 0x137) || between(c, 0x14A, 0x177) || between(c, 0x1E00, 0x1E95) ||
         between(c, 0x1EA0, 0x1EFF) || between(c, 0x460, 0x481) || between(c, 0x48A, 0x4BF) ||
         between(c, 0x4D0, 0x52F);
}
bool is_odd_pair(char32_t c) {
  return between(c, 0x139, 0x148) || between(c, 0x179, 0x17E);
}

}  // namespace

char32_t next_code_point(std::string_view& rest) {
  const auto lead = static_cast<unsigned char>(rest.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const auto sequence = rest.substr(0, length);
  if (sequence.size() < length || !is_valid_utf8(sequence)) {
    rest.remove_prefix(1);
    return 0xFFFD;
  }
  rest.remove_prefix(length);
  if (length == 1) return lead;
  char32_t c = lead & (0xFFU >> (length + 1));
  for (const char next : sequence.substr(1))
    c = c << 6 | (static_cast<unsigned char>(next) & 0x3FU);
  return c;
}

char32_t to_upper(char32_t c) {
  if (between(c, 'a', 'z') || (between(c, 0xE0, 0xFE) && c != 0xF7) ||
      (between(c, 0x3B1, 0x3C9) && c != 0x3C2) || between(c, 0x430, 0x44F))
    return c - 32;
  if (c == 0xFF) return 0x178;
  if (c == 0x3C2) return 0x3A3;
  if (between(c, 0x450, 0x45F)) return c - 80;
  if (is_even_pair(c) && c != 0x131 && c != 0x130) return c & ~char32_t{1};
  if (is_odd_pair(c)) return c % 2 == 0 ? c - 1 : c;
  return c;
}

char32_t to_lower(char32_t c) {
  if (between(c, 'A', 'Z') || (between(c, 0xC0, 0xDE) && c != 0xD7) ||
      (between(c, 0x391, 0x3A9) && c != 0x3A2) || between(c, 0x410, 0x42F))
    return c + 32;
  if (c == 0x178) return 0xFF;
  if (between(c, 0x400, 0x40F)) return c + 80;
  if (is_even_pair(c) && c != 0x131 && c != 0x130) return c | 1;
  if (is_odd_pair(c)) return c % 2 == 1 ? c + 1 : c;
  return c;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return between(c, 'a', 'z') || between(c, 'A', 'Z');
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  const bool punctuation = between(c, 0x2000, 0x206F) || between(c, 0x3000, 0x303F) || c == 0xFFFD;
  return !punctuation && c != 0xD7 && c != 0xF7;
}

}  // namespace wellrun
