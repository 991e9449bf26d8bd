#pragma once

// Cross-checks over everything that is wanted: all problems at once. Pure; called by check, plan
// and apply.

#include <functional>
#include <string_view>

#include "catalog/kinds/slo.h"
#include "catalog/load.h"

namespace wellrun::catalog {

/// Languages that resources hold and the catalog cannot read: the composer gives who can. An empty
/// function: that language is not looked at.
struct Languages {
  std::function<Status(std::string_view)> check_query;     ///< PromQL
  std::function<Status(std::string_view)> check_template;  ///< in labels and annotations of rules
  std::function<Status(const Slo&)> check_slo = {};  ///< the PromQL that an SLO's queries become
};

struct CheckOptions {
  Languages languages;
  /// What is applied already: `files` change it. Null: nothing is.
  const Catalog* current = nullptr;
  /// Whether what is applied and not declared any more is deleted.
  bool prune = false;
  /// How long the server keeps samples that no Retention names; zero: not known.
  Duration retention{0};
};

struct Checked {
  Catalog wanted;                 ///< what an apply would lead to; meaningful without problems only
  std::vector<Problem> problems;  ///< sorted by file and position, no duplicates
  std::vector<Problem> notes;     ///< worth knowing, nothing wrong
  bool ok() const { return problems.empty(); }
};

Checked check(Declarations declarations, const CheckOptions& options = {});

}  // namespace wellrun::catalog
