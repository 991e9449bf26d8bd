#include "catalog/schema.h"

#include "catalog/formats.h"
#include "catalog/yaml.h"

namespace wellrun::catalog {
namespace {

constexpr std::string_view kDurationPattern =
    "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$";

Json object_schema(const Shape& shape);

Json text_schema(const Field& field) {
  Json schema = {{"type", "string"}};
  if (!field.choices.empty()) schema["enum"] = field.choices;
  if (const auto pattern = format_pattern(field.text_format); !pattern.empty()) {
    schema["pattern"] = pattern;
  }
  return schema;
}

Json map_schema(Json values) {
  return {{"type", "object"}, {"additionalProperties", std::move(values)}};
}

Json element_schema(const Field& field) {
  // Plain YAML scalars stand for text, so that a port or a version need not be quoted.
  const Json scalar = {{"type", {"string", "number", "boolean"}}};
  switch (field.type) {
    case FieldType::kText:
      return text_schema(field);
    case FieldType::kReference:
      return {{"type", "string"}};
    case FieldType::kInteger:
    case FieldType::kNumber:
      break;
    case FieldType::kFlag:
      return {{"type", "boolean"}};
    case FieldType::kDuration:
      return {{"type", "string"}, {"pattern", kDurationPattern}};
    case FieldType::kTime:
      return {{"type", "string"}, {"format", "date-time"}};
    case FieldType::kObject:
      return object_schema(*field.object);
    case FieldType::kTextMap:
      return map_schema(scalar);
    case FieldType::kTextListMap:
      return map_schema({{"anyOf", {scalar, {{"type", "array"}, {"items", scalar}}}}});
  }
  Json schema = {{"type", field.type == FieldType::kInteger ? "integer" : "number"}};
  if (field.minimum) {
    schema["minimum"] = *field.minimum;
    schema["maximum"] = *field.maximum;
  }
  return schema;
}

Json field_schema(const Field& field) {
  Json schema = element_schema(field);
  if (field.is_list) {
    schema = {{"type", "array"}, {"items", std::move(schema)}, {"maxItems", field.most_count}};
    const std::size_t least = std::max<std::size_t>(field.least_count, field.is_required ? 1 : 0);
    if (least > 0) schema["minItems"] = least;
  }
  schema["description"] = field.documentation;
  const bool has_default = !field.is_required && field.default_value.is_scalar() &&
                           !field.default_value.text.empty() && field.type != FieldType::kTime;
  if (has_default) schema["default"] = to_json(field.default_value);
  return schema;
}

Json object_schema(const Shape& shape) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : shape.fields) {
    properties[field.name] = field_schema(field);
    if (field.is_required) required.push_back(field.name);
  }
  Json schema = {{"type", "object"},
                 {"description", shape.documentation},
                 {"properties", std::move(properties)},
                 {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

bool has_required(const Shape& shape) {
  return std::ranges::any_of(shape.fields, [](const Field& field) { return field.is_required; });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

std::string type_text(const Field& field) {
  std::string text;
  switch (field.type) {
    case FieldType::kText:
      text = field.text_format == "promql" ? "PromQL" : "text";
      break;
    case FieldType::kInteger:
      text = "whole number";
      break;
    case FieldType::kNumber:
      text = "number";
      break;
    case FieldType::kFlag:
      text = "true or false";
      break;
    case FieldType::kDuration:
      text = "length of time";
      break;
    case FieldType::kTime:
      text = "date and time (RFC 3339)";
      break;
    case FieldType::kReference:
      text =
          fmt::format("name of a [{}]({}.md)", field.reference_kind, lower(field.reference_kind));
      break;
    case FieldType::kObject:
      text = "fields below";
      break;
    case FieldType::kTextMap:
      text = "map of texts";
      break;
    case FieldType::kTextListMap:
      text = "map of texts or lists of texts";
      break;
  }
  return field.is_list ? "list: " + text : text;
}

std::string default_text(const Field& field) {
  if (field.is_required) return "**required**";
  const Node& value = field.default_value;
  if (field.type == FieldType::kTime || !value.is_scalar() || value.text.empty()) return "";
  return "`" + value.text + "`";
}

std::string limits_text(const Field& field) {
  std::string text;
  if (!field.choices.empty())
    text += fmt::format(" One of `{}`.", fmt::join(field.choices, "`, `"));
  if (field.minimum) text += fmt::format(" From {} to {}.", *field.minimum, *field.maximum);
  const auto format = format_description(field.text_format);
  if (!format.empty() && field.text_format != "promql" &&
      !field.text_format.ends_with("label-map")) {
    text += fmt::format(" Must be {}.", format);
  }
  return text;
}

void add_rows(const Shape& shape, const std::string& prefix, std::string& page) {
  for (const Field& field : shape.fields) {
    const std::string path = prefix + field.name + (field.is_list ? "[]" : "");
    page += fmt::format("| `{}` | {} | {} | {}{} |\n", path, type_text(field), default_text(field),
                        field.documentation, limits_text(field));
    if (field.object != nullptr) add_rows(*field.object, path + ".", page);
  }
}

constexpr std::string_view kGenerated =
    "<!-- Generated from src/catalog/kinds/ by WELLRUN_UPDATE=1 wellrun_catalog_test. -->\n\n";

}  // namespace

Json json_schema(const Kind& kind) {
  const Json texts = map_schema({{"type", {"string", "number", "boolean"}}});
  const Json metadata = {{"type", "object"},
                         {"properties",
                          {{"name",
                            {{"type", "string"},
                             {"pattern", "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"},
                             {"maxLength", 100}}},
                           {"labels", texts},
                           {"annotations", texts}}},
                         {"required", Json::array({"name"})},
                         {"additionalProperties", false}};
  Json required = Json::array({"apiVersion", "kind", "metadata"});
  if (has_required(*kind.shape)) required.push_back("spec");
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", kind.name},
          {"description", kind.shape->documentation},
          {"type", "object"},
          {"properties",
           {{"apiVersion", {{"const", kApiVersion}}},
            {"kind", {{"const", kind.name}}},
            {"metadata", metadata},
            {"spec", object_schema(*kind.shape)}}},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

std::string reference_page(const Kind& kind) {
  std::string page{kGenerated};
  page += fmt::format("# {}\n\n{}\n\n", kind.name, kind.shape->documentation);
  page +=
      fmt::format("```yaml\napiVersion: {}\nkind: {}\nmetadata:\n  name: …\nspec:\n  …\n```\n\n",
                  kApiVersion, kind.name);
  page += "| field of `spec` | type | default | meaning |\n|---|---|---|---|\n";
  add_rows(*kind.shape, "", page);
  return page;
}

std::string reference_index() {
  std::string page{kGenerated};
  page +=
      "# Kinds\n\nOperations as code: what can be declared. Every document has `apiVersion`, "
      "`kind`, `metadata` (`name`, `labels`, `annotations`) and `spec`.\n\n"
      "| kind | what it is |\n|---|---|\n";
  for (const Kind& kind : kinds()) {
    page += fmt::format("| [{}]({}.md) | {} |\n", kind.name, lower(kind.name),
                        kind.shape->documentation);
  }
  return page;
}

}  // namespace wellrun::catalog
