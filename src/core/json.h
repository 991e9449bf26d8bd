#pragma once

// JSON of the control plane. Keys are sorted, so that the same value is always the same bytes
// (facts are hashed). Telemetry is decoded elsewhere, in place.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace wellrun {

using Json = nlohmann::json;

/// Reads `text`; kInvalid with line and column on malformed text, invalid UTF-8, or nesting deeper
/// than `max_depth`.
Result<Json> parse_json(std::string_view text, int max_depth = 64);

/// Compact, keys sorted, invalid UTF-8 replaced: never fails.
std::string to_text(const Json& json);

/// `json[key]` when `json` is an object that has it with the wanted type; `fallback` otherwise.
std::string text_or(const Json& json, std::string_view key, std::string_view fallback = {});
double number_or(const Json& json, std::string_view key, double fallback);
bool bool_or(const Json& json, std::string_view key, bool fallback);

}  // namespace wellrun

/// A Timestamp in stored JSON is its Unix milliseconds; an absent optional is null.
template <>
struct nlohmann::adl_serializer<wellrun::Timestamp> {
  static void to_json(json& out, const wellrun::Timestamp& time) {
    out = wellrun::to_unix_ms(time);
  }
  static void from_json(const json& in, wellrun::Timestamp& time) {
    time = wellrun::from_unix_ms(in.get<std::int64_t>());
  }
};

template <typename T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& out, const std::optional<T>& value) {
    out = value ? json(*value) : json();
  }
  static void from_json(const json& in, std::optional<T>& value) {
    value = in.is_null() ? std::nullopt : std::optional<T>(in.get<T>());
  }
};
