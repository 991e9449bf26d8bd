#pragma once

// Performing pages: e-mail over SMTP, webhooks, Slack. Each reads where to send from the catalog at
// that moment, so addresses never stand in the journal. Three tries with growing pauses; what did
// not go through then is page.failed, and escalation goes on.

#include <functional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/kinds/channel.h"
#include "journal/effect.h"
#include "platform/http/client.h"
#include "platform/runtime/runtime.h"
#include "respond/mailer.h"
#include "respond/page_message.h"
#include "respond/respond_domain.h"

namespace wellrun::respond {

struct NotifyEnvironment {
  Runtime runtime;
  const RespondDomain& domain;
  std::function<Result<std::string>(const std::string& reference)> read_secret;
  std::function<PageLinks(const Incident&, const std::string& person)> links;
};

/// Calls `attempt` up to three times, 1 and 3 seconds apart, until it ends with kDone; then `done`
/// with the last outcome. `attempt` may end on any thread. On the strand.
void with_retries(Runtime runtime,
                  std::function<void(std::function<void(journal::Outcome)>)> attempt,
                  std::move_only_function<void(journal::Outcome)> done);

/// respond.email.
class EmailPerformer final : public journal::Performer {
 public:
  EmailPerformer(NotifyEnvironment environment, Mailer& mailer)
      : environment_(std::move(environment)), mailer_(mailer) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  NotifyEnvironment environment_;
  Mailer& mailer_;
};

/// respond.webhook: POST of JSON with Idempotency-Key, signed (X-Wellrun-Signature: sha256=<hex
/// HMAC of the body>) when the channel has a passwordRef.
class WebhookPerformer final : public journal::Performer {
 public:
  WebhookPerformer(NotifyEnvironment environment, http::Client& client)
      : environment_(std::move(environment)), client_(client) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  NotifyEnvironment environment_;
  http::Client& client_;
};

/// respond.slack: an incoming webhook.
class SlackPerformer final : public journal::Performer {
 public:
  SlackPerformer(NotifyEnvironment environment, http::Client& client)
      : environment_(std::move(environment)), client_(client) {}
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

 private:
  NotifyEnvironment environment_;
  http::Client& client_;
};

/// "sha256=" and the hexadecimal HMAC-SHA256 of `body`. Source: RFC 2104.
std::string webhook_signature(std::string_view secret, std::string_view body);

}  // namespace wellrun::respond
