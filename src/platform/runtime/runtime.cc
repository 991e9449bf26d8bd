#include "platform/runtime/runtime.h"

#include "core/bytes.h"

namespace wellrun {

std::string random_hex(Random& random, std::size_t byte_count) {
  std::string bytes;
  while (bytes.size() < byte_count) {
    auto word = random.next();
    for (int i = 0; i < 8 && bytes.size() < byte_count; ++i, word >>= 8)
      bytes += static_cast<char>(word & 255);
  }
  return to_hex(bytes);
}

}  // namespace wellrun
