#include "core/json.h"

#include <fmt/format.h>

namespace wellrun {

Result<Json> parse_json(std::string_view text, int max_depth) {
  bool too_deep = false;
  const auto watch_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > max_depth;
    return !too_deep;
  };
  try {
    auto json = Json::parse(text, watch_depth);
    if (too_deep)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("JSON nested deeper than {} levels", max_depth));
    return json;
  } catch (const Json::exception& error) {
    if (too_deep)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("JSON nested deeper than {} levels", max_depth));
    // It quotes what it read last, which may be all of a hostile input.
    constexpr std::size_t kMostQuoted = 300;
    const std::string_view what = error.what();
    return fail(ErrorCode::kInvalid, fmt::format("not JSON: {}{}", what.substr(0, kMostQuoted),
                                                 what.size() > kMostQuoted ? "…" : ""));
  }
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_or(const Json& json, std::string_view key, std::string_view fallback) {
  if (!json.is_object()) return std::string(fallback);
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string(fallback);
}

double number_or(const Json& json, std::string_view key, double fallback) {
  if (!json.is_object()) return fallback;
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : fallback;
}

bool bool_or(const Json& json, std::string_view key, bool fallback) {
  if (!json.is_object()) return fallback;
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

}  // namespace wellrun
