#include "platform/http/url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::http {
namespace {

bool has_space_or_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  const auto invalid = [](std::string_view why) {
    return fail(ErrorCode::kInvalid, "URL: " + std::string(why));
  };
  auto rest = text;
  Url url;
  if (rest.starts_with("https://")) {
    url.is_tls = true;
  } else if (!rest.starts_with("http://")) {
    return invalid("must start with http:// or https://");
  }
  if (has_space_or_control(rest)) return invalid("a space or control character in it");
  rest.remove_prefix(url.is_tls ? 8 : 7);
  const auto end = rest.find_first_of("/?#");
  url.authority = rest.substr(0, end);
  url.target = end == std::string_view::npos ? "" : rest.substr(end);
  url.target = url.target.substr(0, url.target.find('#'));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (url.authority.find('@') != std::string::npos) {
    return invalid("credentials belong in a header, not into it");
  }
  const std::string_view authority = url.authority;
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = authority.substr(0, colon);
  url.port = colon == std::string_view::npos ? (url.is_tls ? "443" : "80")
                                             : std::string(authority.substr(colon + 1));
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  if (url.host.empty()) return invalid("no host in it");
  std::uint16_t port = 0;
  const auto* last = url.port.data() + url.port.size();
  const auto [stopped, problem] = std::from_chars(url.port.data(), last, port);
  if (problem != std::errc() || stopped != last) {
    return invalid(fmt::format("{} is not a port", quote(url.port)));
  }
  return url;
}

}  // namespace wellrun::http
