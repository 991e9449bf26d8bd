#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace wellrun::cli {

/// Runs git with `arguments` in `directory`; returns what it printed. kUnavailable without git,
/// kInvalid when it fails.
Result<std::string> run_git(const std::string& directory,
                            const std::vector<std::string>& arguments);

}  // namespace wellrun::cli
