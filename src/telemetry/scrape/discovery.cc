#include "telemetry/scrape/discovery.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <variant>

#include "core/bytes.h"
#include "core/json.h"
#include "core/text.h"
#include "platform/http/media_type.h"
#include "platform/http/redirect.h"
#include "platform/log/log.h"
#include "platform/process/spawn.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr std::size_t kMaxFileBytes = 16U << 20;
constexpr Duration kRetry = std::chrono::seconds(10);
constexpr Duration kShortestRefresh = std::chrono::seconds(1);

using Source = std::variant<FileSource, HttpSource, DnsSource, OAuthSource>;
using Groups = std::vector<TargetGroup>;

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// Where a request for a token has the client's id and secret. Source: RFC 6749, section 2.3.1: an
/// authorization server takes them as HTTP Basic; in the body it need not.
enum class CredentialsPlace { kBasic, kBody };

http::ClientRequest token_request(const OAuthSource& source, CredentialsPlace place) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = source.token_url;
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.headers.push_back({"Accept", "application/json"});
  std::string scopes;
  for (const auto& scope : source.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  const auto id = encoded(source.client_id), secret = encoded(source.client_secret);
  request.body = "grant_type=client_credentials";
  if (place == CredentialsPlace::kBasic)
    request.headers.push_back({"Authorization", "Basic " + to_base64(id + ":" + secret)});
  else
    request.body += "&client_id=" + id + "&client_secret=" + secret;
  if (!scopes.empty()) request.body += "&scope=" + encoded(scopes);
  for (const auto& [name, value] : source.parameters)
    request.body += "&" + encoded(name) + "=" + encoded(value);
  return request;
}

struct Token {
  std::string header;  ///< of Authorization
  Duration lasts{0};
};

Result<Token> read_token(const http::Response& response) {
  if (response.status != 200)
    return fail(ErrorCode::kUnavailable,
                fmt::format("the token endpoint answered with status {}", response.status));
  TRY(const auto json, parse_json(response.body));
  const auto token = text_or(json, "access_token");
  if (token.empty())
    return fail(ErrorCode::kInvalid, "the token endpoint's answer has no access_token");
  const double seconds = std::clamp(number_or(json, "expires_in", 3600), 1.0, 86'400.0);
  return Token{"Bearer " + token, Duration{static_cast<std::int64_t>(seconds * 1000)}};
}

Result<Groups> read_groups(const Result<http::Response>& answer, const std::string& url) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200)
    return fail(ErrorCode::kUnavailable, fmt::format("it answered with status {}", answer->status));
  const auto type = http::find_header(answer->headers, "Content-Type");
  if (http::parse_media_type(type).name != "application/json")
    return fail(ErrorCode::kInvalid,
                fmt::format("its Content-Type is {}, application/json is wanted", quote(type)));
  TRY(auto groups, parse_target_groups(answer->body));
  for (auto& group : groups) group.labels.set("__meta_url", url);
  return groups;
}

std::string describe(const Source& source) {
  if (const auto* files = std::get_if<FileSource>(&source))
    return "files " + (files->patterns.empty() ? std::string() : files->patterns.front());
  if (const auto* http = std::get_if<HttpSource>(&source)) return http->url;
  if (const auto* dns = std::get_if<DnsSource>(&source))
    return "DNS " + (dns->names.empty() ? std::string() : dns->names.front());
  return std::get<OAuthSource>(source).token_url;
}

Duration refresh_of(const Source& source) {
  const auto refresh = std::visit(
      [](const auto& one) -> Duration {
        if constexpr (requires { one.refresh; })
          return one.refresh;
        else
          return kRetry;
      },
      source);
  return std::max(refresh, kShortestRefresh);
}

/// What makes it this source: how often it is asked does not.
template <typename OneSource>
Source identity_of(OneSource source) {
  if constexpr (requires { source.refresh; }) source.refresh = Duration{0};
  return source;
}

