#include "platform/http/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "core/assert.h"
#include "core/text.h"
#include "platform/http/connection.h"
#include "platform/http/transport_sockets.h"

namespace wellrun::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

/// After this the process has no descriptors left, or the like: wait before accepting again.
constexpr Duration kAcceptPause{100};

Result<tcp::endpoint> endpoint_of(std::string_view listen) {
  const auto invalid = [&] {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot listen on {}: write ADDRESS:PORT, as 127.0.0.1:9911 or [::1]:0",
                            quote(listen)));
  };
  const auto colon = listen.rfind(':');
  if (colon == std::string_view::npos) return invalid();
  auto host = listen.substr(0, colon);
  const auto digits = listen.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc() || end != digits.data() + digits.size()) return invalid();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (error) return invalid();
  return tcp::endpoint(address, port);
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(SystemRuntime& system_, ServerOptions options, const Router& router,
        Authenticate authenticate)
      : system(system_),
        io(system_.io()),
        context(std::make_shared<ServerContext>(std::move(options), router, std::move(authenticate),
                                                system_.runtime())),
        acceptor(asio::make_strand(io)),
        pause(acceptor.get_executor()) {}

  Status open(const tcp::endpoint& endpoint) {
    error_code error;
    (void)acceptor.open(endpoint.protocol(), error);
    if (!error) (void)acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) (void)acceptor.bind(endpoint, error);
    if (!error) (void)acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) return {};
    const bool taken = error == asio::error::address_in_use;
    return fail(taken ? ErrorCode::kConflict : ErrorCode::kIo,
                fmt::format("cannot listen on {}: {}", context->options.listen, error.message()));
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(io),
                          [self = shared_from_this()](error_code error, tcp::socket socket) {
                            if (self->context->stopping || !self->acceptor.is_open()) return;
                            if (error) return self->accept_later();
                            self->take(std::move(socket));
                            self->accept();
                          });
  }

  void accept_later() {
    pause.expires_after(kAcceptPause);
    pause.async_wait([self = shared_from_this()](error_code error) {
      if (!error && !self->context->stopping) self->accept();
    });
  }

  void take(tcp::socket socket) {
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    (void)socket.set_option(tcp::no_delay(true), error);
    const bool refused = !admit();
    if (refused && tls) return;  // a handshake would cost more than it says
    const int descriptor = tls ? -1 : socket.release(error);
    if (error) return;
    auto transport =
        tls ? tls_server_transport(std::move(socket), tls) : polled_transport(descriptor, system);
    auto connection = make_connection(context, std::move(transport), peer.address().to_string());
    {
      const std::lock_guard lock(mutex);
      connections.emplace(connection.get(), connection);
    }
    refused ? connection->refuse() : connection->start();
    if (context->stopping) connection->drain();
  }

  bool admit() {
    const std::lock_guard lock(mutex);
    return connections.size() < static_cast<std::size_t>(context->options.max_connections);
  }

  void forget(Connection* connection) {
    const std::lock_guard lock(mutex);
    connections.erase(connection);
    changed.notify_all();
  }

  std::vector<std::shared_ptr<Connection>> live() {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Connection>> live;
    for (const auto& [key, weak] : connections) {
      if (auto connection = weak.lock()) live.push_back(std::move(connection));
    }
    return live;
  }

  void wait_until_empty(Duration wait) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, wait, [&] { return connections.empty() || io.stopped(); });
  }

  SystemRuntime& system;
  asio::io_context& io;
  std::shared_ptr<ServerContext> context;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::shared_ptr<asio::ssl::context> tls;  ///< shared with the connections
  int port = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::map<Connection*, std::weak_ptr<Connection>> connections;
};

Server::Server(SystemRuntime& runtime, ServerOptions options, const Router& router,
               Authenticate authenticate)
    : state_(
          std::make_shared<State>(runtime, std::move(options), router, std::move(authenticate))) {
  state_->context->closed = [weak = std::weak_ptr(state_)](Connection* connection) {
    if (const auto state = weak.lock()) state->forget(connection);
  };
}

Server::~Server() {
  stop();
}

Status Server::start() {
  TRY_STATUS(bind());
  accept();
  return {};
}

Status Server::bind() {
  const auto& options = state_->context->options;
  TRY(const auto endpoint, endpoint_of(options.listen));
  if (!options.tls_certificate_file.empty() || !options.tls_key_file.empty()) {
    TRY(state_->tls, server_tls_context(options.tls_certificate_file, options.tls_key_file));
  }
  TRY_STATUS(state_->open(endpoint));
  error_code ignored;
  state_->port = state_->acceptor.local_endpoint(ignored).port();
  return {};
}

void Server::accept() {
  asio::post(state_->acceptor.get_executor(), [state = state_] { state->accept(); });
}

int Server::port() const {
  return state_->port;
}

void Server::stop() {
  if (state_->context->stopping.exchange(true)) return;
  asio::post(state_->acceptor.get_executor(), [state = state_] {
    error_code ignored;
    (void)state->acceptor.close(ignored);
    state->pause.cancel();
  });
  for (const auto& connection : state_->live()) connection->drain();
  state_->wait_until_empty(state_->context->options.stop_timeout);
  for (const auto& connection : state_->live()) connection->abort();
  state_->wait_until_empty(Duration{1000});
}

Result<bool> is_loopback(std::string_view listen) {
  TRY(const auto endpoint, endpoint_of(listen));
  return endpoint.address().is_loopback();
}

}  // namespace wellrun::http
