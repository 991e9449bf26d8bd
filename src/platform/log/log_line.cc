#include "platform/log/log_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "core/json.h"
#include "core/text.h"

namespace wellrun {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char c) {
           return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\';
         });
}

std::string json_text(std::string_view text) {
  return to_text(Json(text));
}

struct AsText {
  std::string operator()(std::string_view text) const {
    return needs_quotes(text) ? quote(text) : std::string(text);
  }
  std::string operator()(auto value) const { return fmt::format("{}", value); }
};

struct AsJson {
  std::string operator()(std::string_view text) const { return json_text(text); }
  std::string operator()(double number) const {
    return std::isfinite(number) ? fmt::format("{}", number) : fmt::format("\"{}\"", number);
  }
  std::string operator()(auto value) const { return fmt::format("{}", value); }
};

constexpr std::array<std::string_view, 4> kOwnNames{"time", "level", "area", "message"};

}  // namespace

std::string text_line(std::string_view area, std::string_view message,
                      std::span<const Field> fields) {
  const bool is_plain = std::ranges::none_of(message, is_control);
  auto line = fmt::format("{} {}", area, is_plain ? std::string(message) : quote(message));
  for (const auto& field : fields) {
    line += fmt::format(" {}={}", field.name, std::visit(AsText{}, field.value));
  }
  return line;
}

std::string json_line(std::string_view area, std::string_view message,
                      std::span<const Field> fields) {
  auto line = fmt::format(R"("area":{},"message":{})", json_text(area), json_text(message));
  for (const auto& field : fields) {
    const bool repeats = std::ranges::find(kOwnNames, field.name) != kOwnNames.end();
    line += fmt::format(",{}:{}", json_text((repeats ? "_" : "") + std::string(field.name)),
                        std::visit(AsJson{}, field.value));
  }
  return line + "}";
}

}  // namespace wellrun
