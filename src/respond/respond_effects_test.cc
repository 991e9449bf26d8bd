#include "respond/respond_effects.h"

#include <cstdio>
#include <fcntl.h>
#include <future>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/text.h"
#include "platform/runtime/system_runtime.h"
#include "respond/respond_test_support.h"

namespace wellrun::respond {
namespace {

using journal::Outcome;

/// Answers with the scripted statuses in turn, the last for ever; remembers what was sent.
struct FakeClient final : http::Client {
  std::vector<int> statuses{200};
  std::vector<http::ClientRequest> requests;
  void send(http::ClientRequest request, http::ClientCallback done) override {
    requests.push_back(std::move(request));
    const auto index = std::min(requests.size(), statuses.size()) - 1;
    http::Response response;
    response.status = statuses[index];
    done(std::move(response));
  }
};

struct PerformerTest : testing::Test {
  Shop shop;
  FakeClient client;

  PerformerTest() {
    catalog::Channel hook;
    hook.metadata.name = "hook";
    hook.type = "webhook";
    hook.url = "https://hooks.example/in";
    hook.password_ref = "env:HOOK_SECRET";
    put(shop.catalog, hook, shop.time.now());
    catalog::Channel slack;
    slack.metadata.name = "slack";
    slack.type = "slack";
    slack.url_ref = "env:SLACK_URL";
    put(shop.catalog, slack, shop.time.now());
    shop.fire("a1");
  }

  NotifyEnvironment environment(Runtime runtime) {
    return {runtime, *shop.domain,
            [](const std::string& reference) -> Result<std::string> {
              if (reference == "env:HOOK_SECRET") return "key";
              if (reference == "env:SLACK_URL") return "https://slack.example/x";
              return fail(ErrorCode::kNotFound, reference + " is not set");
            },
            [](const Incident& incident, const std::string& person) {
              return PageLinks{"https://w/incidents/" + incident.id, "https://w/ack/" + person};
            }};
  }

  static journal::Intent intent_for(const std::string& channel) {
    journal::Intent intent;
    intent.key = "page/inc-0001/page-1";
    intent.request = {{"page", "inc-0001/page-1"},
                      {"incident", "inc-0001"},
                      {"person", "ana"},
                      {"channel", channel},
                      {"address", "contacts/0"}};
    return intent;
  }

