#pragma once

// Bytes as text, and hashes that may be stored.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wellrun {

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(std::string_view bytes);
/// Reads to_hex's form, upper case too; std::nullopt on odd length or another character.
std::optional<std::string> from_hex(std::string_view hex);

/// RFC 4648 section 4, with padding.
std::string to_base64(std::string_view bytes);
/// RFC 4648 section 5 (URL and file name safe), without padding.
std::string to_base64url(std::string_view bytes);
/// Reads either alphabet, padding optional; std::nullopt on any other character.
std::optional<std::string> from_base64(std::string_view text);

inline constexpr std::uint64_t kHashSeed = 0xcbf29ce484222325ULL;

/// 64-bit FNV-1a (the reference constants), continued from `seed`. Not for hostile input in hash
/// tables.
std::uint64_t stable_hash(std::string_view bytes, std::uint64_t seed = kHashSeed);

}  // namespace wellrun
