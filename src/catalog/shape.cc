#include "catalog/shape.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "catalog/formats.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr std::size_t kMostTextBytes = 64 << 10;

std::string in_field(const Field& field) {
  return "field " + quote(field.name);
}

bool wrong(const Field& field, const Node& node, std::string_view wanted, Reading& reading) {
  reading.problem(node.position,
                  fmt::format("{} takes {}, found {}", in_field(field), wanted, described(node)));
  return false;
}

bool within_range(const Field& field, double value, const Node& node, Reading& reading) {
  if (field.minimum && (value < *field.minimum || value > *field.maximum)) {
    reading.problem(node.position,
                    fmt::format("{} must be from {} to {}, found {}", in_field(field),
                                *field.minimum, *field.maximum, node.text));
    return false;
  }
  return true;
}

bool is_choice(const Field& field, const std::string& text, const Node& node, Reading& reading) {
  if (field.choices.empty() || std::ranges::find(field.choices, text) != field.choices.end()) {
    return true;
  }
  reading.problem(node.position,
                  fmt::format("{} must be one of {}, found {}", in_field(field),
                              fmt::join(field.choices, ", "), described(node)),
                  nearest(text, field.choices).value_or(""));
  return false;
}

void require_fields(const Shape& shape, const Node& node, Reading& reading) {
  for (const Field& field : shape.fields) {
    if (!field.is_required) continue;
    const Node* value = node.find(field.name);
    const bool empty_list = value != nullptr && field.is_list && value->items.empty() &&
                            value->type == Node::Type::kSequence;
    const bool empty_text =
        value != nullptr && value->type == Node::Type::kText && value->text.empty();
    if (value == nullptr || value->type == Node::Type::kNull) {
      reading.problem(node.position,
                      fmt::format("{} lacks the field {}", shape.name, quote(field.name)));
    } else if (empty_list || empty_text) {
      reading.problem(value->position, fmt::format("{} must not be empty", in_field(field)));
    }
  }
}

}  // namespace

void Reading::problem(Position position, std::string message, std::string hint) {
  problems.push_back({file, position.line, position.column, std::move(message), std::move(hint)});
}

const Field* Shape::find(std::string_view field) const {
  for (const Field& each : fields) {
    if (each.name == field) return &each;
  }
  return nullptr;
}

bool decode_text(const Field& field, std::string& out, const Node& node, Reading& reading) {
  if (!node.is_scalar()) return wrong(field, node, "text", reading);
  if (node.text.size() > kMostTextBytes) {
    reading.problem(node.position, fmt::format("{} has {} bytes, the most is {}", in_field(field),
                                               node.text.size(), kMostTextBytes));
    return false;
  }
  if (!is_choice(field, node.text, node, reading)) return false;
  if (!node.text.empty()) {
    if (field.text_format == "promql") {
      reading.queries.push_back({node.text, node.position});
    } else if (const Status status = check_format(field.text_format, node.text); !status) {
      reading.problem(node.position, in_field(field) + ": " + status.error().message,
                      status.error().context);
    }
  }
  out = node.text;
  return true;
}

bool decode_integer(const Field& field, int& out, const Node& node, Reading& reading) {
  int value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stopped, error] = std::from_chars(node.text.data(), end, value);
  if (!node.is_scalar() || error != std::errc{} || stopped != end) {
    return wrong(field, node, "a whole number", reading);
  }
  if (!within_range(field, value, node, reading)) return false;
  out = value;
  return true;
}

bool decode_number(const Field& field, double& out, const Node& node, Reading& reading) {
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stopped, error] = std::from_chars(node.text.data(), end, value);
  if (!node.is_scalar() || error != std::errc{} || stopped != end || !std::isfinite(value)) {
    return wrong(field, node, "a number", reading);
  }
  if (!within_range(field, value, node, reading)) return false;
  out = value;
  return true;
}

bool decode_flag(const Field& field, bool& out, const Node& node, Reading& reading) {
  if (!node.is_scalar() || (node.text != "true" && node.text != "false")) {
    return wrong(field, node, "true or false", reading);
  }
  out = node.text == "true";
  return true;
}

bool decode_duration(const Field& field, Duration& out, const Node& node, Reading& reading) {
  const auto duration = parse_duration(node.text);
  if (!node.is_scalar() || !duration) {
    return wrong(field, node, "a length of time as \"1h30m\" (units y w d h m s ms)", reading);
  }
  if (field.is_positive && duration->count() <= 0) {
    reading.problem(node.position, in_field(field) + " must be longer than nothing");
    return false;
  }
  out = *duration;
  return true;
}

bool decode_time(const Field& field, Timestamp& out, const Node& node, Reading& reading) {
  const auto time = parse_rfc3339(node.text);
  if (!node.is_scalar() || !time) {
    return wrong(field, node, "a date and time as \"2026-01-05T09:00:00+01:00\"", reading);
  }
  out = *time;
  return true;
}

