#pragma once

#include <string>

#include "core/result.h"

namespace wellrun::server {

/// The value behind a reference: "env:NAME", or "file:/path" (its end-of-line cut off, at most 64
/// KiB). kNotFound and kInvalid name the reference, never a value.
Result<std::string> read_secret(const std::string& reference);

}  // namespace wellrun::server
