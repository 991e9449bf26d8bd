#include "platform/http/target.h"

#include "core/bytes.h"
#include "core/text.h"

namespace wellrun::http {
namespace {

constexpr std::size_t kMostParameters = 10'000;

std::string form_decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decoded(spaced);
  return decoded ? std::move(*decoded) : spaced;
}

bool leaves_its_folder(std::string_view path) {
  std::string slashes(path);
  std::ranges::replace(slashes, '\\', '/');
  return std::ranges::any_of(split(slashes, '/'),
                             [](std::string_view part) { return part == "." || part == ".."; });
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto slash = target.find('/');
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    decoded += *byte;
    i += 2;
  }
  return decoded;
}

Status parse_form(std::string_view form, Parameters& parameters) {
  while (!form.empty()) {
    const auto end = form.find('&');
    const auto pair = form.substr(0, end);
    form = end == std::string_view::npos ? std::string_view() : form.substr(end + 1);
    if (pair.empty()) continue;
    if (parameters.size() >= kMostParameters) {
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} parameters", kMostParameters));
    }
    const auto equals = pair.find('=');
    const auto value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    parameters.emplace_back(form_decoded(pair.substr(0, equals)), form_decoded(value));
  }
  return {};
}

Result<Target> parse_target(std::string_view text) {
  text = without_authority(text);
  if (!text.starts_with('/')) {
    return fail(ErrorCode::kInvalid,
                fmt::format("request target {}: must start with /", quote(text)));
  }
  const auto mark = text.find('?');
  Target target;
  target.raw_path = text.substr(0, mark);
  auto path = percent_decoded(target.raw_path);
  if (!path) {
    return fail(ErrorCode::kInvalid,
                fmt::format("path {}: a % without two hexadecimal digits", quote(target.raw_path)));
  }
  if (has_control_character(*path)) {
    return fail(ErrorCode::kInvalid, fmt::format("path {}: a control character", quote(*path)));
  }
  if (leaves_its_folder(*path)) {
    return fail(ErrorCode::kInvalid, fmt::format("path {}: leaves its folder", quote(*path)));
  }
  target.path = std::move(*path);
  if (mark != std::string_view::npos) TRY_STATUS(parse_form(text.substr(mark + 1), target.query));
  return target;
}

}  // namespace wellrun::http
