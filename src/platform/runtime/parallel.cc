#include "platform/runtime/parallel.h"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace wellrun {
namespace {

/// Shared, because a helper may get its turn after everything is done and the caller gone.
struct Shared {
  std::mutex mutex;
  std::condition_variable finished;
  std::size_t next = 0, running = 0, count = 0;
  const std::function<void(std::size_t)>* part = nullptr;  ///< used only while next < count
};

void work(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (shared.next < shared.count) {
    const auto index = shared.next++;
    ++shared.running;
    lock.unlock();
    (*shared.part)(index);
    lock.lock();
    --shared.running;
  }
  if (shared.running == 0) shared.finished.notify_all();
}

}  // namespace

void in_parallel(Workers* workers, std::size_t count,
                 const std::function<void(std::size_t)>& part) {
  if (workers == nullptr || count < 2) {
    for (std::size_t i = 0; i < count; ++i) part(i);
    return;
  }
  const auto shared = std::make_shared<Shared>();
  shared->count = count;
  shared->part = &part;
  for (std::size_t i = 1; i < count; ++i) workers->run([shared] { work(*shared); });
  work(*shared);
  std::unique_lock lock(shared->mutex);
  shared->finished.wait(lock, [&] { return shared->running == 0; });
}

}  // namespace wellrun
