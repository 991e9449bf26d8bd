#include "telemetry/exposition_format.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

#include "core/unicode.h"
#include "platform/http/media_type.h"

namespace wellrun::telemetry {
namespace {

constexpr std::array<std::pair<Escaping, std::string_view>, 4> kEscapings = {
    {{Escaping::kAllowUtf8, "allow-utf-8"},
     {Escaping::kUnderscores, "underscores"},
     {Escaping::kDots, "dots"},
     {Escaping::kValues, "values"}}};

std::optional<Escaping> escaping_named(std::string_view name) {
  for (const auto& [escaping, its_name] : kEscapings)
    if (name == its_name) return escaping;
  return std::nullopt;
}

std::optional<ExpositionKind> kind_of(const http::MediaType& type) {
  const auto version = type.parameter("version");
  if (type.name == "text/plain") {
    if (version == "1.0.0") return ExpositionKind::kText100;
    if (version.empty() || version == "0.0.4") return ExpositionKind::kText;
  }
  if (type.name == "application/openmetrics-text" &&
      (version.empty() || version == "0.0.1" || version == "1.0.0"))
    return ExpositionKind::kOpenMetrics;
  if (type.name == "application/vnd.google.protobuf" &&
      type.parameter("proto") == "io.prometheus.client.MetricFamily" &&
      type.parameter("encoding") == "delimited")
    return ExpositionKind::kProtobuf;
  return std::nullopt;
}

bool is_plain_at(char c, std::size_t index, NameOf kind) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c == ':' && kind == NameOf::kMetric) || (c >= '0' && c <= '9' && index > 0);
}

std::string stand_in_for(char32_t character, Escaping escaping) {
  switch (escaping) {
    case Escaping::kDots:
      return character == '.' ? "_dot_" : "__";
    case Escaping::kValues:
      return fmt::format("_{:x}_", std::uint32_t{character});
    default:
      return "_";
  }
}

}  // namespace

std::string_view content_type_of(ExpositionKind kind) {
  switch (kind) {
    case ExpositionKind::kText100:
      return "text/plain; version=1.0.0; charset=utf-8";
    case ExpositionKind::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case ExpositionKind::kProtobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
    default:
      return "text/plain; version=0.0.4; charset=utf-8";
  }
}

std::string_view name_of(Escaping escaping) {
  return kEscapings[static_cast<std::size_t>(escaping)].second;
}

ExpositionFormat negotiate(std::string_view accept, std::span<const ExpositionKind> offered) {
  ExpositionFormat format;
  for (const auto& type : http::accepted_types(accept)) {
    if (const auto escaping = escaping_named(type.parameter("escaping")))
      format.escaping = *escaping;
    const auto kind = kind_of(type);
    if (!kind || std::ranges::find(offered, *kind) == offered.end()) continue;
    format.kind = *kind;
    break;
  }
  return format;
}

bool is_plain_name(std::string_view name, NameOf kind) {
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!is_plain_at(name[i], i, kind)) return false;
  return !name.empty();
}

std::string escaped_name(std::string_view name, NameOf kind, Escaping escaping) {
  const bool stays = escaping != Escaping::kDots && is_plain_name(name, kind);
  if (stays || escaping == Escaping::kAllowUtf8) return std::string(name);
  const bool doubles_underscores = escaping != Escaping::kUnderscores;
  std::string out = escaping == Escaping::kValues ? "U__" : "";
  for (std::size_t index = 0; !name.empty(); ++index) {
    const char first = name.front();
    const auto character = next_code_point(name);
    if (first == '_' && doubles_underscores)
      out += "__";
    else if (is_plain_at(first, index, kind))
      out += first;
    else
      out += stand_in_for(character, escaping);
  }
  return out;
}

std::string exposed_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

}  // namespace wellrun::telemetry
