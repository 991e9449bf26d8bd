#include "telemetry/otlp/attributes.h"

#include <cmath>
#include <fmt/format.h>
#include <simdjson.h>

#include "core/bytes.h"
#include "core/json.h"

namespace wellrun::telemetry::otlp {
namespace {

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

Status append_json(std::string& out, protozero::pbf_reader value, int depth_left);

Status append_list(std::string& out, protozero::pbf_reader list, int depth_left) {
  out += '[';
  while (list.next(1, kBytes)) {
    if (out.back() != '[') out += ',';
    TRY_STATUS(append_json(out, list.get_message(), depth_left));
  }
  out += ']';
  return {};
}

Status append_map(std::string& out, protozero::pbf_reader map, int depth_left) {
  out += '{';
  while (map.next(1, kBytes)) {
    if (out.back() != '{') out += ',';
    auto entry = map.get_message();
    std::string key, text = "null";
    while (entry.next()) {
      if (entry.tag_and_type() == bytes_field(1)) {
        TRY(key, read_text(entry.get_view()));
      } else if (entry.tag_and_type() == bytes_field(2)) {
        text.clear();
        TRY_STATUS(append_json(text, entry.get_message(), depth_left));
      } else {
        entry.skip();
      }
    }
    out += to_text(Json(key)) + ':' + text;
  }
  out += '}';
  return {};
}

enum class Form { kText, kJson };

/// The one value that an AnyValue holds; of several, the last, as protobuf's oneof asks.
Status append_value(std::string& out, protozero::pbf_reader value, int depth_left, Form form) {
  if (depth_left <= 0)
    return fail(ErrorCode::kTooLarge,
                "an attribute value is nested too deeply; send flat attributes");
  const std::size_t start = out.size();
  const auto quoted = [&](std::string text) {
    out += form == Form::kJson ? to_text(Json(text)) : std::move(text);
  };
  bool any = false;
  while (value.next()) {
    out.resize(start);
    any = true;
    switch (value.tag_and_type()) {
      case bytes_field(1): {
        TRY(auto text, read_text(value.get_view()));
        quoted(std::move(text));
        break;
      }
      case varint_field(2):
        out += value.get_bool() ? "true" : "false";
        break;
      case varint_field(3):
        out += fmt::format("{}", value.get_int64());
        break;
      case fixed64_field(4): {
        const double number = value.get_double();
        std::isfinite(number) ? void(out += number_text(number)) : quoted(number_text(number));
        break;
      }
      case bytes_field(5):
        TRY_STATUS(append_list(out, value.get_message(), depth_left - 1));
        break;
      case bytes_field(6):
        TRY_STATUS(append_map(out, value.get_message(), depth_left - 1));
        break;
      case bytes_field(7): {
        const auto bytes = value.get_view();
        quoted(to_base64({bytes.data(), bytes.size()}));
        break;
      }
      default:
        value.skip();
        any = false;
    }
  }
  if (!any && form == Form::kJson) out += "null";
  return {};
}

Status append_json(std::string& out, protozero::pbf_reader value, int depth_left) {
  return append_value(out, value, depth_left, Form::kJson);
}

}  // namespace

Result<std::string> read_text(protozero::data_view text) {
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return fail(ErrorCode::kInvalid, "a string in the body is not UTF-8; protobuf asks for it");
  return std::string(text.data(), text.size());
}

Result<std::string> read_value(protozero::pbf_reader value, int max_depth) {
  std::string out;
  TRY_STATUS(append_value(out, value, max_depth, Form::kText));
  return out;
}

Result<Label> read_attribute(protozero::pbf_reader key_value, const DecodeLimits& limits) {
  Label out;
  while (key_value.next()) {
    switch (key_value.tag_and_type()) {
      case bytes_field(1): {
        TRY(out.name, read_text(key_value.get_view()));
        break;
      }
      case bytes_field(2): {
        TRY(out.value, read_value(key_value.get_message(), limits.max_depth));
        break;
      }
      default:
        key_value.skip();
    }
  }
  return out;
}

Status add_attribute(protozero::pbf_reader key_value, const DecodeLimits& limits,
                     std::vector<Label>& attributes) {
  if (attributes.size() > limits.max_attributes) return {};
  TRY(auto attribute, read_attribute(key_value, limits));
  attributes.push_back(std::move(attribute));
  return {};
}

std::string over_limit(const std::vector<Label>& attributes, const DecodeLimits& limits) {
  if (attributes.size() > limits.max_attributes)
    return fmt::format("more than the {} attributes that are allowed", limits.max_attributes);
  for (const auto& attribute : attributes) {
    if (attribute.name.size() > limits.max_key_bytes)
      return fmt::format("an attribute key of {} bytes, {} are allowed", attribute.name.size(),
                         limits.max_key_bytes);
    if (attribute.value.size() > limits.max_value_bytes)
      return fmt::format("attribute {} has {} bytes, {} are allowed", attribute.name,
                         attribute.value.size(), limits.max_value_bytes);
  }
  return {};
}

}  // namespace wellrun::telemetry::otlp
