#include "journal/body_limit.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace wellrun::journal {
namespace {

constexpr std::string_view kCut = "[…]";

std::size_t size_of(const Json& json) {
  return to_text(json).size();
}

/// Inside its quotation marks.
bool fits(const std::string& text, std::size_t max_bytes) {
  return text.size() <= max_bytes && size_of(text) - 2 <= max_bytes;
}

std::string valid_utf8(const std::string& text) {
  return Json::parse(to_text(text)).get<std::string>();
}

/// What one byte of valid UTF-8 takes inside JSON.
std::size_t cost(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  if (byte == '"' || byte == '\\' || (value >= 0x08 && value <= 0x0D && value != 0x0B)) return 2;
  return value < 0x20 ? 6 : 1;
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

template <typename Iterator>
std::size_t count_within(Iterator byte, Iterator end, std::size_t max_bytes) {
  std::size_t count = 0;
  for (std::size_t used = 0; byte != end; ++byte, ++count) {
    used += cost(*byte);
    if (used > max_bytes) break;
  }
  return count;
}

/// Calls `shorten` with everything inside `json` and itself, the innermost first.
template <typename Shorten>
void everywhere(Json& json, const Shorten& shorten) {
  if (json.is_structured()) {
    for (auto& inner : json) everywhere(inner, shorten);
  }
  shorten(json);
}

void shorten_texts(Json& body, std::size_t max_bytes) {
  everywhere(body, [&](Json& json) {
    if (json.is_string()) json = beginning_within(json.get_ref<const std::string&>(), max_bytes);
  });
}

/// Fields of the body itself stay: they are what its readers look for.
void shorten_lists(Json& body, std::size_t max_count) {
  everywhere(body, [&](Json& json) {
    if (!json.is_structured() || &json == &body || json.size() <= max_count) return;
    json.erase(std::next(json.begin(), static_cast<std::ptrdiff_t>(max_count)), json.end());
  });
}

}  // namespace

std::string beginning_within(const std::string& text, std::size_t max_bytes) {
  if (fits(text, max_bytes)) return text;
  const auto valid = valid_utf8(text);
  auto end = count_within(valid.begin(), valid.end(), max_bytes - kCut.size());
  while (end > 0 && end < valid.size() && continues_character(valid[end])) --end;
  return valid.substr(0, end) + std::string(kCut);
}

std::string end_within(const std::string& text, std::size_t max_bytes) {
  if (fits(text, max_bytes)) return text;
  const auto valid = valid_utf8(text);
  auto start =
      valid.size() - count_within(valid.rbegin(), valid.rend(), max_bytes - kCut.size() - 2);
  while (start < valid.size() && continues_character(valid[start])) ++start;
  return std::string(kCut) + "\n" + valid.substr(start);
}

bool cut_to_fit(Json& body, std::size_t max_bytes) {
  if (size_of(body) <= max_bytes) return false;
  for (const auto longest : std::initializer_list<std::size_t>{4096, 1024, 256, 64}) {
    shorten_texts(body, longest);
    if (size_of(body) <= max_bytes) return true;
  }
  for (const auto most : std::initializer_list<std::size_t>{64, 16, 4, 0}) {
    shorten_lists(body, most);
    if (size_of(body) <= max_bytes) return true;
  }
  body = Json::object();
  return true;
}

}  // namespace wellrun::journal
