#pragma once

// Everything that is wrong with a Prometheus rule file: its shape, its PromQL, its templates, and
// what is said twice. Pure.

#include <string_view>
#include <vector>

#include "catalog/rule_file.h"

namespace wellrun::health::rules {

struct RuleFileCheck {
  catalog::RuleFile file;               ///< with all problems, in order of position
  std::vector<catalog::Problem> notes;  ///< what Prometheus accepts and is probably not meant
  std::size_t rule_count() const;
};

RuleFileCheck check_rule_file(std::string file, std::string_view text);

}  // namespace wellrun::health::rules
