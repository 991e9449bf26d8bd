#include "respond/plain_text.h"

#include <algorithm>

#include "core/text.h"

namespace wellrun::respond {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.resize(utf8_beginning(text, limit).size());
  return text + "…";
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, is_control, ' ');
  return line;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, is_control);
}

}  // namespace wellrun::respond
