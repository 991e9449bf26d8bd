#pragma once

// The three things auth needs of libsodium.

#include <string>
#include <string_view>

namespace wellrun {

inline constexpr std::size_t kKeyBytes = 32;

/// BLAKE2b-256 of `text` under `key` (32 bytes): 32 bytes. Source: RFC 7693.
std::string keyed_hash(std::string_view key, std::string_view text);

/// Takes the same time wherever the two differ; lengths are no secret.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace wellrun
