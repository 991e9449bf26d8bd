#include "procedures/url_template.h"

#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::procedures {
namespace {

enum class Part { kScheme, kHost, kRest };

/// The part of the URL that comes after `text`, which begins in `part`.
Part after(Part part, std::string_view text) {
  if (part == Part::kScheme) {
    const auto end = text.find("://");
    if (end == std::string_view::npos) return part;
    part = Part::kHost;
    text.remove_prefix(end + 3);
  }
  const bool leaves_host = text.find_first_of("/?#") != std::string_view::npos;
  return part == Part::kHost && leaves_host ? Part::kRest : part;
}

std::string encoded(std::string_view value, Part part) {
  std::string result;
  for (const char c : value) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const std::string_view kept = part == Part::kHost ? "-._~:[]" : "-._~";
    if (is_word || kept.contains(c)) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace

std::string percent_encoded(std::string_view value) {
  return encoded(value, Part::kRest);
}

FilledUrl fill_url(std::string_view text,
                   const std::function<std::string(std::string_view name)>& value_of) {
  FilledUrl filled;
  auto part = Part::kScheme;
  while (true) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) break;
    const auto before = text.substr(0, open);
    part = after(part, before);
    auto value = value_of(trimmed(text.substr(open + 2, close - open - 2)));
    if (part != Part::kScheme) value = encoded(value, part);
    filled.host_is_filled_in = filled.host_is_filled_in || part != Part::kRest;
    filled.url.append(before).append(value);
    part = after(part, value);
    text.remove_prefix(close + 2);
  }
  filled.url += text;
  return filled;
}

}  // namespace wellrun::procedures
