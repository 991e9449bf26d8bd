#pragma once

// Every type of fact, with the version of its body's shape and how older bodies become that. The
// journal keeps what was written for ever; readers see only the newest shape. docs/formats/facts.md
// says how to change one. Pure; safe from any thread.

#include <span>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace wellrun::facts {

/// Brings a body of one version to the next. It must take whatever that version ever wrote.
using Upcast = void (*)(Json& body);

struct Schema {
  std::string_view type;
  /// Reads a body of the current version and writes it again: equal, unless a field is unknown or
  /// has another type than is written now. Throws Json::exception for the latter.
  Json (*reread)(const Json& body) = nullptr;
  /// A body with each field that is written now, at its default.
  Json (*blank)() = nullptr;
  std::vector<Upcast> upcasts;  ///< from version 1 to 2, from 2 to 3 …

  int current() const { return static_cast<int>(upcasts.size()) + 1; }
};

/// Sorted by type.
std::span<const Schema> schemas();

/// Null for a type that is not of this program.
const Schema* schema_of(std::string_view type);

/// `body` as of `version` becomes what the current version would have written. kUnsupported when
/// `version` is newer than this program knows; kCorrupt when the body is not of that version. A
/// type that is not known is left as it is.
Status upcast(std::string_view type, int version, Json& body);
/// The same by a schema at hand.
Status upcast(const Schema& schema, int version, Json& body);

}  // namespace wellrun::facts
