#pragma once

// One thread that runs what is posted to it, in order: for a part that must block again and again,
// such as the journal's writer. Whoever owns it, stops it.

#include <memory>
#include <string>

#include "core/time.h"
#include "platform/runtime/runtime.h"

namespace wellrun {

class TaskThread {
 public:
  /// `name` as the operating system shows it, at most 15 characters.
  explicit TaskThread(const std::string& name);
  ~TaskThread();  ///< runs everything that was posted, then joins; not to be destroyed by a task

  /// Thread-safe; also from a task.
  void post(Task task);

  /// From a task: lets so much time pass before it tries again what failed. False, and at once,
  /// when the thread is to end.
  bool pause(Duration length);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wellrun
