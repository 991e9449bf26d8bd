#include "platform/http/transport_sockets.h"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

namespace wellrun::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;

void close_socket(tcp::socket& socket) {
  error_code ignored;
  (void)socket.close(ignored);
}

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(tcp::socket socket) : socket_(std::move(socket)) {}
  asio::any_io_executor executor() override { return socket_.get_executor(); }
  void handshake(TransferDone done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)]() mutable { done({}, 0); });
  }
  void read_some(asio::mutable_buffer buffer, TransferDone done) override {
    socket_.async_read_some(buffer, std::move(done));
  }
  void write_some(asio::const_buffer buffer, TransferDone done) override {
    socket_.async_write_some(buffer, std::move(done));
  }
  std::size_t write_now(asio::const_buffer buffer) override {
    const auto sent =
        ::send(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void finish_sending() override {
    error_code ignored;
    (void)socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override { close_socket(socket_); }

 private:
  tcp::socket socket_;
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(tcp::socket socket, std::shared_ptr<ssl::context> context,
               ssl::stream_base::handshake_type side)
      : context_(std::move(context)), stream_(std::move(socket), *context_), side_(side) {}

  asio::any_io_executor executor() override { return stream_.get_executor(); }
  void handshake(TransferDone done) override {
    stream_.async_handshake(side_,
                            [done = std::move(done)](error_code error) mutable { done(error, 0); });
  }
  void read_some(asio::mutable_buffer buffer, TransferDone done) override {
    stream_.async_read_some(buffer, std::move(done));
  }
  void write_some(asio::const_buffer buffer, TransferDone done) override {
    stream_.async_write_some(buffer, std::move(done));
  }
  std::size_t write_now(asio::const_buffer) override { return 0; }  // a record may wait for reading
  void finish_sending() override {}  // Content-Length tells the end; close_notify could block
  void close() override { close_socket(stream_.next_layer()); }

  /// False when OpenSSL has no memory.
  bool call_for(const std::string& host, bool verify) {
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    const bool is_name = not_an_address.failed();
    if (is_name && SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str()) != 1) {
      return false;
    }
    error_code error;
    (void)stream_.set_verify_mode(verify ? ssl::verify_peer : ssl::verify_none, error);
    if (verify) (void)stream_.set_verify_callback(ssl::host_name_verification(host), error);
    return !error;
  }

 private:
  std::shared_ptr<ssl::context> context_;  ///< shared by all connections; a stream needs it
  ssl::stream<tcp::socket> stream_;
  ssl::stream_base::handshake_type side_;
};

std::unexpected<Error> cannot_use(const std::string& file, const error_code& error) {
  return fail(ErrorCode::kInvalid, fmt::format("cannot use it for TLS: {}", error.message()), file);
}

}  // namespace

std::unique_ptr<Transport> tcp_transport(tcp::socket socket) {
  return std::make_unique<TcpTransport>(std::move(socket));
}

std::unique_ptr<Transport> tls_server_transport(tcp::socket socket,
                                                std::shared_ptr<ssl::context> context) {
  return std::make_unique<TlsTransport>(std::move(socket), std::move(context),
                                        ssl::stream_base::server);
}

std::unique_ptr<Transport> tls_client_transport(tcp::socket socket,
                                                std::shared_ptr<ssl::context> context,
                                                const std::string& host, bool verify) {
  auto transport = std::make_unique<TlsTransport>(std::move(socket), std::move(context),
                                                  ssl::stream_base::client);
  return transport->call_for(host, verify) ? std::move(transport) : nullptr;
}

Result<std::shared_ptr<ssl::context>> server_tls_context(const std::string& certificate_file,
                                                         const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  error_code error;
  (void)context->use_certificate_chain_file(certificate_file, error);
  if (error) return cannot_use(certificate_file, error);
  (void)context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return cannot_use(key_file, error);
  return context;
}

Result<std::shared_ptr<ssl::context>> client_tls_context(const std::string& ca_file,
                                                         const std::string& certificate_file,
                                                         const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  (void)context->set_default_verify_paths(error);
  if (!ca_file.empty()) {
    (void)context->load_verify_file(ca_file, error);
    if (error) return cannot_use(ca_file, error);
  }
  if (!certificate_file.empty()) {
    (void)context->use_certificate_chain_file(certificate_file, error);
    if (error) return cannot_use(certificate_file, error);
    (void)context->use_private_key_file(key_file, ssl::context::pem, error);
    if (error) return cannot_use(key_file, error);
  }
  return context;
}

}  // namespace wellrun::http
