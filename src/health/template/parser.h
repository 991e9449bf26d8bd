#pragma once

// A template's text to its tree. What can be known to fail without data is refused here: syntax,
// functions and variables that do not exist, arguments that a function does not take.

#include <span>

#include "health/template/tree.h"

namespace wellrun::health::templates {

inline constexpr int kMaxNesting = 64;  ///< of branches and parentheses

/// `variables`: those that are there from the start, such as "$labels". kInvalid with the line.
Result<Template> parse(std::string_view text, std::span<const std::string> variables);

}  // namespace wellrun::health::templates
