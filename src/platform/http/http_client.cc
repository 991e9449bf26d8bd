#include "platform/http/http_client.h"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <mutex>

#include "core/text.h"
#include "platform/http/address_policy.h"
#include "platform/http/compression.h"
#include "platform/http/transport_sockets.h"
#include "platform/http/url.h"

namespace wellrun::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

Result<std::string> request_text(const ClientRequest& request, const Url& url) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
                                 request.method, url.target, url.authority);
  for (const auto& header : request.headers) {
    if ((header.name + header.value).find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      return fail(ErrorCode::kInvalid, fmt::format("header {}: a line break", quote(header.name)));
    }
    text += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  if (find_header(request.headers, "User-Agent").empty()) text += "User-Agent: wellrun\r\n";
  if (find_header(request.headers, "Accept-Encoding").empty()) text += "Accept-Encoding: gzip\r\n";
  const bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (may_have_body || !request.body.empty()) {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return text + "\r\n" + request.body;
}

/// By what the system is set up for (/etc/hosts, DNS); as long as that takes.
Result<std::vector<asio::ip::address>> system_look_up(const std::string& host) {
  asio::io_context context;
  tcp::resolver resolver(context);
  error_code error;
  const auto found = resolver.resolve(host, "", error);
  if (error) return fail(ErrorCode::kUnavailable, error.message());
  std::vector<asio::ip::address> addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint().address());
  return addresses;
}

