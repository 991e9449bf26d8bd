#include "platform/http/media_type.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "core/text.h"

namespace wellrun::http {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Cuts off what stands before `separator`, and the separator.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return trimmed(part);
}

std::string_view unquoted(std::string_view value) {
  const bool is_quoted = value.size() > 1 && value.starts_with('"') && value.ends_with('"');
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

double quality_of(std::string_view text) {
  double quality = 1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), quality);
  const bool is_read = problem == std::errc() && end == text.data() + text.size();
  return is_read && quality >= 0 && quality <= 1 ? quality : 1;
}

}  // namespace

std::string_view MediaType::parameter(std::string_view wanted) const {
  const auto found =
      std::ranges::find_if(parameters, [&](const auto& p) { return p.first == wanted; });
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

MediaType parse_media_type(std::string_view text) {
  MediaType type;
  type.name = lowered(take_until(text, ';'));
  while (!text.empty()) {
    auto value = take_until(text, ';');
    auto name = lowered(take_until(value, '='));
    if (name == "q")
      type.quality = quality_of(trimmed(value));
    else if (!name.empty())
      type.parameters.emplace_back(std::move(name), unquoted(trimmed(value)));
  }
  return type;
}

std::vector<MediaType> accepted_types(std::string_view accept) {
  std::vector<MediaType> types;
  while (!accept.empty()) {
    auto type = parse_media_type(take_until(accept, ','));
    if (!type.name.empty() && type.quality > 0) types.push_back(std::move(type));
  }
  std::ranges::stable_sort(types, std::ranges::greater(), &MediaType::quality);
  return types;
}

}  // namespace wellrun::http