  Outcome perform(journal::Performer& performer, const std::string& channel) {
    std::optional<Outcome> outcome;
    performer.perform(intent_for(channel), [&](Outcome ended) { outcome = std::move(ended); });
    shop.time.run_for(std::chrono::minutes(1));
    EXPECT_TRUE(outcome) << "every page ends";
    return outcome.value_or(Outcome{});
  }
};

/// Receivers refuse messages that are too long.
TEST(PageMessage, OfManyAlertsOnlyTheFirstAreNamed) {
  Incident incident;
  incident.id = "inc-0001";
  for (int i = 0; i < 2000; ++i)
    incident.alerts.push_back({.fingerprint = std::to_string(i),
                               .alert = "TargetDown",
                               .firing = i != 0,
                               .value = 0.5,
                               .labels = {}});
  const auto message = page_message(incident, "p", {.incident = "", .acknowledge = ""}, {});
  EXPECT_TRUE(text_or(message.body, "alerts").ends_with("TargetDown (0.5) and 1989 more"));
  EXPECT_LT(message.slack.size(), 1000U);
}

TEST(WebhookSignature, IsHmacSha256) {
  // RFC 4231, test case 2.
  EXPECT_EQ(webhook_signature("Jefe", "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_F(PerformerTest, AWebhookIsSignedAndCarriesItsIdempotencyKey) {
  WebhookPerformer performer(environment(shop.time.runtime()), client);
  EXPECT_EQ(perform(performer, "hook").kind, Outcome::Kind::kDone);
  ASSERT_EQ(client.requests.size(), 1U);
  const auto& request = client.requests.front();
  EXPECT_EQ(request.url, "https://hooks.example/in");
  EXPECT_EQ(http::find_header(request.headers, "idempotency-key"),
            fmt::format("page/inc-0001/page-1/{}", to_unix_ms(shop.incident().opened_at)));
  EXPECT_EQ(http::find_header(request.headers, "x-wellrun-signature"),
            webhook_signature("key", request.body));
  EXPECT_EQ((*parse_json(request.body))["acknowledge_url"], "https://w/ack/ana");
}

TEST(Mail, EveryLineEndsInOneWay) {
  const auto wire = rendered({.text = "a\r\nb\nc\rd\n"}, Timestamp{});
  EXPECT_TRUE(wire.ends_with("\r\n\r\na\r\nb\r\ncd\r\n")) << wire;
}

/// The lines of the subject as they go over the wire.
std::vector<std::string> subject_lines(const std::string& subject) {
  std::vector<std::string> lines;
  const auto wire = rendered({.subject = subject}, Timestamp{});
  for (auto at = wire.find("Subject: "); lines.empty() || wire[at] == ' ';) {
    const auto end = wire.find("\r\n", at);
    lines.push_back(wire.substr(at, end - at));
    at = end + 2;
  }
  return lines;
}

TEST(Mail, ASubjectIsFoldedIntoWordsThatAnyReaderDecodes) {
  EXPECT_EQ(subject_lines("Checkout fails"), std::vector<std::string>{"Subject: Checkout fails"});
  std::string subject = "[sev 1] ";
  for (int i = 0; i < 60; ++i) subject += "é€";
  std::string decoded;
  for (const auto& line : subject_lines(subject)) {
    EXPECT_LE(line.size(), 76U);
    const auto begin = line.find("=?utf-8?B?") + 10;
    const auto word = from_base64(line.substr(begin, line.size() - begin - 2));
    ASSERT_TRUE(line.ends_with("?=") && word && is_valid_utf8(*word)) << line;
    decoded += *word;
  }
  EXPECT_EQ(decoded, subject);
  EXPECT_FALSE(subject_lines("=?utf-8?B?aGk=?=").front().contains("aGk="))
      << "a title is shown as it is written";
}

struct KeepingMailer final : Mailer {
  std::vector<Mail> mails;
  void send(Mail mail, std::move_only_function<void(Status)> done) override {
    mails.push_back(std::move(mail));
    done({});
  }
};

TEST_F(PerformerTest, AMailboxThatServesTwoInstallationsTakesNoPageForTheOthers) {
  Shop other(shop.time.now() + std::chrono::seconds(1));
  other.fire("a1");
  const auto here = environment(shop.time.runtime());
  KeepingMailer mailer;
  EmailPerformer performer(here, mailer);
  EmailPerformer others({here.runtime, *other.domain, here.read_secret, here.links}, mailer);
  for (auto* each : {&performer, &performer, &others}) perform(*each, "mail");
  ASSERT_EQ(mailer.mails.size(), 3U);
  EXPECT_EQ(mailer.mails[0].message_id, mailer.mails[1].message_id) << "the same page again";
  EXPECT_NE(mailer.mails[0].message_id, mailer.mails[2].message_id);
}

TEST_F(PerformerTest, WhatFailsIsTriedThreeTimesAndNoMore) {
  WebhookPerformer performer(environment(shop.time.runtime()), client);
  client.statuses = {500, 503, 200};
  EXPECT_EQ(perform(performer, "hook").kind, Outcome::Kind::kDone);
  EXPECT_EQ(client.requests.size(), 3U);
  client.requests.clear();
  client.statuses = {500};
  const auto outcome = perform(performer, "hook");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFailed);
  EXPECT_EQ(outcome.error, "hook answered 500");
  EXPECT_EQ(client.requests.size(), 3U);
}

TEST_F(PerformerTest, SlackGetsTheTextAtTheUrlThatIsASecret) {
  SlackPerformer performer(environment(shop.time.runtime()), client);
  const auto outcome = perform(performer, "slack");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kDone);
  EXPECT_EQ(client.requests.front().url, "https://slack.example/x");
  EXPECT_FALSE(to_text(outcome.detail).contains("slack.example")) << "the URL is a secret";
}

TEST_F(PerformerTest, AChannelOrPersonThatWasDeletedFailsWithItsName) {
  WebhookPerformer performer(environment(shop.time.runtime()), client);
  EXPECT_EQ(perform(performer, "gone").error, "channel \"gone\" was deleted");
  shop.catalog.remove("Person", "ana", shop.time.now());
  EXPECT_EQ(perform(performer, "hook").error, "person \"ana\" was deleted");
  EXPECT_TRUE(client.requests.empty());
}

/// A real SMTP server (python3-aiosmtpd) on loopback that prints its port and then each message it
/// takes.
class MailServer {
 public:
  MailServer() {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) return;
    process_ = fork();
    if (process_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      execl("/usr/bin/python3", "python3", "-c", kProgram, nullptr);
      _exit(127);
    }
    close(out[1]);
    read_end_ = out[0];
  }
  ~MailServer() {
    if (process_ > 0) {
      kill(process_, SIGTERM);
      waitpid(process_, nullptr, 0);
    }
    if (read_end_ >= 0) close(read_end_);
  }

