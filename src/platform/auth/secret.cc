#include "platform/auth/secret.h"

#include <sodium.h>

#include "core/assert.h"

namespace wellrun {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string keyed_hash(std::string_view key, std::string_view text) {
  WELLRUN_ASSERT(key.size() == kKeyBytes, "a key has 32 bytes");
  static const int ready = ::sodium_init();
  WELLRUN_ASSERT(ready >= 0, "libsodium cannot be used on this machine");
  std::string hash(32, '\0');
  const int status =
      ::crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                           bytes_of(text), text.size(), bytes_of(key), key.size());
  WELLRUN_ASSERT(status == 0, "BLAKE2b refused valid sizes");
  return hash;
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace wellrun
