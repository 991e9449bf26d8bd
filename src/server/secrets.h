#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/result.h"

namespace wellrun::server {

/// The value behind a reference: "env:NAME", or "file:/path" of a regular file (its end-of-line cut
/// off, at most 64 KiB). Never waits, as a pipe or a device would. kNotFound and kInvalid name the
/// reference, never a value.
Result<std::string> read_secret(const std::string& reference);

/// The same, but a file below `own_folder` (canonical; empty: none), by whatever link, is
/// kForbidden: the server's own keys are there.
Result<std::string> read_secret_outside(const std::string& reference,
                                        const std::string& own_folder);

/// Every regular file that a resource names as a secret, as often as it is named: what no step may
/// see of its own accord. Cost: all that is applied.
std::vector<std::string> secret_files(const catalog::Catalog& catalog);

}  // namespace wellrun::server