struct Resolving {
  Workers* workers;
  LookUp look_up;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& io, Resolving resolving, ClientRequest request, ClientCallback done)
      : request_(std::move(request)),
        done_(std::move(done)),
        resolving_(std::move(resolving)),
        strand_(asio::make_strand(io)),
        socket_(strand_),
        deadline_(strand_) {}

  void start() {
    asio::post(strand_, [self = shared_from_this()] { self->resolve(); });
  }

 private:
  void resolve() {
    auto url = parse_url(request_.url);
    if (!url) return finish(std::unexpected(url.error()));
    url_ = std::move(*url);
    auto text = request_text(request_, url_);
    if (!text) return finish(std::unexpected(text.error()));
    output_ = std::move(*text);
    deadline_.expires_after(request_.timeout);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      if (error) return;
      if (self->is_sending_) return self->give_up(ErrorCode::kDeadline, "no answer in time", {});
      self->give_up(ErrorCode::kUnavailable, "cannot connect in time", {});
    });
    error_code is_a_name;
    const auto address = asio::ip::make_address(url_.host, is_a_name);
    if (!is_a_name) return connect({address});
    // Weakly: nobody waits for a look-up whose exchange has run out of time.
    resolving_.workers->run(
        [weak = weak_from_this(), look_up = resolving_.look_up, host = url_.host] {
          if (weak.expired()) return;
          auto found = look_up(host);
          const auto self = weak.lock();
          if (!self) return;
          asio::post(self->strand_, [self, found = std::move(found)] {
            if (!found)
              return self->give_up(ErrorCode::kUnavailable,
                                   "cannot resolve the name: " + found.error().message, {});
            self->connect(*found);
          });
        });
  }

  /// Only to addresses that were checked: a name that resolves differently the next time cannot
  /// matter.
  void connect(const std::vector<asio::ip::address>& found) {
    if (!done_) return;
    const auto port = static_cast<std::uint16_t>(std::stoi(url_.port));  // parse_url() looked at it
    for (const auto& address : found) {
      if (address_allowed(address.to_string(), request_.addresses))
        endpoints_.emplace_back(address, port);
    }
    if (endpoints_.empty()) {
      return give_up(ErrorCode::kForbidden, "its addresses may not be called from here", {});
    }
    asio::async_connect(socket_, endpoints_,
                        [self = shared_from_this()](error_code error, const tcp::endpoint&) {
                          if (error) {
                            return self->give_up(ErrorCode::kUnavailable, "cannot connect", error);
                          }
                          self->open_transport();
                        });
  }

  void open_transport() {
    if (!done_) return;
    if (url_.is_tls) {
      auto context =
          client_tls_context(request_.ca_file, request_.certificate_file, request_.key_file);
      if (!context) return finish(std::unexpected(context.error()));
      transport_ =
          tls_client_transport(std::move(socket_), *context,
                               request_.server_name.empty() ? url_.host : request_.server_name,
                               request_.verify_certificate);
      if (!transport_) return give_up(ErrorCode::kInvalid, "not a name for TLS", {});
    } else {
      transport_ = tcp_transport(std::move(socket_));
    }
    transport_->handshake([self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->give_up(ErrorCode::kUnavailable, "TLS handshake failed", error);
      self->is_sending_ = true;
      self->write(self->output_);
    });
  }

  void write(std::string_view rest) {
    if (rest.empty()) {
      parser_.body_limit(request_.max_response_bytes);
      parser_.eager(true);
      parser_.skip(request_.method == "HEAD");
      return read();
    }
    transport_->write_some(asio::buffer(rest),
                           [self = shared_from_this(), rest](error_code error, std::size_t size) {
                             if (error) return self->give_up(ErrorCode::kIo, "cannot send", error);
                             self->write(rest.substr(size));
                           });
  }

  void read() {
    transport_->read_some(asio::buffer(piece_),
                          [self = shared_from_this()](error_code error, std::size_t size) {
                            if (!self->done_) return;
                            if (error) return self->take_end(error);
                            self->input_.append(self->piece_.data(), size);
                            self->parse();
                          });
  }

  void take_end(error_code error) {
    const bool is_end = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    if (!is_end) return give_up(ErrorCode::kIo, "cannot read the answer", error);
    // A body without a length ends with its connection, which only a proper end may do.
    error_code incomplete;
    if (error == asio::error::eof && parser_.got_some()) parser_.put_eof(incomplete);
    if (incomplete || !parser_.is_done()) {
      return give_up(ErrorCode::kIo, "the answer was cut off", incomplete);
    }
    take_response();
  }

  void parse() {
    error_code error;
    while (!input_.empty() && !parser_.is_done() && !error) {
      const auto used = parser_.put(asio::buffer(input_), error);
      input_.erase(0, used);
    }
    const bool too_large =
        error == beast_http::error::body_limit || error == beast_http::error::header_limit ||
        parser_.get().body().size() > request_.max_response_bytes || input_.size() > (64U << 10);
    if (too_large) {
      return give_up(ErrorCode::kTooLarge,
                     fmt::format("more than {} bytes of answer", request_.max_response_bytes), {});
    }
    if (error && error != beast_http::error::need_more) {
      return give_up(ErrorCode::kIo, "the answer is not HTTP", error);
    }
    if (!parser_.is_done()) return read();
    if (parser_.get().result_int() / 100 ==
        1) {  // RFC 9110 section 15.2: the answer proper follows
      return give_up(ErrorCode::kIo, "an interim answer that was not asked for", {});
    }
    take_response();
  }

  void take_response() {
    auto& message = parser_.get();
    Response response;
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    response.body = std::move(message.body());
    const bool asked_by_us = find_header(request_.headers, "Accept-Encoding").empty();
    if (asked_by_us && find_header(response.headers, "Content-Encoding") == "gzip" &&
        !response.body.empty()) {
      auto body = gunzip(response.body, request_.max_response_bytes);
      if (!body) {
        const bool is_too_large = body.error().code == ErrorCode::kTooLarge;
        return give_up(is_too_large ? ErrorCode::kTooLarge : ErrorCode::kIo, body.error().message,
                       {});
      }
      response.body = std::move(*body);
      std::erase_if(response.headers, [](const Header& header) {
        return find_header({header}, "Content-Encoding") == "gzip";
      });
    }
    finish(std::move(response));
  }

  /// Names the host only: path and query of a URL may hold a secret.
  void give_up(ErrorCode code, std::string_view what, error_code error) {
    auto message = fmt::format("{} {}: {}", request_.method, url_.authority, what);
    if (error) message += fmt::format(" ({})", error.message());
    finish(fail(code, std::move(message)));
  }

  void finish(Result<Response> result) {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    deadline_.cancel();
    error_code ignored;
    (void)socket_.close(ignored);
    if (transport_) transport_->close();
    done(std::move(result));
  }

  ClientRequest request_;
  ClientCallback done_;  ///< empty once called
  Resolving resolving_;
  asio::strand<asio::io_context::executor_type> strand_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  Url url_;
  std::vector<tcp::endpoint> endpoints_;
  std::unique_ptr<Transport> transport_;
  std::string output_, input_;
  bool is_sending_ = false;  ///< from here on the peer may have got the request
  std::array<char, 16 << 10> piece_{};
  beast_http::response_parser<beast_http::string_body> parser_;
};

class HttpClient final : public Client {
 public:
  HttpClient(asio::io_context& io, Resolving resolving)
      : io_(io), resolving_(std::move(resolving)) {}
  void send(ClientRequest request, ClientCallback done) override {
    std::make_shared<Exchange>(io_, resolving_, std::move(request), std::move(done))->start();
  }

 private:
  asio::io_context& io_;
  Resolving resolving_;
};

constexpr int kLookUps = 2;  ///< at one time, of one client

}  // namespace

std::unique_ptr<Client> make_client(SystemRuntime& runtime, LookUp look_up) {
  if (!look_up) look_up = system_look_up;
  return std::make_unique<HttpClient>(
      runtime.io(), Resolving{&runtime.add_workers(kLookUps), std::move(look_up)});
}

}  // namespace wellrun::http
