#pragma once

// Which secrets may be given to a run. Whoever may start one could otherwise have a step print any
// file or variable that the server can read. Pure.

#include <map>
#include <string>

#include "catalog/catalog.h"
#include "catalog/kinds/runbook.h"
#include "procedures/run.h"

namespace wellrun::procedures {

struct SecretSources {
  const catalog::Catalog& catalog;
  const std::string& secrets_folder;  ///< absolute; empty: none
  const Run* parent;                  ///< whose step starts the run; null: none
};

/// Whether each secret input among `inputs`, which defaults have been added to, is a reference that
/// may be given: one that the catalog names for it (its default, its list, or written out in a step
/// or automation that starts the runbook), a file below the folder of secrets, or a secret of the
/// parent. kInvalid for what is no reference, kForbidden for any other; a value is never repeated.
Status check_secret_inputs(const catalog::Runbook& runbook,
                           const std::map<std::string, std::string>& inputs,
                           const SecretSources& sources);

}  // namespace wellrun::procedures
