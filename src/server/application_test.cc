// The whole program against peers that hang, and over a restart.

#include "server/application.h"

#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/http/http_client.h"
#include "platform/http/server.h"

namespace wellrun::server {
namespace {

using namespace std::chrono_literals;

/// Takes connections and never says a word.
class SilentPeer {
 public:
  SilentPeer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 16), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  SilentPeer(const SilentPeer&) = delete;
  ~SilentPeer() { hang_up(); }

  int port() const { return port_; }

  /// Waits for somebody who calls.
  void answer() {
    pollfd call{socket_, POLLIN, 0};
    ASSERT_EQ(::poll(&call, 1, 60'000), 1) << "nobody called";
    calls_.push_back(::accept(socket_, nullptr, nullptr));
  }
  void hang_up() {
    calls_.push_back(std::exchange(socket_, -1));
    for (const int call : std::exchange(calls_, {})) ::close(call);
  }

 private:
  int socket_;
  int port_ = 0;
  std::vector<int> calls_;
};

class ApplicationTest : public testing::Test {
 protected:
  ApplicationTest() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-app-XXXXXX").string();
    options_.data = ::mkdtemp(name.data());
    options_.listen = "127.0.0.1:0";
    options_.no_auth = true;
  }
  ~ApplicationTest() override {
    application_.reset();
    std::filesystem::remove_all(options_.data);
  }

  void start() {
    auto started = Application::start(options_);
    ASSERT_TRUE(started) << to_string(started.error());
    application_ = std::move(*started);
  }

  Result<http::Response> call(std::string method, const std::string& path, const Json& body = {}) {
    http::ClientRequest request{.method = std::move(method), .url = application_->url() + path};
    if (!accept_.empty()) request.headers.push_back({"Accept", accept_});
    if (!body.is_null()) {
      request.headers.push_back({"Content-Type", "application/json"});
      request.body = to_text(body);
    }
    std::promise<Result<http::Response>> promise;
    client_->send(std::move(request),
                  [&](Result<http::Response> answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  void post(const std::string& path, const Json& body) {
    const auto answer = call("POST", path, body);
    ASSERT_TRUE(answer) << to_string(answer.error());
    ASSERT_EQ(answer->status / 100, 2) << answer->body;
  }

  /// Two persons of one level, with `channel`; then an incident that pages both.
  void page_two(const std::string& channel) {
    post("/api/v1/catalog/apply", {{"documents", R"(apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: contact}
spec: )" + channel + R"(
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, contacts: [{channel: contact, address: ana@shop.example}]}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ben}
spec: {displayName: Ben, contacts: [{channel: contact, address: ben@shop.example}]}
---
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: storefront}
spec: {members: [ana, ben]}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: storefront}
spec:
  levels:
    - {persons: [ana, ben], acknowledgeWithin: 5m}
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {description: Takes orders, owner: storefront, tier: 1, escalationPolicy: storefront}
)"},
                                   {"commit", "c0ffee"}});
    post("/api/v1/incidents", {{"title", "a trial"}, {"workload", "shop"}, {"severity", 1}});
  }

  SystemRuntime system_{{}};
  std::unique_ptr<http::Client> client_ = http::make_client(system_);
  Options options_;
  std::string accept_;  ///< sent as Accept, when it is not empty
  std::unique_ptr<Application> application_;
};

TEST_F(ApplicationTest, AMailServerThatDoesNotAnswerHoldsNoQueryUp) {
  SilentPeer mail_server;
  start();
  page_two(fmt::format("{{type: email, smtp: \"127.0.0.1:{}\", from: wellrun@shop.example}}",
                       mail_server.port()));
  mail_server.answer();
  mail_server.answer();
  const auto answer = call("GET", "/api/v1/query?query=1");
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->status, 200);
  mail_server.hang_up();
}

/// Pages that nobody took before the end go out again at once, and their links must lead here.
TEST_F(ApplicationTest, APageThatIsTakenUpAtTheStartNamesThePortThatIsServed) {
  SilentPeer hangs;
  start();
  page_two(fmt::format("{{type: webhook, url: \"http://127.0.0.1:{}/pages\"}}", hangs.port()));
  hangs.answer();
  hangs.answer();
  application_.reset();

  std::promise<std::string> taken;
  std::atomic<bool> is_first = true;
  http::Router router;
  router.add({.method = "POST",
              .pattern = "/pages",
              .role = http::Role::kPublic,
              .operation_id = "take",
              .handler = [&](http::Request request, http::Reply reply) {
                if (is_first.exchange(false)) taken.set_value(request.body);
                reply(http::text_response("taken\n"));
              }});
  const auto port = hangs.port();
  hangs.hang_up();
  http::Server peer(system_, {.listen = fmt::format("127.0.0.1:{}", port)}, router,
                    [](const http::Request&) { return http::Principal{}; });
  ASSERT_TRUE(peer.start());
  start();
  auto body = taken.get_future();
  ASSERT_EQ(body.wait_for(60s), std::future_status::ready);
  const auto page = body.get();
  EXPECT_TRUE(page.contains(application_->url() + "/incidents/")) << page;
}

