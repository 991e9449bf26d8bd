#pragma once

// Sharing one computation among idle workers. The caller works too, so it never waits for a part
// that nobody has begun: with every worker busy, or none at all, it does everything by itself.

#include <cstddef>
#include <functional>

#include "platform/runtime/runtime.h"

namespace wellrun {

/// Runs `part(0)` … `part(count - 1)`, each once, on the calling thread and on `workers` (null: the
/// calling thread alone). Returns when all have returned.
void in_parallel(Workers* workers, std::size_t count, const std::function<void(std::size_t)>& part);

}  // namespace wellrun
