#pragma once

// Compressed bodies, with a bound on what they may grow to. Pure.

#include <string>
#include <string_view>

#include "core/result.h"

namespace wellrun::http {

/// kTooLarge beyond `max_bytes` (memory never exceeds it by more than 64 KiB); kInvalid on damaged
/// or truncated input.
Result<std::string> gunzip(std::string_view compressed, std::size_t max_bytes);
Result<std::string> zstd_decompress(std::string_view compressed, std::size_t max_bytes);

/// At zlib's fastest level.
std::string gzip(std::string_view text);

}  // namespace wellrun::http
