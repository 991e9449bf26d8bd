#pragma once

#include <string>

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

}  // namespace wellrun::server
