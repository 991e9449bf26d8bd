#pragma once

// YAML 1.2 documents to trees with positions and back. Reading is bounded: a hostile file gets an
// error, not the memory.

#include <string>
#include <string_view>
#include <vector>

#include "catalog/node.h"
#include "core/result.h"

namespace wellrun::catalog {

struct YamlLimits {
  std::size_t size_bytes = 4 << 20;
  int depth = 64;
  std::size_t nodes = 400'000;        ///< aliases expanded
  std::size_t text_bytes = 16 << 20;  ///< of all scalars and keys, aliases expanded
};

struct YamlError {
  Position position;
  std::string message;
};

/// The documents of one text; empty documents are left out. Plain scalars are text whatever they
/// look like, but for null. Refused: duplicate keys, keys that are not text, tags, invalid UTF-8,
/// anything beyond the limits. What was read before an error is returned with it.
struct YamlDocuments {
  std::vector<Node> documents;
  std::vector<YamlError> errors;  ///< at most one of syntax or size; duplicate keys one each
};
YamlDocuments read_yaml(std::string_view text, const YamlLimits& limits = {});

/// The one canonical form: block style, two spaces, keys in the order given, text quoted only where
/// it must be, text of several lines as a literal block. read_yaml(write_yaml(x)) is x but for
/// scalar types.
std::string write_yaml(const Node& node);

}  // namespace wellrun::catalog
