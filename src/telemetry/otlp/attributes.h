#pragma once

// OpenTelemetry attributes (KeyValue, AnyValue) read in place from protobuf into text, within
// limits. Used by the three OTLP decoders. Thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "telemetry/expansion_budget.h"
#include "telemetry/protozero_checked.h"

namespace wellrun::telemetry::otlp {

/// What one request may hold. Beyond a count, length or bucket limit the record or point is
/// rejected (partial success); beyond a depth or `max_expanded_bytes` the whole request is refused
/// and nothing is kept.
struct DecodeLimits {
  std::size_t max_attributes = 256;
  std::size_t max_key_bytes = 1'024;
  std::size_t max_value_bytes = 64 << 10;
  std::size_t max_body_bytes = 256 << 10;  ///< a log record's body
  std::size_t max_buckets = 2'048;
  int max_depth = 32;                          ///< of nested attribute values
  std::size_t max_expanded_bytes = 256 << 20;  ///< what a request may become in memory
};

/// A field by number and wire type: one of another type is skipped like an unknown field.
/// protozero's getters must not be called on the wrong type.
constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;
constexpr std::uint32_t bytes_field(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, kBytes);
}
constexpr std::uint32_t varint_field(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
constexpr std::uint32_t fixed64_field(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}

/// kInvalid unless `text` is UTF-8: protobuf's `string` must be.
Result<std::string> read_text(protozero::data_view text);

/// An AnyValue as text: strings as they are, numbers shortest, booleans true/false, bytes in
/// base64, arrays and maps as JSON. kInvalid for text that is not UTF-8, kTooLarge beyond
/// `max_depth`. An AnyValue without a value is empty. Source: OpenTelemetry specification,
/// common/README.md, "AnyValue representation for non-OTLP protocols".
Result<std::string> read_value(protozero::pbf_reader value, int max_depth);

/// One KeyValue.
Result<Label> read_attribute(protozero::pbf_reader key_value, const DecodeLimits& limits);

/// One more KeyValue for `attributes`, unless there are too many already: of a body with millions,
/// no more are held than over_limit() needs to see. kInvalid, kTooLarge as read_value().
Status add_attribute(protozero::pbf_reader key_value, const DecodeLimits& limits,
                     std::vector<Label>& attributes);

/// Empty, or why these attributes are over a limit.
std::string over_limit(const std::vector<Label>& attributes, const DecodeLimits& limits);

/// Runs a decoder, with protozero's exceptions turned into kInvalid naming `message`.
template <typename Decode>
auto decoding(const char* message, Decode decode) -> decltype(decode()) {
  try {
    return decode();
  } catch (const protozero::exception& problem) {
    return fail(ErrorCode::kInvalid,
                std::string("the body is not a protobuf ") + message + ": " + problem.what());
  }
}

}  // namespace wellrun::telemetry::otlp
