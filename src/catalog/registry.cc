#include "catalog/registry.h"

#include <array>

#include "catalog/kinds.h"
#include "catalog/yaml.h"
#include "core/bytes.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

template <typename T>
Kind kind() {
  return {.name = T::kKind,
          .shape = &shape_of<T>(),
          .create = []() -> std::shared_ptr<void> { return std::make_shared<T>(); },
          .metadata = [](void* value) -> Metadata& { return static_cast<T*>(value)->metadata; }};
}

const std::vector<Kind>& registry() {
  // clang-format off: a kind is a line
  static const std::vector<Kind> kAll = {
      kind<Channel>(),
      kind<Person>(),
      kind<Team>(),
      kind<Schedule>(),
      kind<EscalationPolicy>(),
      kind<Environment>(),
      kind<Calendar>(),
      kind<Workload>(),
      kind<Component>(),
      kind<Priority>(),
      kind<Kpi>(),
      kind<Slo>(),
      kind<Baseline>(),
      kind<BudgetPolicy>(),
      kind<RuleGroup>(),
      kind<Scrape>(),
      kind<Retention>(),
      kind<Runbook>(),
      kind<Automation>(),
      kind<StatusPage>(),
      kind<CommunicationPlan>(),
  };
  // clang-format on
  return kAll;
}

void decode_metadata(const Node& node, Metadata& out, Reading& reading) {
  static const Shape kShape = [] {
    Shape shape;
    shape.name = "metadata";
    ShapeBuilder<Metadata> s(shape);
    s.field("name", &Metadata::name, "Unique among its kind.").required();
    s.field("labels", &Metadata::labels, "For selecting.");
    s.field("annotations", &Metadata::annotations, "For people and other programs.");
    return shape;
  }();
  decode_object(kShape, &out, node, reading);
  if (!out.name.empty() && !is_resource_name(out.name)) {
    reading.problem(node.find("name")->position,
                    "metadata.name " + quote(out.name) +
                        " must be small letters, digits, '-', '_' and '.', at most 100, beginning "
                        "and ending with a letter or digit");
    out.name.clear();
  }
}

/// The frame of a document. Null: it does not say which kind.
const Kind* read_frame(const Node& document, Reading& reading) {
  if (document.type != Node::Type::kMap) {
    reading.problem(document.position,
                    "a document must be a map with apiVersion, kind, metadata and spec, found " +
                        described(document));
    return nullptr;
  }
  static const std::vector<std::string> kFrame = {"apiVersion", "kind", "metadata", "spec"};
  for (const Node::Key& key : document.keys) {
    if (std::ranges::find(kFrame, key.text) == kFrame.end()) {
      reading.problem(key.position, "unknown field " + quote(key.text) + " in a document",
                      nearest(key.text, kFrame).value_or(""));
    }
  }
  const Node* version = document.find("apiVersion");
  if (version == nullptr) {
    reading.problem(
        document.position,
        fmt::format("the document lacks the field \"apiVersion\"; write {}", kApiVersion));
  } else if (version->text != kApiVersion) {
    reading.problem(version->position, "unknown apiVersion " + described(*version), kApiVersion);
  }
  const Node* name = document.find("kind");
  if (name == nullptr) {
    reading.problem(document.position, "the document lacks the field \"kind\"");
    return nullptr;
  }
  const Kind* kind = kind_named(name->text);
  if (kind == nullptr) {
    std::vector<std::string> names;
    for (const Kind& each : kinds()) names.push_back(each.name);
    reading.problem(name->position, "unknown kind " + described(*name),
                    nearest(name->text, names).value_or(""));
  }
  return kind;
}

}  // namespace

std::span<const Kind> kinds() {
  return registry();
}

const Kind* kind_named(std::string_view name) {
  for (const Kind& each : registry()) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

bool is_resource_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 100 && letter_or_digit(name.front()) &&
         letter_or_digit(name.back()) && std::ranges::all_of(name, [&](char c) {
           return letter_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

std::shared_ptr<Resource> decode_resource(const Node& document, Reading& reading) {
  const Kind* kind = read_frame(document, reading);
  if (kind == nullptr) return nullptr;
  const std::shared_ptr<void> value = kind->create();
  Metadata& metadata = kind->metadata(value.get());
  const Node* written = document.find("metadata");
  if (written == nullptr) {
    reading.problem(document.position, "the document lacks the field \"metadata\"");
  } else {
    decode_metadata(*written, metadata, reading);
  }
  const Node* spec = document.find("spec");
  Node nothing = map_node();
  nothing.position = document.position;
  const bool empty = spec == nullptr || spec->type == Node::Type::kNull;
  decode_object(*kind->shape, value.get(), empty ? nothing : *spec, reading);
  if (metadata.name.empty()) return nullptr;

  auto resource = std::make_shared<Resource>();
  resource->kind = kind->name;
  resource->name = metadata.name;
  resource->document = to_json(encode_resource(*kind, value.get(), Writing::kFull));
  resource->digest = fmt::format("{:016x}", stable_hash(to_text(resource->document)));
  resource->value = value;
  return resource;
}

Node encode_resource(const Kind& kind, const void* value, Writing writing) {
  const Metadata& metadata = kind.metadata(const_cast<void*>(value));
  Node head = map_node();
  head.add("name", text_node(metadata.name));
  if (!metadata.labels.empty()) head.add("labels", encode_text_map(metadata.labels));
  if (!metadata.annotations.empty()) {
    head.add("annotations", encode_text_map(metadata.annotations));
  }
  Node document = map_node();
  document.add("apiVersion", text_node(kApiVersion));
  document.add("kind", text_node(kind.name));
  document.add("metadata", std::move(head));
  document.add("spec", encode_object(*kind.shape, value, writing));
  return document;
}

std::string export_yaml(const Resource& resource) {
  return write_yaml(
      encode_resource(*kind_named(resource.kind), resource.value.get(), Writing::kCompact));
}

std::string export_yaml(const Catalog& catalog) {
  std::string text;
  for (const Kind& kind : kinds()) {
    for (const Resource* resource : catalog.resources(kind.name)) {
      if (!text.empty()) text += "---\n";
      text += export_yaml(*resource);
    }
  }
  return text;
}

}  // namespace wellrun::catalog
