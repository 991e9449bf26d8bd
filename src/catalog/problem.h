#pragma once

// What is wrong with a declaration, and where.

#include <compare>
#include <string>
#include <vector>

#include "core/json.h"

namespace wellrun::catalog {

struct Problem {
  std::string file;
  int line = 0;  ///< from 1; 0: not in a file
  int column = 0;
  std::string message;
  std::string hint;  ///< what was probably meant; may be empty
  auto operator<=>(const Problem&) const = default;
};

/// "teams.yaml:4:10: unknown field \"membres\" in Team (did you mean \"members\"?)"
std::string to_string(const Problem& problem);
/// {file, line, column, message, hint}
Json to_json(const Problem& problem);

}  // namespace wellrun::catalog
