#include "respond/respond_effects.h"

#include <fmt/format.h>
#include <openssl/hmac.h>

#include "catalog/kinds/person.h"
#include "core/bytes.h"
#include "core/text.h"
#include "respond/plain_text.h"

namespace wellrun::respond {
namespace {

using journal::Outcome;
using Done = std::move_only_function<void(Outcome)>;

constexpr int kTries = 3;

Outcome sent(std::string detail) {
  return {.kind = Outcome::Kind::kDone, .error = {}, .detail = {{"detail", std::move(detail)}}};
}
Outcome failed(std::string error) {
  return {.kind = Outcome::Kind::kFailed, .error = std::move(error), .detail = Json::object()};
}

/// Everything that a page needs, looked up when it is performed.
struct Lookup {
  const Incident* incident = nullptr;
  const catalog::Channel* channel = nullptr;
  std::string address;
  PageMessage message;
};

std::string address_of(const catalog::Person& person, std::string_view reference) {
  if (!reference.starts_with("contacts/")) return person.email;
  const auto index = static_cast<std::size_t>(std::atoi(std::string(reference.substr(9)).c_str()));
  if (index >= person.contacts.size()) return person.email;
  const auto& address = person.contacts[index].address;
  return address.empty() ? person.email : address;
}

Result<Lookup> look_up(const NotifyEnvironment& environment, const Json& request) {
  const auto& catalog = environment.domain.catalog();
  Lookup found{.incident = environment.domain.find(text_or(request, "incident")),
               .channel = catalog.find<catalog::Channel>(text_or(request, "channel"))};
  const auto* person = catalog.find<catalog::Person>(text_or(request, "person"));
  if (found.incident == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("incident {} is not known any more", text_or(request, "incident")));
  if (found.channel == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("channel {} was deleted", quote(text_or(request, "channel"))));
  if (person == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("person {} was deleted", quote(text_or(request, "person"))));
  found.address = address_of(*person, text_or(request, "address"));
  found.message = page_message(*found.incident, text_or(request, "page"),
                               environment.links(*found.incident, text_or(request, "person")),
                               environment.runtime.clock.now());
  return found;
}

/// What a receiver knows this page by, in whatever it gets twice of it. Every installation has an
/// inc-0007/page-1, and a mailbox or receiver may serve several: the moment tells them apart.
std::string key_outside(const journal::Intent& intent, const Incident& incident) {
  return fmt::format("{}/{}", intent.key, to_unix_ms(incident.opened_at));
}

Result<std::string> secret_or_empty(const NotifyEnvironment& environment,
                                    const std::string& reference) {
  if (reference.empty()) return std::string();
  return environment.read_secret(reference);
}

Result<std::string> url_of(const NotifyEnvironment& environment, const catalog::Channel& channel) {
  if (!channel.url_ref.empty()) return environment.read_secret(channel.url_ref);
  if (channel.url.empty())
    return fail(ErrorCode::kInvalid,
                fmt::format("channel {} has neither url nor urlRef", quote(channel.metadata.name)));
  return channel.url;
}

void post_with_retries(const NotifyEnvironment& environment, http::Client& client,
                       http::ClientRequest request, const std::string& to, Done done) {
  with_retries(
      environment.runtime,
      [&client, request = std::move(request), to](std::function<void(Outcome)> ended) {
        client.send(request, [ended = std::move(ended), to](Result<http::Response> response) {
          if (!response) return ended(failed(fmt::format("{}: {}", to, response.error().message)));
          ended(response->status / 100 == 2
                    ? sent(fmt::format("{} answered {}", to, response->status))
                    : failed(fmt::format("{} answered {}", to, response->status)));
        });
      },
      std::move(done));
}

struct Trying {
  Runtime runtime;
  std::function<void(std::function<void(Outcome)>)> attempt;
  Done done;
  int tries = 0;
  std::unique_ptr<Timer> timer;
};

void try_once(const std::shared_ptr<Trying>& trying) {
  ++trying->tries;
  trying->attempt([trying](Outcome outcome) {
    trying->runtime.strand.post([trying, outcome = std::move(outcome)]() mutable {
      if (outcome.kind == Outcome::Kind::kDone || trying->tries >= kTries)
        return trying->done(std::move(outcome));
      const auto pause = std::chrono::seconds(2 * trying->tries - 1);
      trying->timer = trying->runtime.strand.after(pause, [trying] { try_once(trying); });
    });
  });
}

}  // namespace

void with_retries(Runtime runtime, std::function<void(std::function<void(Outcome)>)> attempt,
                  Done done) {
  try_once(
      std::make_shared<Trying>(Trying{runtime, std::move(attempt), std::move(done), 0, nullptr}));
}

std::string webhook_signature(std::string_view secret, std::string_view body) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(),
       reinterpret_cast<unsigned char*>(digest.data()), &length);
  digest.resize(length);
  return "sha256=" + to_hex(digest);
}

void EmailPerformer::perform(const journal::Intent& intent, Done done) {
  const auto found = look_up(environment_, intent.request);
  if (!found) return done(failed(found.error().message));
  const auto& channel = *found->channel;
  if (found->address.empty())
    return done(failed(fmt::format("{} has no e-mail address", text_or(intent.request, "person"))));
  const auto user = secret_or_empty(environment_, channel.username_ref);
  const auto password = secret_or_empty(environment_, channel.password_ref);
  if (!user || !password)
    return done(failed(!user ? user.error().message : password.error().message));
  const Mail mail{.server = channel.smtp,
                  .from = one_line(channel.from),
                  .to = one_line(found->address),
                  .subject = found->message.subject,
                  .text = found->message.text,
                  .message_id = fmt::format("{:016x}@wellrun",
                                            stable_hash(key_outside(intent, *found->incident))),
                  .user = *user,
                  .password = *password,
                  .require_tls = channel.start_tls == "require",
                  .never_tls = channel.start_tls == "never"};
  with_retries(
      environment_.runtime,
      [&mailer = mailer_, mail](std::function<void(Outcome)> ended) {
        mailer.send(mail, [ended = std::move(ended), server = mail.server](const Status& status) {
          ended(status ? sent("accepted by " + server) : failed(status.error().message));
        });
      },
      std::move(done));
}

void WebhookPerformer::perform(const journal::Intent& intent, Done done) {
  const auto found = look_up(environment_, intent.request);
  if (!found) return done(failed(found.error().message));
  const auto url = url_of(environment_, *found->channel);
  const auto secret = secret_or_empty(environment_, found->channel->password_ref);
  if (!url || !secret) return done(failed(!url ? url.error().message : secret.error().message));
  auto body = found->message.body;
  body["person"] = text_or(intent.request, "person");
  http::ClientRequest request{.method = "POST", .url = *url, .body = to_text(body)};
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", key_outside(intent, *found->incident)}};
  if (!secret->empty())
    request.headers.push_back({"X-Wellrun-Signature", webhook_signature(*secret, request.body)});
  post_with_retries(environment_, client_, std::move(request), found->channel->metadata.name,
                    std::move(done));
}

void SlackPerformer::perform(const journal::Intent& intent, Done done) {
  const auto found = look_up(environment_, intent.request);
  if (!found) return done(failed(found.error().message));
  const auto url = url_of(environment_, *found->channel);
  if (!url) return done(failed(url.error().message));
  http::ClientRequest request{
      .method = "POST", .url = *url, .body = to_text({{"text", found->message.slack}})};
  request.headers = {{"Content-Type", "application/json"}};
  post_with_retries(environment_, client_, std::move(request), found->channel->metadata.name,
                    std::move(done));
}

}  // namespace wellrun::respond
