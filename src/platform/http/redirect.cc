#include "platform/http/redirect.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string_view>

#include "core/text.h"
#include "platform/http/url.h"

namespace wellrun::http {
namespace {

constexpr int kMostRedirects = 10;  ///< as Prometheus, whose HTTP library gives up there

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool has_scheme(std::string_view reference) {
  const auto at = reference.find_first_of(":/?#");
  return at != std::string_view::npos && reference[at] == ':';
}

/// Without segments "." and "..".
std::string normal_path(const std::string& path) {
  if (path.find("/.") == std::string::npos) return path;
  return std::filesystem::path(path).lexically_normal().string();
}

/// What a reference means in an answer to `base`.
std::string resolved(std::string_view reference, const Url& base) {
  const auto* scheme = base.is_tls ? "https" : "http";
  if (has_scheme(reference)) return std::string(reference);
  if (reference.starts_with("//")) return fmt::format("{}:{}", scheme, reference);
  const auto old_path = std::string_view(base.target).substr(0, base.target.find('?'));
  const auto given = reference.substr(0, reference.find_first_of("?#"));
  auto path = given.starts_with('/') ? std::string(given)
              : given.empty()
                  ? std::string(old_path)
                  : fmt::format("{}{}", old_path.substr(0, old_path.rfind('/') + 1), given);
  return fmt::format("{}://{}{}{}", scheme, base.authority, normal_path(path),
                     reference.substr(given.size()));
}

bool may_see_credentials(const Url& next, const Url& asked) {
  if (asked.host != next.host) return false;
  return asked.is_tls == next.is_tls ? asked.port == next.port : next.is_tls;
}

bool is_credential(const Header& header) {
  return !find_header({header}, "Authorization").empty() ||
         !find_header({header}, "Cookie").empty();
}

/// One request and where it is sent on to.
class Following : public std::enable_shared_from_this<Following> {
 public:
  Following(Client& client, const Clock& clock, ClientRequest request, ClientCallback done)
      : client_(client),
        clock_(clock),
        request_(std::move(request)),
        done_(std::move(done)),
        until_(clock.steady() + request_.timeout) {}

  void ask() {
    client_.send(request_, [self = shared_from_this()](Result<Response> answer) {
      self->take(std::move(answer));
    });
  }

 private:
  void take(Result<Response> answer) {
    if (!answer) return done_(std::move(answer));
    auto next = redirected(request_, *answer);
    if (!next) return done_(std::unexpected(next.error()));
    if (!*next) return done_(std::move(answer));
    if (++followed_ > kMostRedirects)
      return done_(
          fail(ErrorCode::kInvalid, fmt::format("sent on more than {} times", kMostRedirects)));
    const auto left = std::chrono::duration_cast<Duration>(until_ - clock_.steady());
    if (left <= Duration::zero())
      return done_(fail(ErrorCode::kDeadline, "sent on until there was no time left"));
    request_ = std::move(**next);
    request_.timeout = left;
    ask();
  }

  Client& client_;
  const Clock& clock_;
  ClientRequest request_;
  ClientCallback done_;
  std::chrono::nanoseconds until_;
  int followed_ = 0;
};

}  // namespace

Result<std::optional<ClientRequest>> redirected(const ClientRequest& asked,
                                                const Response& answer) {
  if (!is_redirect(answer.status)) return std::nullopt;
  const auto location = find_header(answer.headers, "Location");
  if (location.empty()) return std::nullopt;
  TRY(const auto from, parse_url(asked.url));
  auto next = asked;
  next.url = resolved(location, from);
  const auto to = parse_url(next.url);
  if (!to)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("sent on to {}: {}", quote(location.substr(0, 200)), to.error().message));
  if (!may_see_credentials(*to, from)) std::erase_if(next.headers, is_credential);
  return next;
}

void send_following_redirects(Client& client, const Clock& clock, ClientRequest request,
                              ClientCallback done) {
  std::make_shared<Following>(client, clock, std::move(request), std::move(done))->ask();
}

}  // namespace wellrun::http
