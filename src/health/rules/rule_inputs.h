#pragma once

// Which metrics an expression reads, as far as its text says. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace wellrun::health::rules {

struct RuleInputs {
  std::vector<std::string> names;  ///< of its selectors, sorted, unique
  bool anything = false;           ///< a selector has no fixed name
};

/// Of what does not parse: nothing.
RuleInputs inputs_of(std::string_view promql);

}  // namespace wellrun::health::rules
