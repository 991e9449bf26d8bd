#include "platform/process/process.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <set>
#include <sys/wait.h>

#include "core/text.h"
#include "platform/process/command_line.h"
#include "platform/process/spawn.h"

namespace wellrun {
namespace {

namespace asio = boost::asio;
using IoError = boost::system::error_code;

class Child;

/// The children under way, so that the runner's end can wait for them.
struct Children {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::shared_ptr<Child>> running;
};

struct Callbacks {
  std::function<void(std::string_view)> on_output;
  std::move_only_function<void(Result<ProcessExit>)> done;
};

/// One child: its pipes, its end and its deadline, all on one Asio strand. Kept alive by its own
/// handlers, which race with each other.
class Child : public std::enable_shared_from_this<Child> {
 public:
  Child(SystemRuntime& runtime, const ProcessRunnerOptions& options, const ProcessRequest& request,
        Callbacks callbacks, Spawned spawned)
      : strand_(asio::make_strand(runtime.io())),
        clock_(runtime.runtime().clock),
        kill_after_(options.kill_after),
        max_output_bytes_(request.max_output_bytes),
        timeout_(request.timeout),
        is_isolated_(request.sandbox == ProcessRequest::Sandbox::kIsolated),
        input_text_(request.input),
        callbacks_(std::move(callbacks)),
        pid_(spawned.pid),
        started_(clock_.steady()),
        output_(strand_, spawned.output.release()),
        end_(strand_, spawned.pidfd.release()),
        input_(strand_),
        deadline_(strand_) {
    output_.non_blocking(true);
    if (spawned.input.get() >= 0) input_.assign(spawned.input.release());
  }

  void start(std::shared_ptr<Children> children) {
    children_ = std::move(children);
    asio::post(strand_, [self = shared_from_this()] {
      self->read();
      self->write();
      self->wait_for_end();
      self->wait_for_deadline(self->timeout_);
    });
  }

  void cancel() {
    asio::post(strand_, [self = shared_from_this()] {
      self->is_cancelled_ = true;
      self->signal_group(SIGKILL);
    });
  }

 private:
  /// The process group cannot be reused by another before the child is reaped.
  void signal_group(int signal) const {
    if (!is_reaped_) ::kill(-pid_, signal);
  }

  /// Waits before it reads, so that no byte is ever on its way when the child ends.
  void read() {
    output_.async_wait(asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](IoError error) {
                         if (error || self->is_reaped_) return;
                         const auto end = self->read_piece();
                         if (!end || end == asio::error::would_block) self->read();
                       });
  }

  IoError read_piece() {
    IoError error;
    const auto size = output_.read_some(asio::buffer(piece_), error);
    if (!error) keep({piece_.data(), size});
    return error;
  }

  void keep(std::string_view chunk) {
    const auto room = max_output_bytes_ - exit_.output.size();
    if (chunk.size() > room) exit_.output_truncated = true;
    chunk = chunk.substr(0, room);
    if (chunk.empty()) return;
    exit_.output += chunk;
    if (callbacks_.on_output) callbacks_.on_output(chunk);
  }

  void write() {
    if (!input_.is_open()) return;
    asio::async_write(input_, asio::buffer(input_text_),
                      [self = shared_from_this()](IoError, std::size_t) {
                        IoError ignored;  // a child that reads no input is no error
                        (void)self->input_.close(ignored);
                      });
  }

