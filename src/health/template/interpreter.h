#pragma once

// Runs a parsed template over data. Pure, bounded: output, steps and depth.

#include "health/template/tree.h"

namespace wellrun::health::templates {

struct Limits {
  std::size_t output_bytes = kMostText;
  std::size_t steps = 100'000;  ///< nodes, commands and turns of ranges; long values cost more
  int depth = 64;               ///< of templates that invoke templates, and of parentheses
};

/// `variables`: by name with the dollar. kInvalid for what fails with this data, kTooLarge beyond a
/// limit; an error of the environment's query as it is.
Result<std::string> run(const Template& parsed, const Value& data,
                        const std::map<std::string, Value>& variables,
                        const Environment& environment, const Limits& limits = {});

}  // namespace wellrun::health::templates