  /// The next line, or empty when none comes within 20 seconds or the server ended.
  std::string line() {
    while (true) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        const auto found = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return found;
      }
      pollfd waiting{read_end_, POLLIN, 0};
      char bytes[4096];
      if (poll(&waiting, 1, 20'000) <= 0) return {};
      const auto size = read(read_end_, bytes, sizeof bytes);
      if (size <= 0) return {};
      buffer_.append(bytes, static_cast<std::size_t>(size));
    }
  }

 private:
  static constexpr auto kProgram = R"(
import asyncio, json
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": envelope.content.decode()}), flush=True)
        return "250 taken"
async def main():
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Handler(), hostname="mail.test"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
)";
  pid_t process_ = -1;
  int read_end_ = -1;
  std::string buffer_;
};

TEST_F(PerformerTest, AnEmailReachesARealServer) {
  MailServer server;
  const auto port = server.line();
  ASSERT_FALSE(port.empty()) << "is python3-aiosmtpd installed? scripts/setup does it";
  auto mail = *shop.catalog.find<catalog::Channel>("mail");
  mail.smtp = "127.0.0.1:" + port;
  mail.from = "wellrun@shop.example";
  put(shop.catalog, mail, shop.time.now());

  SystemRuntime system({});
  const auto mailer = make_smtp_mailer(system.runtime().clock, system.runtime().workers);
  EmailPerformer performer(environment(system.runtime()), *mailer);
  std::promise<Outcome> promise;
  auto answer = promise.get_future();
  system.runtime().strand.post([&] {
    performer.perform(intent_for("mail"),
                      [&](Outcome outcome) { promise.set_value(std::move(outcome)); });
  });
  const auto outcome = answer.get();
  EXPECT_EQ(outcome.kind, Outcome::Kind::kDone) << outcome.error;
  const auto message = parse_json(server.line());
  ASSERT_TRUE(message);
  EXPECT_EQ((*message)["from"], "wellrun@shop.example");
  EXPECT_EQ((*message)["to"], Json::array({"ana@shop.example"}));
  const auto text = text_or(*message, "text");
  EXPECT_TRUE(text.contains("Subject: [sev 2] shop: Checkout fails (inc-0001)\r\n")) << text;
  EXPECT_TRUE(text.contains("https://w/ack/ana"));
  system.stop();
}

TEST_F(PerformerTest, AMailServerThatIsNotThereIsAFailedPageThatSaysSo) {
  auto mail = *shop.catalog.find<catalog::Channel>("mail");
  mail.smtp = "127.0.0.1:1";
  mail.from = "wellrun@shop.example";
  put(shop.catalog, mail, shop.time.now());
  const auto mailer = make_smtp_mailer(shop.time.runtime().clock, shop.time.runtime().workers);
  EmailPerformer performer(environment(shop.time.runtime()), *mailer);
  const auto outcome = perform(performer, "mail");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFailed);
  EXPECT_TRUE(outcome.error.starts_with("127.0.0.1:1 did not take the mail")) << outcome.error;
}

/// Takes connections (its backlog does) and never says a word.
class SilentServer {
 public:
  SilentServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket_, 8) != 0)
      return;
    if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
      port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
};

TEST_F(PerformerTest, AMailServerThatSaysNothingDoesNotHoldUpAStop) {
  const SilentServer silent;
  ASSERT_NE(silent.port(), 0);
  SystemRuntime system({});
  const auto mailer = make_smtp_mailer(system.runtime().clock, system.runtime().workers);
  std::promise<Status> promise;
  auto answer = promise.get_future();
  system.runtime().strand.post([&] {
    mailer->send({.server = fmt::format("127.0.0.1:{}", silent.port()),
                  .from = "wellrun@shop.example",
                  .to = "ana@shop.example"},
                 [&](const Status& status) { promise.set_value(status); });
  });
  mailer->close();
  const auto status = answer.get();
  ASSERT_FALSE(status);
  EXPECT_TRUE(to_string(status.error()).contains("when Wellrun stopped"))
      << to_string(status.error());
  system.stop();
}

}  // namespace
}  // namespace wellrun::respond