  void wait_for_end() {
    end_.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](IoError) {
      if (self->reap()) return self->finish();
      self->wait_for_end();  // a reactor may wake without cause
    });
  }

  /// False while the child still runs.
  bool reap() {
    siginfo_t info{};
    const int waited = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (waited == 0 && info.si_pid == 0) return false;
    signal_group(SIGKILL);  // while the zombie still keeps its group's number from being reused
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    is_reaped_ = true;
    exit_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
  }

  void wait_for_deadline(Duration length) {
    deadline_.expires_after(length);
    deadline_.async_wait([self = shared_from_this()](IoError error) {
      if (!error && !self->is_reaped_) self->on_deadline();
    });
  }

  void on_deadline() {
    signal_group(exit_.timed_out ? SIGKILL : SIGTERM);
    if (!exit_.timed_out) wait_for_deadline(kill_after_);
    exit_.timed_out = true;
  }

  void finish() {
    exit_.duration = std::chrono::ceil<Duration>(clock_.steady() - started_);
    drain();
    close();
    report();
  }

  /// What the child wrote before it ended is in the pipe already. Bounded: a descendant that left
  /// the group may hold the pipe and write for ever.
  void drain() {
    for (int round = 0; round < 64 && !read_piece(); ++round) {
    }
  }

  void close() {
    IoError ignored;
    (void)output_.close(ignored);
    (void)input_.close(ignored);
    (void)end_.close(ignored);
    deadline_.cancel();
  }

  void report() {
    callbacks_.done(outcome());
    callbacks_ = {};
    const auto children = std::move(children_);
    const std::lock_guard lock(children->mutex);
    children->running.erase(shared_from_this());
    children->changed.notify_all();
  }

  Result<ProcessExit> outcome() {
    if (is_cancelled_) {
      return fail(ErrorCode::kCancelled, "the process was killed: the server is stopping");
    }
    const bool is_sandbox_failure =
        is_isolated_ && exit_.exit_code == 1 && exit_.output.starts_with("bwrap: ");
    if (is_sandbox_failure) {
      return std::unexpected(sandbox_error(exit_.output.substr(0, exit_.output.find('\n'))));
    }
    return std::move(exit_);
  }

  asio::strand<asio::io_context::executor_type> strand_;
  Clock& clock_;
  Duration kill_after_;
  std::size_t max_output_bytes_;
  Duration timeout_;
  bool is_isolated_;
  std::string input_text_;
  Callbacks callbacks_;
  pid_t pid_;
  std::chrono::nanoseconds started_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor end_;  ///< a pidfd: readable once the child has exited
  asio::posix::stream_descriptor input_;
  asio::steady_timer deadline_;
  std::shared_ptr<Children> children_;
  std::array<char, 16 << 10> piece_{};
  ProcessExit exit_;
  bool is_reaped_ = false;
  bool is_cancelled_ = false;
};

class SystemProcessRunner final : public ProcessRunner {
 public:
  SystemProcessRunner(SystemRuntime& runtime, ProcessRunnerOptions options)
      : runtime_(runtime), options_(std::move(options)) {}

  ~SystemProcessRunner() override {
    std::unique_lock lock(children_->mutex);
    for (const auto& child : children_->running) child->cancel();
    children_->changed.wait(lock, [&] { return children_->running.empty(); });
  }

  void run(ProcessRequest request, std::function<void(std::string_view)> on_output,
           std::move_only_function<void(Result<ProcessExit>)> done) override {
    auto spawned = spawn_for(request);
    if (!spawned) {
      asio::post(runtime_.io(),
                 [done = std::move(done), error = std::move(spawned).error()]() mutable {
                   done(std::unexpected(std::move(error)));
                 });
      return;
    }
    const auto child = std::make_shared<Child>(runtime_, options_, request,
                                               Callbacks{std::move(on_output), std::move(done)},
                                               std::move(*spawned));
    {
      const std::lock_guard lock(children_->mutex);
      children_->running.insert(child);
    }
    child->start(children_);
  }

 private:
  Result<Spawned> spawn_for(const ProcessRequest& request) const {
    TRY(const auto line, command_line_of(request, options_));
    const bool is_isolated = request.sandbox == ProcessRequest::Sandbox::kIsolated;
    auto spawned = spawn(line, is_isolated ? "" : request.cwd, !request.input.empty());
    if (!spawned && is_isolated && spawned.error().code == ErrorCode::kNotFound) {
      return std::unexpected(sandbox_error(spawned.error().message));
    }
    return spawned;
  }

  SystemRuntime& runtime_;
  ProcessRunnerOptions options_;
  std::shared_ptr<Children> children_ = std::make_shared<Children>();
};

}  // namespace

std::unique_ptr<ProcessRunner> make_process_runner(SystemRuntime& runtime,
                                                   ProcessRunnerOptions options) {
  return std::make_unique<SystemProcessRunner>(runtime, std::move(options));
}

}  // namespace wellrun
