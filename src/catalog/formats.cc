#include "catalog/formats.h"

#include <fmt/format.h>
#include <memory>
#include <re2/re2.h>

#include "catalog/holiday_date.h"
#include "catalog/on_call.h"
#include "catalog/slo_window.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

struct Format {
  std::string_view name;
  std::string_view wanted;
  const char* pattern;  ///< whole text; JSON Schema and RE2 read it alike; null: another check
};

constexpr Format kFormats[] = {
    {"email", "an e-mail address as \"ana@example.org\"", "^[^@\\s<>\"]+@[^@\\s<>\"]+$"},
    {"url", "an http:// or https:// URL", "^https?://[^\\s]+$"},
    {"host-port", "a host and port as \"localhost:9100\"",
     "^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"},
    {"time-zone", "an IANA time zone as \"Europe/Berlin\"", nullptr},
    {"holiday-date", "a day as \"2026-04-06\" or, for every year, \"12-25\"", nullptr},
    {"local-time", "a local time as \"2026-01-01 00:00:00\"", nullptr},
    {"window-length", "a length such as 28d, 1M, 1Q or 1Y", nullptr},
    {"slice-length", "a length such as 1m, or a number of minutes", nullptr},
    {"handover", "a hand-over as \"monday 09:00\" or \"09:00\"", nullptr},
    {"secret-ref", "where the secret is kept, as \"env:NAME\" or \"file:/path\"",
     "^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\\s]+)$"},
    {"metric-name", "a metric name", "^[a-zA-Z_:][a-zA-Z0-9_:]*$"},
    {"label-map", "a label name", "^[a-zA-Z_][a-zA-Z0-9_]*$"},
    {"utf8-label-map", "a label name", "^[\\s\\S]+$"},
    {"identifier", "a name of letters, digits, _ and -", "^[A-Za-z_][A-Za-z0-9_-]*$"},
    {"condition", "a comparison as \"< 0.05\"",
     "^\\s*(<|<=|>|>=|==|!=)\\s*[-+]?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\s*$"},
    {"fact-type", "a fact type as \"incident.opened\"", "^[a-z_]+\\.[a-z_]+$"},
};

const Format* find(std::string_view name) {
  for (const Format& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

bool matches(const Format& format, std::string_view text) {
  if (format.name == "time-zone") return is_time_zone(text);
  if (format.name == "holiday-date") return parse_holiday_date(text).has_value();
  if (format.name == "local-time") return check_local_time(text).has_value();
  if (format.name == "window-length") return parse_window_length(text).has_value();
  if (format.name == "slice-length") return parse_slice_length(text).has_value();
  if (format.name == "handover") return parse_handover(text).has_value();
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), format.pattern);
}

}  // namespace

Status check_format(std::string_view format, std::string_view text) {
  const Format* found = find(format);
  if (found == nullptr || matches(*found, text)) return {};
  // What stands in the place of a reference may be the secret itself: it is not repeated.
  const auto shown = format == "secret-ref" ? std::string("this") : quote(text);
  return fail(ErrorCode::kInvalid, fmt::format("{} is not {}", shown, found->wanted));
}

std::string_view format_description(std::string_view format) {
  const Format* found = find(format);
  if (format == "promql") return "PromQL";
  return found == nullptr ? std::string_view{} : found->wanted;
}

std::string_view format_pattern(std::string_view format) {
  const Format* found = find(format);
  return found == nullptr || found->pattern == nullptr ? std::string_view{} : found->pattern;
}

}  // namespace wellrun::catalog