/// What a pattern finds may be anything: a folder, or a pipe that nobody writes to, which must not
/// hold the thread.
Result<std::string> read_target_file(const std::string& path) {
  const auto cannot = [&](std::string_view why) {
    return fail(ErrorCode::kIo, fmt::format("a file of targets cannot be read: {}", why), path);
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) return cannot(std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return cannot("it is no regular file");
  std::string text;
  char piece[64U << 10];
  while (text.size() <= kMaxFileBytes) {
    const auto got = ::read(file.get(), piece, sizeof piece);
    if (got < 0) return cannot(std::strerror(errno));
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return fail(ErrorCode::kTooLarge, "a file of targets is larger than 16 MiB", path);
}

Result<Groups> groups_in_file(const std::string& path) {
  TRY(const auto text, read_target_file(path));
  auto groups = parse_target_groups(text);
  if (!groups) {
    groups.error().context = path;
    return groups;
  }
  for (auto& group : *groups) group.labels.set("__meta_filepath", path);
  return groups;
}

}  // namespace

/// Held by the discovery and by every question under way; only the strand touches it.
struct Discovery::State : std::enable_shared_from_this<State> {
  /// What one source said last.
  struct Known {
    Source source;
    std::map<std::string, Groups> parts;                ///< by file or name
    std::string token;                                  ///< of an OAuth source
    std::optional<CredentialsPlace> credentials_place;  ///< which brought the last token
    std::string problem;
    bool answered = false;
    std::unique_ptr<Timer> timer;
  };

  State(Runtime given, http::Client& http_client, Scraper& of)
      : runtime(given), client(http_client), scraper(of) {}

  void ask(const std::shared_ptr<Known>& known) {
    const auto self = shared_from_this();
    if (const auto* http_source = std::get_if<HttpSource>(&known->source)) {
      http::ClientRequest request;
      request.url = http_source->url;
      request.headers.push_back({"Accept", "application/json"});
      request.headers.push_back({"X-Prometheus-Refresh-Interval-Seconds",
                                 fmt::format("{}", to_seconds(http_source->refresh))});
      auto take = [self, known, url = http_source->url](Result<http::Response> answer) {
        self->runtime.strand.post([self, known, url, answer = std::move(answer)] {
          self->found(known, {{std::string(), read_groups(answer, url)}});
        });
      };
      http::send_following_redirects(client, runtime.clock, std::move(request), std::move(take));
    } else if (const auto* oauth = std::get_if<OAuthSource>(&known->source)) {
      ask_token(known, *oauth, known->credentials_place.value_or(CredentialsPlace::kBasic));
    } else {
      runtime.workers.run([self, known, source = known->source] {
        auto parts = std::holds_alternative<FileSource>(source)
                         ? read_target_files(std::get<FileSource>(source))
                         : look_up_targets(std::get<DnsSource>(source));
        self->runtime.strand.post([self, known, parts = std::move(parts)]() mutable {
          self->found(known, std::move(parts));
        });
      });
    }
  }

  void ask_token(const std::shared_ptr<Known>& known, const OAuthSource& oauth,
                 CredentialsPlace place) {
    auto take = [self = shared_from_this(), known, place](Result<http::Response> answer) {
      self->runtime.strand.post([self, known, place, answer = std::move(answer)] {
        self->got_token(known, place, answer);
      });
    };
    client.send(token_request(oauth, place), std::move(take));
  }

  void found(const std::shared_ptr<Known>& known, FoundParts parts) {
    if (stopped) return;
    const bool first = !known->answered;
    const auto before = known->parts;
    auto problem = take(*known, std::move(parts));
    const bool failed = !problem.empty();
    note(*known, std::move(problem));
    again(known, failed ? std::min(kRetry, refresh_of(known->source)) : refresh_of(known->source));
    if (known->parts != before || (first && known->answered)) resolve();
  }

  /// Parts that fail are as they were; those that there are not any more go, once there is an
  /// answer at all. Returns what failed.
  static std::string take(Known& known, FoundParts parts) {
    std::string problem;
    std::size_t failures = 0;
    for (auto& [name, groups] : parts) {
      if (groups)
        known.parts[name] = std::move(*groups);
      else if (failures++ == 0)
        problem = to_string(groups.error());
    }
    known.answered |= failures < parts.size() || parts.empty();
    if (known.answered)
      std::erase_if(known.parts, [&](const auto& part) { return !parts.contains(part.first); });
    if (failures > 1) problem += fmt::format(" (and {} more)", failures - 1);
    return problem;
  }

  /// Until a place for the credentials has worked, both are tried, as Prometheus does.
  void got_token(const std::shared_ptr<Known>& known, CredentialsPlace place,
                 const Result<http::Response>& answer) {
    if (stopped) return;
    const Result<Token> token = answer ? read_token(*answer) : std::unexpected(answer.error());
    const bool refused = answer && !token;
    if (refused && place == CredentialsPlace::kBasic && !known->credentials_place)
      return ask_token(known, std::get<OAuthSource>(known->source), CredentialsPlace::kBody);
    if (token) known->credentials_place = place;
    if (refused) known->credentials_place.reset();
    const bool newly_failed = !token && known->problem.empty() && known->token.empty();
    note(*known, token ? std::string() : to_string(token.error()));
    // Before it ends, so that no scrape goes out with an old one.
    again(known, token ? std::max(token->lasts * 3 / 4, kShortestRefresh) : kRetry);
    if (newly_failed) return resolve();
    if (!token || token->header == known->token) return;
    known->token = token->header;
    resolve();
  }

  void note(Known& known, std::string problem) {
    if (!problem.empty() && problem != known.problem)
      log(Level::kWarning, "scrape", "service discovery failed; what was known before holds",
          {{"source", describe(known.source)}, {"error", problem}});
    known.problem = std::move(problem);
  }

  void again(const std::shared_ptr<Known>& known, Duration after) {
    known->timer =
        runtime.strand.after(after, [self = weak_from_this(), known = std::weak_ptr(known)] {
          const auto state = self.lock();
          const auto held = known.lock();
          if (state && held && !state->stopped) state->ask(held);
        });
  }

  template <typename OneSource>
  void use(const std::string& job, const OneSource& source) {
    const auto key = std::pair(job, identity_of(source));
    auto& place = wanted[key];
    if (place) return;
    const auto old = sources.find(key);
    if (old != sources.end()) {
      place = old->second;
      if (place->source == Source(source)) return;
    } else {
      place = std::make_shared<Known>();
      if constexpr (std::is_same_v<OneSource, OAuthSource>) place->token = token_of(job, source);
    }
    place->source = source;
    ask(place);
  }

  /// Until a new source has answered, its job has the targets of those that it replaces: an edit is
  /// no reason to take them all away for a while.
  void inherit() {
    for (const auto& [key, gone] : sources) {
      if (wanted.contains(key) || gone->parts.empty()) continue;
      if (const auto heir = heir_in(key.first)) heir->parts.merge(gone->parts);
    }
  }

  /// A new source of the job: one that has inherited nothing, before one that has.
  Known* heir_in(const std::string& job) const {
    Known* heir = nullptr;
    for (const auto& [key, known] : wanted) {
      if (key.first != job || sources.contains(key)) continue;
      if (std::holds_alternative<OAuthSource>(known->source)) continue;
      if (heir == nullptr || (!heir->parts.empty() && known->parts.empty())) heir = known.get();
    }
    return heir;
  }

  /// What the job had until now for the same client, with another secret.
  std::string token_of(const std::string& job, OAuthSource source) const {
    for (const auto& [key, known] : sources) {
      const auto* before = std::get_if<OAuthSource>(&key.second);
      if (key.first != job || before == nullptr) continue;
      source.client_secret = before->client_secret;
      if (source == *before) return known->token;
    }
    return {};
  }

  void resolve() {
    std::vector<ScrapeTarget> targets;
    std::vector<std::pair<std::string, Labels>> dropped;
    const auto told = std::exchange(target_problems, {});
    for (const auto& job : jobs) {
      auto groups = job.groups;
      auto settings = job.settings;
      bool waits = false;  // for the first token
      for (const auto& [key, known] : sources) {
        if (key.first != settings.target.job) continue;
        for (const auto& [name, part] : known->parts)
          groups.insert(groups.end(), part.begin(), part.end());
        if (!std::holds_alternative<OAuthSource>(known->source)) continue;
        settings.target.headers.push_back({"Authorization", known->token});
        if (!known->token.empty()) continue;
        waits = known->problem.empty();
        settings.target.obstacle = "no token: " + known->problem;
      }
      if (waits) continue;
      auto resolved = resolve_targets(settings, groups);
      std::ranges::move(resolved.targets, std::back_inserter(targets));
      std::ranges::move(resolved.dropped, std::back_inserter(dropped));
      std::ranges::move(resolved.problems, std::back_inserter(target_problems));
    }
    tell_new_problems(told);
    scraper.set_targets(std::move(targets));
    scraper.set_dropped(std::move(dropped));
  }

  /// A rule of relabelling that is wrong is wrong for all targets: they are one line of the log.
  void tell_new_problems(const std::vector<std::string>& told) const {
    const std::set<std::string_view> known(told.begin(), told.end());
    std::vector<std::string_view> fresh;
    for (const auto& problem : target_problems)
      if (!known.contains(problem)) fresh.push_back(problem);
    if (!fresh.empty())
      log(Level::kWarning, "scrape", "targets cannot be scraped",
          {{"first", std::string(fresh.front())}, {"count", std::to_string(fresh.size())}});
  }

  Runtime runtime;
  http::Client& client;
  Scraper& scraper;
  bool stopped = false;
  std::vector<ScrapeJob> jobs;
  using Sources = std::map<std::pair<std::string, Source>, std::shared_ptr<Known>>;
  Sources sources, wanted;
  std::vector<std::string> target_problems;
};

Discovery::Discovery(Runtime runtime, http::Client& client, Scraper& scraper)
    : state_(std::make_shared<State>(runtime, client, scraper)) {}

Discovery::~Discovery() {
  state_->stopped = true;
  state_->sources.clear();
}

void Discovery::set_jobs(std::vector<ScrapeJob> jobs) {
  state_->jobs = std::move(jobs);
  state_->wanted.clear();
  for (const auto& job : state_->jobs) {
    const auto& name = job.settings.target.job;
    for (const auto& source : job.files) state_->use(name, source);
    for (const auto& source : job.http) state_->use(name, source);
    for (const auto& source : job.dns) state_->use(name, source);
    if (job.oauth) state_->use(name, *job.oauth);
  }
  state_->inherit();
  state_->sources = std::exchange(state_->wanted, {});
  state_->resolve();
}

std::vector<std::string> Discovery::problems() const {
  auto out = state_->target_problems;
  for (const auto& [key, known] : state_->sources)
    if (!known->problem.empty())
      out.push_back(fmt::format("{}: {}", describe(known->source), known->problem));
  return out;
}

FoundParts read_target_files(const FileSource& source) {
  std::set<std::string> paths;
  for (const auto& pattern : source.patterns) {
    ::glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
      paths.insert(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
  }
  FoundParts parts;
  for (const auto& path : paths) parts.emplace(path, groups_in_file(path));
  return parts;
}

}  // namespace wellrun::telemetry::scrape
