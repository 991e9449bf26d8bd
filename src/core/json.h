#pragma once

// JSON of the control plane. Keys are sorted, so that the same value is always the same bytes (facts are hashed).
// Telemetry is decoded elsewhere, in place.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace wellrun {

using Json = nlohmann::json;

/// Reads `text`; kInvalid with line and column on malformed text, invalid UTF-8, or nesting deeper than `max_depth`.
Result<Json> parse_json(std::string_view text, int max_depth = 64);

/// Compact, keys sorted, invalid UTF-8 replaced: never fails.
std::string to_text(const Json& json);

/// `json[key]` when `json` is an object that has it with the wanted type; `fallback` otherwise.
std::string text_or(const Json& json, std::string_view key, std::string_view fallback = {});
double number_or(const Json& json, std::string_view key, double fallback);
bool bool_or(const Json& json, std::string_view key, bool fallback);

}  // namespace wellrun
