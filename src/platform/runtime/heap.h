#pragma once

// For work that is about to take memory in many small pieces.

#include <cstddef>

namespace wellrun {

/// Has the heap of this thread hold about `size_bytes` more for what is allocated next; at most
/// 96 KiB at a time. A heap that is not the first thread's grows by a page at a time otherwise,
/// each by a system call, under the heap's lock, and with a page fault of its own. Changes nothing
/// but the time that allocating takes.
void make_room_on_heap(std::size_t size_bytes);

}  // namespace wellrun
