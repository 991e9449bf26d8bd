// Any bytes as gzip and as zstd: never more than what was allowed.

#include "core/assert.h"
#include "platform/http/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::http;
  constexpr std::size_t kMaxBytes = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& plain : {gunzip(bytes, kMaxBytes), zstd_decompress(bytes, kMaxBytes)})
    WELLRUN_ASSERT(!plain || plain->size() <= kMaxBytes, "a bomb went off");
  WELLRUN_ASSERT(gunzip(gzip(bytes), size) == std::string(bytes), "gzip must read its own");
  return 0;
}
