#pragma once

// What an apply would change, and who would be paged differently. Pure.

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/json.h"

namespace wellrun::catalog {

struct Change {
  std::string action;  ///< create, change or delete
  std::string kind;
  std::string name;
  std::string diff;  ///< lines of canonical YAML, each beginning with "  ", "- " or "+ "
};

/// From `at` on someone else is paged for `workload` at `level`, until a later change for the same
/// says otherwise.
struct PagingChange {
  std::string workload;
  int level = 1;            ///< from 1
  std::string from_person;  ///< names joined by ", "; empty: nobody
  std::string to_person;
  Timestamp at;
};

struct Plan {
  std::vector<Change> changes;               ///< sorted by kind and name
  std::vector<PagingChange> paging_changes;  ///< sorted by workload, level and time
};

/// Looks ahead two weeks from `now` for paging changes, at every hand-over under either catalog.
Plan plan(const Catalog& current, const Catalog& wanted, Timestamp now);

/// Lines of `before` and `after` with those that went ("- "), came ("+ ") and three around them ("
/// ").
std::string line_diff(std::string_view before, std::string_view after);

Json to_json(const Plan& plan);

}  // namespace wellrun::catalog
