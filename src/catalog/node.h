#pragma once

// A document as a tree with positions: what YAML and JSON are read into, and what export writes.
// Floor-internal.

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace wellrun::catalog {

/// From 1; 0: unknown (it came from JSON).
struct Position {
  int line = 0;
  int column = 0;
};

struct Node {
  enum class Type { kNull, kText, kNumber, kFlag, kSequence, kMap };
  struct Key {
    std::string text;
    Position position;
  };

  Type type = Type::kNull;
  std::string text;  ///< of a scalar, as written
  Position position;
  std::vector<Node> items;  ///< of a sequence; values of a map
  std::vector<Key> keys;    ///< of a map, beside `items`, unique, in order of writing

  bool is_scalar() const {
    return type == Type::kText || type == Type::kNumber || type == Type::kFlag;
  }
  /// The value of `key` in a map, or null.
  const Node* find(std::string_view key) const;
  void add(std::string key, Node value);

  /// The same content, wherever it was written.
  bool operator==(const Node& other) const;
};

/// What stands at "spec.rules.0.expr" below `node`, or the nearest of its parents that does.
const Node* nearest_at(const Node& node, std::string_view path);

Node text_node(std::string text);
Node number_node(double number);
Node flag_node(bool flag);
Node map_node();
Node sequence_node();

/// Depth is what the JSON reader allowed.
Node node_from_json(const Json& json);
/// Text that YAML left untyped (a plain scalar) becomes a string.
Json to_json(const Node& node);

/// "a list", "a map", "nothing", or the quoted text: for messages.
std::string described(const Node& node);

}  // namespace wellrun::catalog
