#include "platform/runtime/yield.h"

#include <thread>

namespace wellrun {

void let_others_run() {
  std::this_thread::yield();
}

}  // namespace wellrun