bool decode_reference(const Field& field, std::string& out, const Node& node, Reading& reading) {
  if (!node.is_scalar()) {
    return wrong(field, node, "the name of a " + field.reference_kind, reading);
  }
  if (node.text.empty()) return true;
  reading.references.push_back({field.reference_kind, node.text, field.name, node.position});
  out = node.text;
  return true;
}

bool decode_text_map(const Field& field, TextMap& out, const Node& node, Reading& reading) {
  if (node.type != Node::Type::kMap) return wrong(field, node, "a map of texts", reading);
  const bool nothing_is_text = field.text_format == "utf8-label-map";
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node::Key& key = node.keys[i];
    const Node& value = node.items[i];
    const bool is_left_empty = value.type == Node::Type::kNull && nothing_is_text;
    if (!value.is_scalar() && !is_left_empty) {
      reading.problem(value.position, fmt::format("{}: {} takes text, found {}", in_field(field),
                                                  quote(key.text), described(value)));
      continue;
    }
    if (const Status status = check_format(field.text_format, key.text); !status) {
      reading.problem(key.position, in_field(field) + ": " + status.error().message);
    }
    out[key.text] = value.text;
  }
  return true;
}

bool decode_text_list_map(const Field& field, TextListMap& out, const Node& node,
                          Reading& reading) {
  if (node.type != Node::Type::kMap) {
    return wrong(field, node, "a map of texts or lists of texts", reading);
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    std::vector<std::string>& values = out[node.keys[i].text];
    const Node& value = node.items[i];
    const bool list = value.type == Node::Type::kSequence;
    const std::size_t count = list ? value.items.size() : 1;
    for (std::size_t item = 0; item < count; ++item) {
      const Node& each = list ? value.items[item] : value;
      if (each.is_scalar()) {
        values.push_back(each.text);
      } else {
        reading.problem(each.position,
                        fmt::format("{}: {} takes text or a list of texts, found {}",
                                    in_field(field), quote(node.keys[i].text), described(each)));
      }
    }
  }
  return true;
}

void decode_object(const Shape& shape, void* out, const Node& node, Reading& reading) {
  if (node.type != Node::Type::kMap) {
    reading.problem(node.position, fmt::format("{} takes a map of fields, found {}",
                                               quote(shape.name), described(node)));
    return;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node::Key& key = node.keys[i];
    const Field* field = shape.find(key.text);
    if (field != nullptr) {
      // `field:` with nothing after it is the default.
      if (node.items[i].type != Node::Type::kNull) {
        field->decode(*field, out, node.items[i], reading);
      }
      continue;
    }
    std::vector<std::string> names;
    names.reserve(shape.fields.size());
    for (const Field& each : shape.fields) names.emplace_back(each.name);
    reading.problem(key.position,
                    fmt::format("unknown field {} in {}", quote(key.text), shape.name),
                    nearest(key.text, names).value_or(""));
  }
  require_fields(shape, node, reading);
}

bool is_list_of_right_length(const Field& field, const Node& node, Reading& reading) {
  if (node.type != Node::Type::kSequence) return wrong(field, node, "a list", reading);
  const std::size_t count = node.items.size();
  if (count < field.least_count || count > field.most_count) {
    const std::string wanted =
        field.least_count == field.most_count
            ? fmt::format("exactly {}", field.least_count)
            : fmt::format("from {} to {}", field.least_count, field.most_count);
    reading.problem(node.position,
                    fmt::format("{} must have {} items, found {}", in_field(field), wanted, count));
    return false;
  }
  return true;
}

Node encode_object(const Shape& shape, const void* object, Writing writing) {
  Node map = map_node();
  for (const Field& field : shape.fields) {
    Node value = field.encode(object, writing);
    if (value.type == Node::Type::kNull) continue;
    const bool compact = writing == Writing::kCompact && !field.is_required;
    if (compact && value == field.default_value) continue;
    const bool empty_optional_text =
        value.type == Node::Type::kText && value.text.empty() && !field.is_optional;
    if (empty_optional_text) continue;
    map.add(field.name, std::move(value));
  }
  return map;
}

Node encode_text_map(const TextMap& map) {
  Node node = map_node();
  for (const auto& [key, value] : map) node.add(key, text_node(value));
  return node;
}

Node encode_text_list_map(const TextListMap& map) {
  Node node = map_node();
  for (const auto& [key, values] : map) {
    if (values.size() == 1) {
      node.add(key, text_node(values.front()));
      continue;
    }
    Node list = sequence_node();
    for (const std::string& value : values) list.items.push_back(text_node(value));
    node.add(key, std::move(list));
  }
  return node;
}

}  // namespace wellrun::catalog
