#pragma once

// The offline commands of operations as code, as functions for cli/: init, check, and the printing
// of plans. They touch the given directory and nothing else; git is asked through a callback.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog_domain.h"
#include "catalog/check.h"
#include "catalog/plan.h"

namespace wellrun::catalog {

/// The commented example that `wellrun init` writes: passes check.
Files example_repository();

/// Writes example_repository() below `directory`, making folders as needed; returns the paths
/// written. kConflict, and nothing is written, when one of its files exists.
Result<std::vector<std::string>> init(const std::string& directory);

struct DirectoryCheck {
  Checked checked;
  std::size_t file_count = 0;
  std::size_t resource_count = 0;
};

/// Reads and checks `directory` alone (nothing is applied before).
Result<DirectoryCheck> check_directory(const std::string& directory, Languages languages);

/// One line a problem (notes after them), then a summary. With colours: ANSI escapes.
std::string render_check(const DirectoryCheck& check, bool colour);
/// {ok, files, resources, problems: […], notes: […]}
Json check_json(const DirectoryCheck& check);

/// "+ create Team payments", the diff below it, and who would be paged differently.
std::string render_plan(const Plan& plan, bool colour);
/// The same from the API's answer to POST /api/v1/catalog/plan.
Result<Plan> plan_from_json(const Json& json);

/// Runs git with these arguments in the repository and returns what it printed.
using RunGit = std::function<Result<std::string>(const std::vector<std::string>& arguments)>;

/// Commit, author ("Name <address>") and whether the tree has changes. Not a repository: all empty,
/// dirty.
ApplyInfo read_provenance(const RunGit& git);

}  // namespace wellrun::catalog