/// Whoever may apply a Scrape names where its secret is sent to.
TEST_F(ApplicationTest, ItsOwnMetricsAreInTheFormThatIsAskedFor) {
  start();
  const auto told = call("GET", "/metrics");
  ASSERT_TRUE(told) << to_string(told.error());
  EXPECT_EQ(http::find_header(told->headers, "Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_TRUE(told->body.contains("# TYPE wellrun_build_info gauge\n")) << told->body;
  EXPECT_TRUE(told->body.contains("# TYPE wellrun_journal_facts_total counter\n")) << told->body;
  EXPECT_FALSE(told->body.contains("# EOF")) << told->body;
  accept_ = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";
  const auto open = call("GET", "/metrics");
  ASSERT_TRUE(open) << to_string(open.error());
  EXPECT_EQ(http::find_header(open->headers, "Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open->body.contains("# TYPE wellrun_build info\n")) << open->body;
  EXPECT_TRUE(open->body.ends_with("# EOF\n")) << open->body;
}

TEST_F(ApplicationTest, WhatWasAppliedIsToldAsPrometheusTellsIt) {
  start();
  post("/api/v1/catalog/apply", {{"files", {{"rules/own.yaml", R"(apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: own}
spec: {interval: 1s, rules: [{record: "one:one", expr: vector(1)}]}
)"}}}});
  const auto data = [&](const std::string& path) {
    const auto answer = call("GET", path);
    EXPECT_TRUE(answer);
    return answer ? parse_json(answer->body)->at("data") : Json();
  };
  const auto info = data("/api/v1/status/runtimeinfo");
  EXPECT_NE(info["lastConfigTime"], info["startTime"]);
  const auto groups = data("/api/v1/rules")["groups"];
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0]["file"], "rules/own.yaml");
  EXPECT_EQ(data("/api/v1/rules?file[]=rules/own.yaml")["groups"].size(), 1U);
  EXPECT_EQ(data("/api/v1/rules?file[]=other")["groups"].size(), 0U);
}

TEST_F(ApplicationTest, AScrapeIsNotGivenTheServersOwnFilesAsItsSecret) {
  const auto own = std::filesystem::path(options_.data) / "own-key";
  std::ofstream(own) << "s3cret";
  SilentPeer target;
  start();
  post("/api/v1/catalog/apply", {{"documents", fmt::format(R"(apiVersion: wellrun.io/v1
kind: Scrape
metadata: {{name: curious}}
spec:
  targets: ["127.0.0.1:{}"]
  interval: 1s
  timeout: 1s
  authorization: {{credentialsRef: "file:{}"}}
)",
                                                           target.port(), own.string())},
                                 {"commit", "c0ffee"}});
  std::string error;
  const auto runtime = system_.runtime();
  const auto until = runtime.clock.steady() + 60s;
  while (error.empty() && runtime.clock.steady() < until) {
    const auto answer = call("GET", "/api/v1/targets");
    ASSERT_TRUE(answer) << to_string(answer.error());
    const auto targets = Json::parse(answer->body)["data"]["activeTargets"];
    ASSERT_EQ(targets.size(), 1U) << answer->body;
    error = targets[0]["lastError"];
  }
  EXPECT_TRUE(error.contains("the server's own data are no secrets")) << error;
}

TEST_F(ApplicationTest, TemplatesOfRulesKnowTheServersLabelsAndWhereItIs) {
  options_.external_labels = "region=eu, replica=a";
  start();
  post("/api/v1/catalog/apply", {{"documents", R"(apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: trial}
spec:
  interval: 1s
  rules:
    - alert: Trial
      expr: vector(1)
      labels: {severity: ticket}
      annotations: {summary: "{{ $externalLabels.region }}/{{ .ExternalLabels.replica }} {{ $externalURL }}"}
)"},
                                 {"commit", "c0ffee"}});
  std::string summary;
  const auto runtime = system_.runtime();
  const auto until = runtime.clock.steady() + 60s;
  while (summary.empty() && runtime.clock.steady() < until) {
    const auto answer = call("GET", "/api/v1/alerts");
    ASSERT_TRUE(answer) << to_string(answer.error());
    const auto alerts = Json::parse(answer->body)["data"]["alerts"];
    if (!alerts.empty()) summary = alerts[0]["annotations"]["summary"];
  }
  EXPECT_EQ(summary, "eu/a " + application_->url());
}

TEST(ServerOptions, ExternalLabelsAreAListOfPairs) {
  using Labels = std::map<std::string, std::string>;
  EXPECT_EQ(read_external_labels("").value(), Labels());
  EXPECT_EQ(read_external_labels(" region = eu , replica=a=b,empty=").value(),
            (Labels{{"region", "eu"}, {"replica", "a=b"}, {"empty", ""}}));
  for (const auto* wrong : {"region", "=eu", "a=1,,b=2", "a=1,a=2"})
    EXPECT_FALSE(read_external_labels(wrong)) << wrong;
  Options options;
  options.external_labels = "region";
  EXPECT_FALSE(check(options));
}

TEST_F(ApplicationTest, ABackupHoldsTheExemplarsToo) {
  start();
  const auto now_ms = to_unix_ms(system_.runtime().clock.now());
  const auto time = std::to_string(now_ms) + "000000";
  post("/api/v1/otlp/v1/metrics", Json::parse(fmt::format(R"({{"resourceMetrics": [
    {{"scopeMetrics": [{{"metrics": [{{"name": "orders", "gauge": {{"dataPoints": [
      {{"timeUnixNano": "{0}", "asDouble": 1, "exemplars": [
        {{"timeUnixNano": "{0}", "asDouble": 1, "traceId": "5b8efff798038103d269b633813fc60c"}}]}}]}}}}]}}]}}]}})",
                                                          time)));
  const auto backup = options_.data + "-backup";
  post("/api/v1/backups", {{"directory", backup}});
  application_.reset();
  std::filesystem::remove_all(std::exchange(options_.data, backup));
  start();
  const auto found = call("GET", "/api/v1/query_exemplars?query=orders");
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_TRUE(found->body.contains("5b8efff798038103d269b633813fc60c")) << found->body;
}

}  // namespace
}  // namespace wellrun::server
