#include "platform/http/server.h"

#include <arpa/inet.h>
#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "platform/http/compression.h"

namespace wellrun::http {
namespace {

using namespace std::chrono_literals;

/// A peer that may misbehave: bytes in, bytes out, at most ten seconds for each.
class Peer {
 public:
  explicit Peer(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Peer(const Peer&) = delete;
  ~Peer() { ::close(socket_); }

  /// False: the server takes no more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() const { ::shutdown(socket_, SHUT_WR); }

  /// Everything until the server closes; fails the test when it does not.
  std::string until_closed() {
    while (receive()) {
    }
    EXPECT_TRUE(ended_) << "the server kept the connection; got: " << input_;
    return std::exchange(input_, {});
  }
  /// Everything up to and with `mark`.
  std::string until(std::string_view mark) {
    auto found = input_.find(mark);
    while (found == std::string::npos && receive()) found = input_.find(mark);
    EXPECT_NE(found, std::string::npos) << "no " << mark << " in: " << input_;
    if (found == std::string::npos) return std::exchange(input_, {});
    auto text = input_.substr(0, found + mark.size());
    input_.erase(0, found + mark.size());
    return text;
  }

 private:
  bool receive() {
    char piece[4096];
    const auto size = ::recv(socket_, piece, sizeof piece, 0);
    ended_ = size == 0 || (size < 0 && errno == ECONNRESET);
    if (size > 0) input_.append(piece, static_cast<std::size_t>(size));
    return size > 0;
  }

  int socket_;
  std::string input_;
  bool ended_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  void add(std::string method, std::string pattern, Handler handler, Role role = Role::kPublic,
           std::size_t max_body_bytes = 1 << 20) {
    Route route;
    route.method = std::move(method);
    route.pattern = std::move(pattern);
    route.role = role;
    route.handler = std::move(handler);
    route.max_body_bytes = max_body_bytes;
    router_.add(std::move(route));
  }

  void SetUp() override {
    add("GET", "/hello", [](const Request&, Reply reply) { reply(text_response("hello")); });
    add("GET", "/page", [](const Request&, Reply reply) {
      reply(text_response("<p>" + std::string(5000, 'x'), 200, "text/html; charset=utf-8"));
    });
    add(
        "POST", "/echo",
        [](Request request, Reply reply) { reply(text_response(std::move(request.body))); },
        Role::kPublic, 1000);
    add("POST", "/form", [](const Request& request, Reply reply) {
      reply(text_response(request.parameter("query").value_or("none")));
    });
    add("GET", "/dropped", [](const Request&, const Reply&) {});
    add("GET", "/thrown", [](const Request&, const Reply&) { throw std::runtime_error("boom"); });
    add("GET", "/thrown-later", on_strand_later(runtime_.runtime().strand, [](auto, auto) {
          throw std::runtime_error("boom");
        }));
    add("GET", "/items/{id}", [](const Request& request, Reply reply) {
      reply(text_response("item " + request.path_parameter("id")));
    });
    add("GET", "/files/{path*}", [](const Request& request, Reply reply) {
      reply(text_response("file " + request.path_parameter("path")));
    });
    add(
        "GET", "/view",
        [](const Request& request, Reply reply) { reply(text_response(request.principal.actor)); },
        Role::kViewer);
    add(
        "POST", "/manage", [](const Request&, Reply reply) { reply(text_response("done")); },
        Role::kAdmin);
  }

  static Result<Principal> authenticate(const Request& request) {
    if (request.header("Authorization") == "Bearer viewer") {
      return Principal{.actor = "person:ana", .role = Role::kViewer};
    }
    return fail(ErrorCode::kUnauthenticated, "send a token");
  }

  int start(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(runtime_, std::move(options), router_, authenticate);
    const auto started = server_->start();
    EXPECT_TRUE(started) << to_string(started.error());
    return server_->port();
  }

  static std::string get(std::string_view path, std::string_view headers = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{}\r\n", path,
                       headers);
  }
  static std::string post(std::string_view path, std::string_view body,
                          std::string_view headers = "") {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
        path, body.size(), headers, body);
  }
  std::string answer_to(std::string_view bytes) {
    if (server_ == nullptr) start();
    Peer peer(server_->port());
    peer.send(bytes);
    return peer.until_closed();
  }
  static std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  Router router_;
  SystemRuntime runtime_{{}};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ClientsThatComeBetweenBindingAndAcceptingWait) {
  Server server(runtime_, {}, router_, authenticate);
  const auto bound = server.bind();
  ASSERT_TRUE(bound) << to_string(bound.error());
  ASSERT_NE(server.port(), 0);
  Peer peer(server.port());
  peer.send(get("/hello"));
  server.accept();
  EXPECT_TRUE(peer.until_closed().ends_with("hello"));
}

TEST_F(ServerTest, AnswersWithSecurityHeadersAndADate) {
  const auto answer = answer_to(get("/page"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
  for (const auto* header :
       {"X-Content-Type-Options: nosniff\r\n", "X-Frame-Options: DENY\r\n",
        "Referrer-Policy: same-origin\r\n", "script-src 'self';", "Connection: close\r\n"}) {
    EXPECT_NE(answer.find(header), std::string::npos) << header;
  }
}

TEST_F(ServerTest, DataComesWithFewHeaders) {
  Peer peer(start());
  peer.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = peer.until("hello");
  const auto date = head.find("Date: ");
  head.erase(date, head.find("\r\n", date) + 2 - date);
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_F(ServerTest, AnOldClientIsToldThatItsConnectionStays) {
  Peer peer(start());
  peer.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(peer.until("hello").find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  peer.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_NE(peer.until_closed().find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrderOnOneConnection) {
  Peer peer(start());
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += fmt::format("GET /items/{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  peer.send(requests + get("/items/last"));
  const auto answers = peer.until_closed();
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find(fmt::format("\r\n\r\nitem {}", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_NE(answers.find("item last", at), std::string::npos);
}

TEST_F(ServerTest, ABodyOfAnyLengthEndsWhereTheNextRequestBegins) {
  Peer peer(start());
  for (std::size_t size = 0; size < 80; ++size) {
    const std::string body(size, 'x');
    peer.send(fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", size));
    peer.send(body + "GET /items/next HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.until("\r\n\r\n" + body + "HTTP/1.1 200");
    peer.until("\r\n\r\nitem next");
  }
}

TEST_F(ServerTest, HeadHasTheLengthButNotTheBody) {
  const auto answer = answer_to("HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "");
}

TEST_F(ServerTest, UnknownPathsAndMethodsAreProblems) {
  EXPECT_TRUE(answer_to(get("/nothing")).starts_with("HTTP/1.1 404 "));
  const auto answer = answer_to(post("/hello", ""));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
}

TEST_F(ServerTest, RolesDecideWhoMayCall) {
  EXPECT_TRUE(answer_to(get("/view")).starts_with("HTTP/1.1 401 "));
  EXPECT_EQ(body_of(answer_to(get("/view", "Authorization: Bearer viewer\r\n"))), "person:ana");
  const auto answer = answer_to(post("/manage", "", "Authorization: Bearer viewer\r\n"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
}

TEST_F(ServerTest, ADroppedReplyAndAThrownExceptionAreA500) {
  EXPECT_TRUE(answer_to(get("/dropped")).starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(answer_to(get("/thrown")).starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(answer_to(get("/thrown-later")).starts_with("HTTP/1.1 500 "));
}

TEST_F(ServerTest, PathsThatLeaveTheirFolderAreRefusedHoweverEncoded) {
  for (const auto* path :
       {"/files/../etc", "/files/%2e%2e/etc", "/files/a%2f..%2fetc", "/files/..%5cetc",
        "/files/%2E./etc", "/files/%00", "/files/%zz", "/files/%2"}) {
    EXPECT_TRUE(answer_to(get(path)).starts_with("HTTP/1.1 400 ")) << path;
  }
  EXPECT_EQ(body_of(answer_to(get("/files/a/b%20c"))), "file a/b c");
}

TEST_F(ServerTest, ALargeDeclaredBodyIsRefusedWithoutReadingIt) {
  const auto answer =
      answer_to("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST_F(ServerTest, AChunkedBodyIsBoundedToo) {
  const std::string chunk = "190\r\n" + std::string(400, 'x') + "\r\n";
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(body_of(answer_to(head + chunk + chunk + "0\r\n\r\n")), std::string(800, 'x'));
  EXPECT_TRUE(answer_to(head + chunk + chunk + chunk + "0\r\n\r\n").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(answer_to(head + "zz\r\nfoo\r\n0\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

/// Many a client that cannot send the rest looks for no answer.
TEST_F(ServerTest, WhatIsOnItsWayWhenABodyIsRefusedIsTakenAndTheAnswerSeen) {
  Peer peer(start());
  peer.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto chunk = fmt::format("{:x}\r\n{}\r\n", 1 << 20, std::string(1 << 20, 'x'));
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(peer.send(chunk)) << i;
  peer.finish_sending();
  EXPECT_TRUE(peer.until_closed().starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, CompressedBodiesAreReadAndBombsAreRefused) {
  EXPECT_EQ(body_of(answer_to(post("/echo", gzip("squeezed"), "Content-Encoding: gzip\r\n"))),
            "squeezed");
  const auto bomb = gzip(std::string(500'000, '0'));
  EXPECT_TRUE(
      answer_to(post("/form", gzip(std::string(2'000'000, '0')), "Content-Encoding: gzip\r\n"))
          .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(answer_to(post("/form", bomb.substr(0, 100), "Content-Encoding: gzip\r\n"))
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(body_of(answer_to(post("/echo", "as sent", "Content-Encoding: snappy\r\n"))),
            "as sent");
  EXPECT_TRUE(
      answer_to(post("/echo", "x", "Content-Encoding: br\r\n")).starts_with("HTTP/1.1 415 "));
}

TEST_F(ServerTest, AnswersAreCompressedOnlyForThoseWhoTakeIt) {
  const auto answer = answer_to(get("/page", "Accept-Encoding: deflate, gzip;q=0.8\r\n"));
  EXPECT_NE(answer.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_EQ(gunzip(body_of(answer), 10'000)->size(), 5003U);
  EXPECT_EQ(answer_to(get("/page", "Accept-Encoding: gzip;q=0\r\n")).find("Content-Encoding"),
            std::string::npos);
}

TEST_F(ServerTest, FormBodiesComeBeforeTheQuery) {
  for (const char* path : {"/form", "/form?query=other", "/form?query="})
    for (const char* type :
         {"application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=utf-8"})
      EXPECT_EQ(body_of(answer_to(post(path, "query=up%7B%7D+%3E+0",
                                       std::string("Content-Type: ") + type + "\r\n"))),
                "up{} > 0")
          << path << " " << type;
  EXPECT_EQ(body_of(answer_to(post("/form?query=of+the+target", "other=1",
                                   "Content-Type: application/x-www-form-urlencoded\r\n"))),
            "of the target");
}

TEST_F(ServerTest, ContinuesWhenAskedTo) {
  Peer peer(start());
  peer.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(peer.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("body");
  EXPECT_EQ(body_of(peer.until_closed()), "body");
}

TEST_F(ServerTest, MalformedAndOversizedHeadersAreRefused) {
  EXPECT_TRUE(answer_to("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(
      answer_to("GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(answer_to("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(answer_to(get("/hello", "X: " + std::string(40'000, 'x') + "\r\n"))
                  .starts_with("HTTP/1.1 431 "));
}

TEST_F(ServerTest, ASlowHeaderIsCutOff) {
  Peer peer(start({.header_timeout = 50ms}));
  peer.send("GET /hello HTTP/1.1\r\nX-Slow: ");
  EXPECT_EQ(peer.until_closed(), "");
}

TEST_F(ServerTest, ASlowBodyAndAnIdleConnectionAreCutOff) {
  Peer slow(start({.idle_timeout = 50ms, .body_timeout = 50ms}));
  slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(slow.until_closed(), "");
  Peer idle(server_->port());
  idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(body_of(idle.until_closed()), "hello");
}

TEST_F(ServerTest, TruncatedRequestsNeverReachAHandler) {
  start();
  const auto request = post("/echo", "0123456789");
  for (std::size_t size = 0; size < request.size(); ++size) {
    Peer peer(server_->port());
    peer.send(request.substr(0, size));
    peer.finish_sending();
    EXPECT_EQ(peer.until_closed(), "") << size;
  }
}

TEST_F(ServerTest, MoreConnectionsThanAllowedAreToldSo) {
  const auto port = start({.max_connections = 1});
  Peer first(port);
  first.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  first.until("hello");
  EXPECT_TRUE(Peer(port).until_closed().starts_with("HTTP/1.1 503 "));
}

TEST_F(ServerTest, EventsAreStreamedAndTakenUpAfterAReconnect) {
  const auto opened = std::make_shared<std::promise<std::shared_ptr<EventSink>>>();
  const auto resumed = std::make_shared<std::promise<std::string>>();
  Route route{.method = "GET",
              .pattern = "/events",
              .role = Role::kPublic,
              .operation_id = "",
              .handler = nullptr,
              .stream = nullptr};
  std::atomic<int> count = 0;
  route.stream = [&, opened, resumed](const Request&, std::string last_id,
                                      std::shared_ptr<EventSink> sink) {
    if (count++ > 0) return resumed->set_value(last_id);
    opened->set_value(std::move(sink));
  };
  router_.add(std::move(route));
  const auto port = start({.heartbeat_interval = 20ms});
  Peer peer(port);
  peer.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(peer.until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  peer.until(": still here\n\n");
  auto sink = opened->get_future().get();
  EXPECT_TRUE(sink->send("incident", "one\ntwo", "7"));
  EXPECT_NE(peer.until("data: two\n\n").find("event: incident\nid: 7\ndata: one\n"),
            std::string::npos);
  sink.reset();
  peer.until_closed();
  Peer again(port);
  again.send("GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n");
  EXPECT_EQ(resumed->get_future().get(), "7");
}

TEST_F(ServerTest, AStreamEndsWhenItsCallerMayNotCallAnyMore) {
  Route route{.method = "GET",
              .pattern = "/events",
              .role = Role::kViewer,
              .operation_id = "",
              .handler = nullptr,
              .stream = nullptr};
  const auto opened = std::make_shared<std::promise<std::shared_ptr<EventSink>>>();
  route.stream = [opened](const Request&, const std::string&, std::shared_ptr<EventSink> sink) {
    opened->set_value(std::move(sink));
  };
  router_.add(std::move(route));
  std::atomic<bool> is_known = true;
  server_ = std::make_unique<Server>(runtime_, ServerOptions{.heartbeat_interval = 20ms}, router_,
                                     [&](const Request& request) -> Result<Principal> {
                                       if (!is_known)
                                         return fail(ErrorCode::kUnauthenticated, "revoked");
                                       return authenticate(request);
                                     });
  ASSERT_TRUE(server_->start());
  Peer peer(server_->port());
  peer.send("GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer viewer\r\n\r\n");
  const auto sink = opened->get_future().get();
  peer.until(": still here\n\n");
  is_known = false;
  peer.until_closed();
  while (sink->send("incident", "one", "7")) std::this_thread::yield();  // soon it says so, too
}

TEST_F(ServerTest, AStreamWhosePeerIsGoneSaysSo) {
  const auto opened = std::make_shared<std::promise<std::shared_ptr<EventSink>>>();
  Route route{.method = "GET",
              .pattern = "/events",
              .role = Role::kPublic,
              .operation_id = "",
              .handler = nullptr,
              .stream = nullptr};
  route.stream = [&, opened](const Request&, const std::string&, std::shared_ptr<EventSink> sink) {
    opened->set_value(std::move(sink));
  };
  router_.add(std::move(route));
  const auto closed = std::make_shared<std::promise<void>>();
  start({.log = [&, closed](const Access&) { closed->set_value(); }});
  std::shared_ptr<EventSink> sink;
  {
    Peer peer(server_->port());
    peer.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    sink = opened->get_future().get();
  }
  closed->get_future().wait();
  while (sink->send("", "x", "")) {
  }
}

TEST_F(ServerTest, StoppingFinishesWhatIsUnderWay) {
  const auto entered = std::make_shared<std::promise<Reply>>();
  add("GET", "/slow",
      [&, entered](const Request&, Reply reply) { entered->set_value(std::move(reply)); });
  Peer peer(start());
  Peer idle(server_->port());
  peer.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  auto reply = entered->get_future().get();
  std::thread stopper([&] { server_->stop(); });
  idle.until_closed();
  reply(text_response("finished"));
  EXPECT_EQ(body_of(peer.until_closed()), "finished");
  stopper.join();
}

/// Requests that a route with watches_peer was given, answered when the test says so.
struct Watched {
  struct Asked {
    Request request;
    Reply reply;
  };
  std::promise<Asked> first;

  static Route route(const std::shared_ptr<Watched>& watched) {
    Route route;
    route.method = "GET";
    route.pattern = "/watched";
    route.role = Role::kPublic;
    route.watches_peer = true;
    route.handler = [watched](Request request, Reply reply) {
      watched->first.set_value({std::move(request), std::move(reply)});
    };
    return route;
  }
};

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

TEST_F(ServerTest, AnAnswerThatTakesLongKnowsWhenNobodyWaitsForIt) {
  const auto watched = std::make_shared<Watched>();
  router_.add(Watched::route(watched));
  start();
  auto peer = std::make_unique<Peer>(server_->port());
  peer->send("GET /watched HTTP/1.1\r\nHost: a\r\n\r\n");
  auto asked = watched->first.get_future().get();
  EXPECT_FALSE(*asked.request.abandoned);
  peer.reset();
  wait_for(*asked.request.abandoned);
  asked.reply(text_response("to nobody"));
}

TEST_F(ServerTest, APeerThatHasOnlyFinishedSendingGetsItsAnswer) {
  const auto watched = std::make_shared<Watched>();
  router_.add(Watched::route(watched));
  start();
  Peer peer(server_->port());
  peer.send("GET /watched HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.finish_sending();
  auto asked = watched->first.get_future().get();
  wait_for(*asked.request.abandoned);
  asked.reply(text_response("late"));
  EXPECT_EQ(body_of(peer.until_closed()), "late");
}

TEST_F(ServerTest, WhatComesWhileAnAnswerIsAwaitedIsTheNextRequest) {
  const auto watched = std::make_shared<Watched>();
  router_.add(Watched::route(watched));
  start();
  Peer peer(server_->port());
  peer.send("GET /watched HTTP/1.1\r\nHost: a\r\n\r\n");
  auto asked = watched->first.get_future().get();
  peer.send("GET /items/2 HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.send(get("/items/3"));
  asked.reply(text_response("item 1"));
  const auto answers = peer.until_closed();
  std::size_t at = 0;
  for (const char* body : {"item 1", "item 2", "item 3"}) {
    at = answers.find(body, at);
    ASSERT_NE(at, std::string::npos) << body << " in " << answers;
  }
}

TEST_F(ServerTest, ThousandsOfPipelinedRequestsAreAnsweredOneAfterAnother) {
  Peer peer(start());
  constexpr int kRequests = 20'000;
  std::thread sender([&] {
    std::string requests;
    for (int i = 0; i < kRequests; ++i)
      requests += fmt::format("GET /items/{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
    peer.send(requests);
  });
  for (int i = 0; i < kRequests; ++i) {
    const auto body = fmt::format("item {}", i);
    ASSERT_TRUE(peer.until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    ASSERT_EQ(peer.until(body), body);
  }
  sender.join();
}

TEST_F(ServerTest, AnAnswerIsNotWrittenWhileItsHandlerRuns) {
  std::mutex mutex;  // that a handler holds when it answers, and the log takes
  std::atomic<int> logged = 0;
  auto& workers = runtime_.runtime().workers;
  add("GET", "/locked", [&](const Request&, Reply reply) {
    const std::lock_guard lock(mutex);
    reply(text_response("at once"));
  });
  add("GET", "/worker", [&](const Request&, Reply reply) {
    workers.run([&mutex, reply = std::move(reply)]() mutable {
      const std::lock_guard lock(mutex);
      reply(text_response("later"));
    });
  });
  Peer peer(start({.log = [&](const Access&) {
    const std::lock_guard lock(mutex);
    ++logged;
  }}));
  for (int i = 0; i < 100; ++i) {
    peer.send("GET /locked HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.until("at once");
    peer.send("GET /worker HTTP/1.1\r\nHost: a\r\n\r\n");
    peer.until("later");
  }
  server_->stop();
  EXPECT_EQ(logged, 200);
}

TEST_F(ServerTest, AnAnswerLargerThanTheSocketsBufferArrivesWhole) {
  const std::string large(20 << 20, 'x');
  add("GET", "/large", [&](const Request&, Reply reply) { reply(text_response(large)); });
  EXPECT_EQ(body_of(answer_to(get("/large"))), large);
}

TEST_F(ServerTest, ADeadlineThatWasKeptClosesNothingLater) {
  Peer kept(start({.header_timeout = 50ms}));
  kept.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  kept.until("hello");
  Peer(server_->port()).until_closed();  // by then the time of the first one's header is over, too
  kept.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  kept.until("hello");
}

TEST_F(ServerTest, EveryAnswerIsLoggedWithItsRoute) {
  const auto logged = std::make_shared<std::promise<Access>>();
  start({.log = [&, logged](const Access& access) { logged->set_value(access); }});
  answer_to(get("/items/7"));
  const auto access = logged->get_future().get();
  EXPECT_EQ(access.path, "/items/7");
  EXPECT_EQ(access.route, "/items/{id}");
  EXPECT_EQ(access.status, 200);
  EXPECT_EQ(access.remote, "127.0.0.1");
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  const auto port = start();
  Server taken(runtime_, {.listen = fmt::format("127.0.0.1:{}", port)}, router_, authenticate);
  EXPECT_EQ(taken.start().error().code, ErrorCode::kConflict);
  Server unreadable(runtime_, {.listen = "everywhere"}, router_, authenticate);
  EXPECT_EQ(unreadable.start().error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(*is_loopback("[::1]:0"));
  EXPECT_FALSE(*is_loopback("0.0.0.0:80"));
}

TEST(Router, ALiteralSegmentWinsAndSlashesStayInTheirSegment) {
  Router router;
  for (const auto* pattern : {"/a/{id}", "/a/new", "/a/{rest*}"}) {
    Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.handler = [](const Request&, const Reply&) {};
    router.add(std::move(route));
  }
  EXPECT_EQ(router.match("GET", "/a/new").route->pattern, "/a/new");
  EXPECT_EQ(router.match("GET", "/a/x%2Fy").path_parameters.at("id"), "x/y");
  EXPECT_EQ(router.match("HEAD", "/a/x/y").path_parameters.at("rest"), "x/y");
  EXPECT_EQ(router.match("POST", "/a/new").allowed_methods,
            (std::vector<std::string>{"GET", "HEAD"}));
  EXPECT_EQ(router.match("GET", "/b").route, nullptr);
  EXPECT_EQ(router.match("GET", "/a/{id}").path_parameters.at("id"), "{id}");
  EXPECT_EQ(router.match("GET", "/a/n%65w").route->pattern, "/a/new");
}

TEST(Router, WhoTakesTheRestDoesNotTakeWhatIsSomebodysByAnotherMethod) {
  Router router;
  for (const auto& [method, pattern] : {std::pair{"GET", "/{rest*}"},
                                        {"POST", "/jobs/{id}"},
                                        {"GET", "/files/{rest*}"},
                                        {"PUT", "/{rest*}"}}) {
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.handler = [](const Request&, const Reply&) {};
    router.add(std::move(route));
  }
  const auto match = router.match("GET", "/jobs/7");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed_methods, (std::vector<std::string>{"POST", "PUT"}));
  EXPECT_EQ(router.match("GET", "/jobs/7/log").route->pattern, "/{rest*}");
  EXPECT_EQ(router.match("GET", "/files/a").route->pattern, "/files/{rest*}");
  EXPECT_EQ(router.match("PUT", "/files/a").route, nullptr);
}

}  // namespace
}  // namespace wellrun::http
