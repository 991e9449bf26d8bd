#include "platform/runtime/poller.h"

#include <cerrno>
#include <deque>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "core/assert.h"

namespace wellrun {
namespace {

constexpr Poller::Id kStopped = 0;  ///< of the descriptor that wakes every thread

/// Of the calling thread.
struct Deferring {
  const Poller* poller = nullptr;
  std::deque<Task> tasks;
};
thread_local Deferring deferring;

bool add_to(int set, int descriptor, std::uint32_t events, Poller::Id id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Poller::Poller(int threads, const std::function<void(const std::function<void()>& loop)>& around)
    : set_(::epoll_create1(EPOLL_CLOEXEC)), stopped_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  WELLRUN_ASSERT(set_ >= 0 && stopped_ >= 0 && add_to(set_, stopped_, EPOLLIN, kStopped),
                 "the system gives no descriptors to wait for sockets with");
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this, around] { around([this] { loop(); }); });
}

Poller::~Poller() {
  stop();
  join();
  ::close(stopped_);
  ::close(set_);
}

Poller::Id Poller::add(int descriptor, std::weak_ptr<Watcher> watcher) {
  Id id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return 0;
    id = ++last_id_;
    watchers_.emplace(id, std::move(watcher));
  }
  if (add_to(set_, descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, id)) return id;
  const std::lock_guard lock(mutex_);
  watchers_.erase(id);
  return 0;
}

void Poller::remove(Id id, int descriptor) {
  ::epoll_ctl(set_, EPOLL_CTL_DEL, descriptor, nullptr);
  const std::lock_guard lock(mutex_);
  watchers_.erase(id);
}

bool Poller::runs_this_thread() const {
  return deferring.poller == this;
}

bool Poller::defer(Task& task) {
  if (!runs_this_thread()) return false;
  deferring.tasks.push_back(std::move(task));
  return true;
}

std::shared_ptr<Poller::Watcher> Poller::find(Id id) {
  const std::lock_guard lock(mutex_);
  const auto found = watchers_.find(id);
  return found == watchers_.end() ? nullptr : found->second.lock();
}

/// False once the poller has been stopped.
bool Poller::wait() {
  epoll_event event{};  // one: the next is another thread's, as this may take long
  const int count = ::epoll_wait(set_, &event, 1, -1);
  WELLRUN_ASSERT(count >= 0 || errno == EINTR, "waiting for sockets failed");
  if (count < 1) return true;
  if (event.data.u64 == kStopped) return false;
  if (const auto watcher = find(event.data.u64)) watcher->ready(event.events);
  return true;
}

void Poller::loop() {
  deferring.poller = this;
  const auto may_go_on = [this] {
    const std::lock_guard lock(mutex_);
    return !is_stopped_;
  };
  while (wait()) {
    while (!deferring.tasks.empty() && may_go_on()) {
      auto task = std::move(deferring.tasks.front());
      deferring.tasks.pop_front();
      task();
    }
  }
  deferring.poller = nullptr;  // what is forgotten now may want to defer something
  while (!deferring.tasks.empty()) {
    const auto forgotten = std::move(deferring.tasks.front());
    deferring.tasks.pop_front();
  }
}

void Poller::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_stopped_, true)) return;
  }
  const std::uint64_t one = 1;
  WELLRUN_ASSERT(::write(stopped_, &one, sizeof one) == sizeof one, "an event counter is full");
}

void Poller::join() {
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  std::unordered_map<Id, std::weak_ptr<Watcher>> abandoned;
  {
    const std::lock_guard lock(mutex_);
    std::swap(abandoned, watchers_);
  }
  for (const auto& [id, weak] : abandoned)
    if (const auto watcher = weak.lock()) watcher->abandon();
}

}  // namespace wellrun
