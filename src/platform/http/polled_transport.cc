// TCP over the runtime's Poller. The descriptor is told to the poller once, edge-triggered; after
// that a read or write that is possible is done at once, and one that is not waits for the next
// edge. All but ready() happens on the strand, so nothing here is locked.

#include <boost/asio/defer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <cerrno>
#include <optional>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/http/transport_sockets.h"
#include "platform/runtime/poller.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// What continues the work of a poller's thread runs on that thread, once it has returned; the rest
/// runs on Asio's threads. An executor as Asio's property customisation asks for it.
class PollerExecutor {
 public:
  PollerExecutor(asio::io_context& io, Poller& poller) : io_(&io), poller_(&poller) {}

  template <typename Function>
  void execute(Function function) const {
    Task task = std::move(function);
    if (continues_ && poller_->defer(task)) return;
    asio::post(*io_, std::move(task));
  }

  asio::execution_context& query(asio::execution::context_t) const noexcept { return *io_; }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  static constexpr asio::execution::blocking_t::never_t query(
      asio::execution::blocking_t::never_t) noexcept {
    return {};
  }
  PollerExecutor require(asio::execution::relationship_t::continuation_t) const {
    return with(true);
  }
  PollerExecutor require(asio::execution::relationship_t::fork_t) const { return with(false); }

  bool operator==(const PollerExecutor&) const = default;

 private:
  PollerExecutor with(bool continues) const {
    auto other = *this;
    other.continues_ = continues;
    return other;
  }

  asio::io_context* io_;
  Poller* poller_;
  bool continues_ = false;
};

using Strand = asio::strand<PollerExecutor>;

/// A read or write that waits.
template <typename Buffer>
struct Transfer {
  Buffer buffer;
  TransferDone done;
};

/// Shared by the transport and what is on its way to the strand.
class PolledSocket final : public Poller::Watcher,
                           public std::enable_shared_from_this<PolledSocket> {
 public:
  PolledSocket(int descriptor, SystemRuntime& runtime)
      : descriptor_(descriptor),
        poller_(runtime.poller()),
        strand_(PollerExecutor(runtime.io(), poller_)) {}
  ~PolledSocket() override { close_descriptor(); }

  const Strand& strand() const { return strand_; }

  /// Once, as soon as somebody else holds this.
  void begin() { id_ = poller_.add(descriptor_, weak_from_this()); }

  void ready(std::uint32_t events) override {
    asio::defer(strand_, [self = shared_from_this(), events] { self->see(events); });
  }

  /// Whoever waits keeps the transport, and so this, alive.
  void abandon() override {
    const auto reading = std::exchange(reading_, std::nullopt);
    const auto writing = std::exchange(writing_, std::nullopt);
  }

  void read(asio::mutable_buffer buffer, TransferDone done) {
    reading_.emplace(buffer, std::move(done));
    if (descriptor_ < 0) return finish(reading_, asio::error::operation_aborted, 0);
    if (may_read_) try_to_read();
  }

  void write(asio::const_buffer buffer, TransferDone done) {
    writing_.emplace(buffer, std::move(done));
    if (descriptor_ < 0) return finish(writing_, asio::error::operation_aborted, 0);
    try_to_write();
  }

  std::size_t write_now(asio::const_buffer buffer) const {
    const auto sent = send(buffer);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  void finish_sending() const { ::shutdown(descriptor_, SHUT_WR); }

  void close() {
    close_descriptor();
    finish(reading_, asio::error::operation_aborted, 0);
    finish(writing_, asio::error::operation_aborted, 0);
  }

 private:
  void see(std::uint32_t events) {
    if (descriptor_ < 0) return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) may_read_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) has_ended_ = true;
    if (writing_) try_to_write();
    if (reading_ && may_read_) try_to_read();
  }

  ssize_t send(asio::const_buffer buffer) const {
    return ::send(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  static bool waits(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  }

  void try_to_read() {
    const auto buffer = reading_->buffer;
    ssize_t size = 0;
    do {
      size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    // Less than there is room for was all: another edge tells of more. The end is told only once.
    const bool is_all = size < 0 || static_cast<std::size_t>(size) < buffer.size();
    if (is_all && !has_ended_) may_read_ = false;
    if (waits(size)) return;
    if (size < 0) return finish(reading_, {errno, boost::system::system_category()}, 0);
    if (size == 0 && buffer.size() > 0) return finish(reading_, asio::error::eof, 0);
    finish(reading_, {}, static_cast<std::size_t>(size));
  }

  void try_to_write() {
    ssize_t size = 0;
    do {
      size = send(writing_->buffer);
    } while (size < 0 && errno == EINTR);
    if (waits(size)) return;
    if (size < 0) return finish(writing_, {errno, boost::system::system_category()}, 0);
    finish(writing_, {}, static_cast<std::size_t>(size));
  }

  /// Calls back from the strand, later: whoever asked has returned then.
  template <typename Waiting>
  void finish(Waiting& waiting, error_code error, std::size_t size) {
    if (!waiting) return;
    auto done = std::move(waiting->done);
    waiting.reset();
    asio::defer(strand_, [done = std::move(done), error, size]() mutable { done(error, size); });
  }

  void close_descriptor() {
    if (descriptor_ < 0) return;
    poller_.remove(id_, descriptor_);
    ::close(std::exchange(descriptor_, -1));
  }

  int descriptor_;
  Poller& poller_;
  Poller::Id id_ = 0;
  const Strand strand_;
  bool may_read_ = true;    ///< false: not before the next edge
  bool has_ended_ = false;  ///< the peer sends nothing any more, or is gone
  std::optional<Transfer<asio::mutable_buffer>> reading_;
  std::optional<Transfer<asio::const_buffer>> writing_;
};

class PolledTransport final : public Transport {
 public:
  PolledTransport(int descriptor, SystemRuntime& runtime)
      : socket_(std::make_shared<PolledSocket>(descriptor, runtime)) {
    socket_->begin();
  }

  asio::any_io_executor executor() override { return socket_->strand(); }
  void handshake(TransferDone done) override {
    asio::post(socket_->strand(), [done = std::move(done)]() mutable { done({}, 0); });
  }
  void read_some(asio::mutable_buffer buffer, TransferDone done) override {
    socket_->read(buffer, std::move(done));
  }
  void write_some(asio::const_buffer buffer, TransferDone done) override {
    socket_->write(buffer, std::move(done));
  }
  std::size_t write_now(asio::const_buffer buffer) override { return socket_->write_now(buffer); }
  void finish_sending() override { socket_->finish_sending(); }
  void close() override { socket_->close(); }

 private:
  std::shared_ptr<PolledSocket> socket_;
};

}  // namespace

std::unique_ptr<Transport> polled_transport(int descriptor, SystemRuntime& runtime) {
  return std::make_unique<PolledTransport>(descriptor, runtime);
}

}  // namespace wellrun::http
