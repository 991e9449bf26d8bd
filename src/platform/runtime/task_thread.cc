#include "platform/runtime/task_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>

#include "core/assert.h"

namespace wellrun {

struct TaskThread::State {
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !tasks.empty(); });
      if (tasks.empty()) return;
      {
        auto task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        task();
      }  // destroyed outside the lock: it may own what posts again
      lock.lock();
    }
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Task> tasks;
  bool stopping = false;
  std::thread thread;
};

TaskThread::TaskThread(const std::string& name) : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  ::pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

TaskThread::~TaskThread() {
  WELLRUN_ASSERT(state_->thread.get_id() != std::this_thread::get_id(),
                 "a task thread was destroyed by one of its own tasks");
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

bool TaskThread::pause(Duration length) {
  std::unique_lock lock(state_->mutex);
  return !state_->wake.wait_for(lock, length, [this] { return state_->stopping; });
}

void TaskThread::post(Task task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

}  // namespace wellrun
