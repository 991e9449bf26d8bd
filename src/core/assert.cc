#include "core/assert.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>

namespace wellrun {

void assertion_failed(const char* file, int line, const char* condition, std::string_view why) {
  fmt::print(stderr, "{}:{}: invariant broken: {} ({})\n", file, line, condition, why);
  std::fflush(stderr);
  std::abort();
}

}  // namespace wellrun
