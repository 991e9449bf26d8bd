#pragma once

// Invariants. Always on, in every build type: a process that goes on with a broken invariant pages
// the wrong person.

#include <string_view>

namespace wellrun {

/// Prints file, line, the condition and `why` to standard error and aborts.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition,
                                   std::string_view why);

}  // namespace wellrun

/// WELLRUN_ASSERT(page.level < policy.levels.size(), "escalation went past the last level");
#define WELLRUN_ASSERT(condition, why)                                    \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::wellrun::assertion_failed(__FILE__, __LINE__, #condition, (why)); \
  } while (false)
