#include "platform/http/http_client.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "platform/http/address_policy.h"
#include "platform/http/server.h"

namespace wellrun::http {
namespace {

using namespace std::chrono_literals;

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add("GET", "/hello", [](const Request&, Reply reply) { reply(text_response("hello")); });
    add("POST", "/echo",
        [](Request request, Reply reply) { reply(text_response(std::move(request.body))); });
    add("GET", "/large",
        [](const Request&, Reply reply) { reply(text_response(std::string(100'000, 'x'))); });
    add("GET", "/never",
        [this](const Request&, Reply reply) { kept_.set_value(std::move(reply)); });
  }
  void add(std::string method, std::string pattern, Handler handler) {
    Route route;
    route.method = std::move(method);
    route.pattern = std::move(pattern);
    route.role = Role::kPublic;
    route.handler = std::move(handler);
    router_.add(std::move(route));
  }
  void start(ServerOptions options = {}) {
    server_ =
        std::make_unique<Server>(runtime_, std::move(options), router_,
                                 [](const Request&) -> Result<Principal> { return Principal{}; });
    ASSERT_TRUE(server_->start());
  }
  Result<Response> send(ClientRequest request) {
    const auto done = std::make_shared<std::promise<Result<Response>>>();
    client_->send(std::move(request),
                  [done](Result<Response> result) { done->set_value(std::move(result)); });
    return done->get_future().get();
  }
  std::string url(std::string_view path, std::string_view scheme = "http") const {
    return fmt::format("{}://127.0.0.1:{}{}", scheme, server_->port(), path);
  }

  Router router_;
  SystemRuntime runtime_{{}};
  std::promise<Reply> kept_;  ///< goes before the runtime
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_ = make_client(runtime_);
};

TEST_F(ClientTest, ExchangesBodiesAndUnpacksThem) {
  start();
  EXPECT_EQ(send({.url = url("/hello")})->body, "hello");
  EXPECT_EQ(send({.method = "POST", .url = url("/echo"), .body = "ping"})->body, "ping");
  EXPECT_EQ(send({.url = url("/large")})->body.size(), 100'000U);
  EXPECT_EQ(send({.url = url("/absent")})->status, 404);
}

/// As when the name server of the scrape targets is gone, and a page goes out.
TEST_F(ClientTest, NamesThatAreNotAnsweredHoldUpNoOtherClientAndNoAddress) {
  start();
  std::promise<void> never;
  const auto hanging = make_client(runtime_, [wait = never.get_future().share()](const auto&) {
    wait.wait();
    return Result<std::vector<boost::asio::ip::address>>(fail(ErrorCode::kUnavailable, "gone"));
  });
  std::vector<std::future<Result<Response>>> stuck;
  for (int i = 0; i < 20; ++i) {
    const auto done = std::make_shared<std::promise<Result<Response>>>();
    stuck.push_back(done->get_future());
    hanging->send({.url = "http://dead.example/", .timeout = 300ms},
                  [done](Result<Response> result) { done->set_value(std::move(result)); });
  }
  const auto by_name = send({.url = fmt::format("http://localhost:{}/hello", server_->port())});
  EXPECT_EQ(by_name ? by_name->body : to_string(by_name.error()), "hello");
  const auto by_address = std::make_shared<std::promise<Result<Response>>>();
  hanging->send({.url = url("/hello")}, [by_address](Result<Response> result) {
    by_address->set_value(std::move(result));
  });
  EXPECT_EQ(by_address->get_future().get()->body, "hello");
  for (auto& each : stuck) EXPECT_EQ(each.get().error().code, ErrorCode::kUnavailable);
  never.set_value();
}

TEST_F(ClientTest, SaysWhatWentWrong) {
  start();
  EXPECT_EQ(send({.url = "ftp://somewhere"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(send({.url = "http://ana:secret@somewhere/"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(send({.url = url("/large"), .max_response_bytes = 1000}).error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(send({.url = url("/never"), .timeout = 50ms}).error().code, ErrorCode::kDeadline);
  EXPECT_EQ(send({.url = url("/hello"), .addresses = AddressPolicy::kPublicOnly}).error().code,
            ErrorCode::kForbidden);
  kept_.get_future().get();  // dropped, so that stopping need not wait for it
  const auto gone = url("/hello");
  server_->stop();
  auto why = send({.url = gone}).error().code;
  // The door is closed a moment later; who came through it is dropped.
  for (int i = 0; i < 1000 && why == ErrorCode::kIo; ++i) why = send({.url = gone}).error().code;
  EXPECT_EQ(why, ErrorCode::kUnavailable);
}

/// A peer that takes connections and does `answer` with each.
class OddPeer {
 public:
  explicit OddPeer(std::string answer)
      : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, name, size), 0);
    EXPECT_EQ(::listen(socket_, 4), 0);
    EXPECT_EQ(::getsockname(socket_, name, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int peer = 0; (peer = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(peer)) {
        char request[4096];
        (void)::recv(peer, request, sizeof request, 0);
        (void)::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
    });
  }
  ~OddPeer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url(std::string_view scheme = "http") const {
    return fmt::format("{}://127.0.0.1:{}/", scheme, port_);
  }

 private:
  std::string answer_;
  int socket_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(ClientTest, TellsWhetherThePeerMayHaveGotTheRequest) {
  for (const auto* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "no HTTP\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
                             "4\r\n\r\nnone"}) {
    const OddPeer peer(answer);
    EXPECT_EQ(send({.method = "POST", .url = peer.url()}).error().code, ErrorCode::kIo) << answer;
  }
  const OddPeer no_tls("no TLS");
  EXPECT_EQ(send({.url = no_tls.url("https")}).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientTest, TlsNeedsACertificateThatIsTrusted) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("wellrun-tls-" + random_hex(runtime_.runtime().random, 8));
  std::filesystem::create_directory(folder);
  const auto certificate = (folder / "cert.pem").string();
  const auto key = (folder / "key.pem").string();
  const auto command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
      "/CN=test "
      "-addext subjectAltName=IP:127.0.0.1 -keyout {} -out {} 2>/dev/null",
      key, certificate);
  ASSERT_EQ(std::system(command.c_str()), 0);
  start({.tls_certificate_file = certificate, .tls_key_file = key});
  EXPECT_EQ(send({.url = url("/hello", "https"), .ca_file = certificate})->body, "hello");
  EXPECT_EQ(send({.url = url("/hello", "https")}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(send({.url = url("/hello", "https"), .verify_certificate = false})->body, "hello");
  std::filesystem::remove_all(folder);
}

TEST(AddressPolicy, KnowsTheInsideHoweverItIsWritten) {
  for (const auto* inside :
       {"127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "::1",
        "::", "::ffff:10.0.0.1", "fe80::1", "fd00::1", "64:ff9b::a00:1",
        "2002:7f00:1::", "100.64.0.1", "224.0.0.1", "not-an-address"}) {
    EXPECT_FALSE(address_allowed(inside, AddressPolicy::kPublicOnly)) << inside;
  }
  for (const auto* outside : {"1.1.1.1", "172.32.0.1", "2606:4700::1111"}) {
    EXPECT_TRUE(address_allowed(outside, AddressPolicy::kPublicOnly)) << outside;
  }
  EXPECT_TRUE(address_allowed("10.0.0.1", AddressPolicy::kAnyButLinkLocal));
  EXPECT_FALSE(address_allowed("169.254.169.254", AddressPolicy::kAnyButLinkLocal));
  EXPECT_FALSE(address_allowed("::ffff:169.254.1.1", AddressPolicy::kAnyButLinkLocal));
  EXPECT_FALSE(address_allowed("fe80::1%eth0", AddressPolicy::kAnyButLinkLocal));
}

}  // namespace
}  // namespace wellrun::http
