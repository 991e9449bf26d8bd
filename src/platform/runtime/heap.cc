#include "platform/runtime/heap.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sys/mman.h>

namespace wellrun {

void make_room_on_heap(std::size_t size_bytes) {
  constexpr std::size_t kMost = 96U << 10;  // from 128 KiB on malloc may map memory of its own
  constexpr std::size_t kPage = 4096;
  const auto size = std::min(size_bytes, kMost);
  auto* const room = static_cast<char*>(std::malloc(size));
  if (room == nullptr) return;
  const auto to_page = (kPage - reinterpret_cast<std::uintptr_t>(room) % kPage) % kPage;
  // Older kernels do not know how; each page comes when it is touched, then.
  if (size >= to_page + kPage)
    (void)::madvise(room + to_page, (size - to_page) / kPage * kPage, MADV_POPULATE_WRITE);
  std::free(room);
}

}  // namespace wellrun
