#include "catalog/node.h"

#include <charconv>
#include <cmath>

#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr std::size_t kShownCharacters = 60;

Node scalar(Node::Type type, std::string text) {
  Node node;
  node.type = type;
  node.text = std::move(text);
  return node;
}

const Node* child_of(const Node& node, std::string_view key) {
  if (node.type == Node::Type::kMap) return node.find(key);
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool found = error == std::errc{} && end == key.data() + key.size() &&
                     node.type == Node::Type::kSequence && index < node.items.size();
  return found ? &node.items[index] : nullptr;
}

Json number_of(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_number() ? parsed : Json(text);
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

void Node::add(std::string key, Node value) {
  keys.push_back({std::move(key), {}});
  items.push_back(std::move(value));
}

bool Node::operator==(const Node& other) const {
  if (type != other.type || text != other.text || items != other.items) return false;
  return std::equal(keys.begin(), keys.end(), other.keys.begin(), other.keys.end(),
                    [](const Key& a, const Key& b) { return a.text == b.text; });
}

const Node* nearest_at(const Node& node, std::string_view path) {
  const Node* found = &node;
  for (const std::string_view key : split(path, '.')) {
    const Node* child = child_of(*found, key);
    if (child == nullptr) break;
    found = child;
  }
  return found;
}

Node text_node(std::string text) {
  return scalar(Node::Type::kText, std::move(text));
}
Node flag_node(bool flag) {
  return scalar(Node::Type::kFlag, flag ? "true" : "false");
}

Node number_node(double number) {
  const bool whole = std::trunc(number) == number && std::abs(number) < 1e15;
  return scalar(Node::Type::kNumber,
                whole ? fmt::format("{:.0f}", number) : fmt::format("{}", number));
}

Node map_node() {
  return scalar(Node::Type::kMap, {});
}
Node sequence_node() {
  return scalar(Node::Type::kSequence, {});
}

Node node_from_json(const Json& json) {
  if (json.is_object()) {
    Node map = map_node();
    for (const auto& [key, value] : json.items()) map.add(key, node_from_json(value));
    return map;
  }
  if (json.is_array()) {
    Node sequence = sequence_node();
    for (const Json& item : json) sequence.items.push_back(node_from_json(item));
    return sequence;
  }
  if (json.is_null()) return {};
  if (json.is_string()) return text_node(json.get<std::string>());
  if (json.is_boolean()) return flag_node(json.get<bool>());
  if (json.is_number_float()) return number_node(json.get<double>());
  return scalar(Node::Type::kNumber, json.dump());
}

Json to_json(const Node& node) {
  switch (node.type) {
    case Node::Type::kNull:
      return nullptr;
    case Node::Type::kText:
      return node.text;
    case Node::Type::kNumber:
      return number_of(node.text);
    case Node::Type::kFlag:
      return node.text == "true";
    case Node::Type::kSequence: {
      Json array = Json::array();
      for (const Node& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case Node::Type::kMap:
      break;
  }
  Json object = Json::object();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    object[node.keys[i].text] = to_json(node.items[i]);
  }
  return object;
}

std::string described(const Node& node) {
  if (node.type == Node::Type::kNull) return "nothing";
  if (node.type == Node::Type::kSequence) return "a list";
  if (node.type == Node::Type::kMap) return "a map";
  if (node.text.size() <= kShownCharacters) return quote(node.text);
  return quote(utf8_beginning(node.text, kShownCharacters)) + "…";
}

}  // namespace wellrun::catalog
