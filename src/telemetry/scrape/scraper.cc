#include "telemetry/scrape/scraper.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "core/bytes.h"
#include "platform/http/redirect.h"
#include "platform/log/log.h"
#include "platform/runtime/slots.h"
#include "telemetry/api_answer.h"
#include "telemetry/promql/parser.h"
#include "telemetry/scrape/scrape_result.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr Duration kShortestInterval{100};
constexpr std::size_t kMaxMetadata = 10'000;  ///< families kept of one target
constexpr const char* kAcceptProtobuf =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q="
    "0.7,";
constexpr const char* kAccept =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/"
    "plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

http::ClientRequest request_of(const ScrapeTarget& target) {
  http::ClientRequest request;
  request.url = target.url;
  request.headers = target.headers;
  request.headers.push_back(
      {"Accept", std::string(target.native_histograms ? kAcceptProtobuf : "") + kAccept});
  request.headers.push_back(
      {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{}", to_seconds(target.timeout))});
  request.timeout = target.timeout;
  request.max_response_bytes = target.max_body_bytes;
  request.ca_file = target.ca_file;
  request.certificate_file = target.certificate_file;
  request.key_file = target.key_file;
  request.server_name = target.server_name;
  request.verify_certificate = target.verify_certificate;
  return request;
}

/// The next time that is this target's: a multiple of the interval plus an offset of its own.
Duration until_due(const ScrapeTarget& target, Timestamp now) {
  const Duration offset{
      static_cast<std::int64_t>(stable_hash(target.url, stable_hash(target_labels(target))) %
                                static_cast<std::uint64_t>(target.interval.count()))};
  return until_slot(now, target.interval, offset);
}

Json labels_json(const Labels& labels) {
  Json out = Json::object();
  for (const auto& label : labels) out[label.name] = label.value;
  return out;
}

}  // namespace

struct Scraper::Loop {
  ScrapeTarget target;
  std::unique_ptr<Timer> timer;
  SeriesSet seen;
  bool under_way = false;
  bool gone =
      false;  ///< no longer wanted: whoever finishes the scrape under way writes the stale markers
  std::optional<Timestamp> last_time;
  std::chrono::nanoseconds last_took{0};
  std::string last_error;
  std::size_t rejected = 0;  ///< samples that the store did not take, since it is scraped
  std::string last_rejection;
  std::vector<Metadata> metadata;  ///< what it exposed last
};

/// Held by the scraper and by every scrape under way; only the strand touches it.
struct Scraper::Shared : std::enable_shared_from_this<Shared> {
  /// A target is known by its labels and its URL: two may differ in the path alone.
  using Loops = std::map<std::pair<Labels, std::string>, std::shared_ptr<Loop>>;

  Shared(Runtime given, http::Client& http_client, MetricWriter& writer, ExemplarStore& ring)
      : runtime(given), client(http_client), metrics(writer), exemplars(ring) {}

  void schedule(const std::shared_ptr<Loop>& loop) {
    const auto wait = until_due(loop->target, runtime.clock.now());
    loop->timer = runtime.strand.after(wait, [self = weak_from_this(), loop = std::weak_ptr(loop)] {
      const auto shared = self.lock();
      const auto held = loop.lock();
      if (shared && held) shared->scrape(held);
    });
  }

  /// One scrape at a time: timeout is at most the interval, so a slow answer costs one scrape.
  void scrape(const std::shared_ptr<Loop>& loop) {
    schedule(loop);
    if (loop->under_way) return;
    loop->under_way = true;
    const auto time = runtime.clock.now();
    const auto began = runtime.clock.steady();
    if (!loop->target.obstacle.empty())
      return store(loop, time, {}, fail(ErrorCode::kUnavailable, loop->target.obstacle));
    auto take = [self = shared_from_this(), loop, time, began](Result<http::Response> answer) {
      const auto took = self->runtime.clock.steady() - began;
      self->runtime.strand.post([self, loop, time, took, answer = std::move(answer)]() mutable {
        self->store(loop, time, took, std::move(answer));
      });
    };
    auto request = request_of(loop->target);
    if (loop->target.follow_redirects)
      http::send_following_redirects(client, runtime.clock, std::move(request), std::move(take));
    else
      client.send(std::move(request), std::move(take));
  }

  void store(const std::shared_ptr<Loop>& loop, Timestamp time, std::chrono::nanoseconds took,
             Result<http::Response> answer) {
    if (stopped) return;
    auto work = [self = shared_from_this(), loop, time, took, answer = std::move(answer),
                 before = std::move(loop->seen), target = loop->target]() mutable {
      auto write = apply_scrape(target, answer, before, to_unix_ms(time), took);
      if (!write.metadata.empty()) self->metrics.put_metadata(write.metadata);
      auto outcome = self->metrics.write(std::move(write.series));
      if (!outcome) write.error = to_string(outcome.error());
      for (auto& [series, exemplar] : write.exemplars)
        self->exemplars.add(series, std::move(exemplar));
      if (!write.exemplars.empty()) self->exemplars.commit();
      write.metadata.resize(std::min(write.metadata.size(), kMaxMetadata));
      self->runtime.strand.post([self, loop, time, took, write = std::move(write),
                                 stored = std::move(outcome).value_or(WriteOutcome{})]() mutable {
        self->note_rejected(*loop, stored);
        self->finish(loop, time, took, std::move(write));
      });
    };
    runtime.workers.run(std::move(work));
  }

  /// The target is up, and yet some of what it exposes is not stored: too old, or of a series that
  /// is one too many.
  void note_rejected(Loop& loop, const WriteOutcome& stored) const {
    if (stored.rejected == 0) return;
    loop.rejected += stored.rejected;
    loop.last_rejection = stored.first_rejection;
    log_rarely(runtime.clock.now(), Level::kWarning, "scrape", "samples of a target are not stored",
               {{"job", loop.target.job},
                {"url", loop.target.url},
                {"rejected", std::to_string(stored.rejected)},
                {"first", stored.first_rejection}});
  }

  void finish(const std::shared_ptr<Loop>& loop, Timestamp time, std::chrono::nanoseconds took,
              ScrapeWrite write) {
    loop->under_way = false;
    loop->seen = std::move(write.seen);
    loop->last_time = time;
    loop->last_took = took;
    if (write.error.empty()) loop->metadata = std::move(write.metadata);
    loop->last_error = std::move(write.error);
    if (loop->gone) forget(*loop);
  }

  /// Takes the loop of a target with these labels, whose URL is no longer wanted: it has another
  /// one now. Null: there is none.
  static std::shared_ptr<Loop> moved(const Labels& labels, Loops& gone) {
    const auto found = gone.lower_bound({labels, {}});
    if (found == gone.end() || found->first.first != labels) return nullptr;
    return std::move(gone.extract(found).mapped());
  }

  void remove(Loop& loop) {
    loop.timer.reset();
    loop.gone = true;
    if (!loop.under_way) forget(loop);
  }

  void forget(Loop& loop) {
    if (stopped || !loop.last_time) return;
    const auto time = std::max(runtime.clock.now(), *loop.last_time + Duration{1});
    runtime.workers.run(
        [self = shared_from_this(), time, target = loop.target, seen = std::move(loop.seen)] {
          // A full disk leaves the series to end by lookback.
          (void)self->metrics.write(forget_target(target, seen, to_unix_ms(time)));
        });
  }

  Runtime runtime;
  http::Client& client;
  MetricWriter& metrics;
  ExemplarStore& exemplars;
  Loops loops;
  std::vector<std::pair<std::string, Labels>> dropped;
  bool stopped = false;
};

Scraper::Scraper(Runtime runtime, http::Client& client, MetricWriter& metrics,
                 ExemplarStore& exemplars)
    : shared_(std::make_shared<Shared>(runtime, client, metrics, exemplars)) {}

Scraper::~Scraper() {
  shared_->stopped = true;
  shared_->loops.clear();
}

void Scraper::set_targets(std::vector<ScrapeTarget> targets) {
  std::map<Shared::Loops::key_type, ScrapeTarget> wanted;
  for (auto& target : targets) {
    target.interval = std::clamp(target.interval, kShortestInterval, kLongestInterval);
    target.timeout = std::clamp(target.timeout, Duration{1}, target.interval);
    auto key = std::pair(target_labels(target), target.url);
    wanted.try_emplace(std::move(key), std::move(target));
  }
  auto before = std::exchange(shared_->loops, {});
  for (const auto& [key, target] : wanted)
    if (auto known = before.extract(key)) shared_->loops.insert(std::move(known));
  for (auto& [key, target] : wanted) {
    auto& loop = shared_->loops[key];
    if (!loop) loop = shared_->moved(key.first, before);
    if (!loop) loop = std::make_shared<Loop>();
    if (loop->timer && loop->target == target) continue;
    loop->target = std::move(target);
    shared_->schedule(loop);
  }
  for (auto& [key, loop] : before) shared_->remove(*loop);
}

void Scraper::set_dropped(std::vector<std::pair<std::string, Labels>> dropped) {
  shared_->dropped = std::move(dropped);
}

Json Scraper::status(std::string_view pool) const {
  Json active = Json::array();
  for (const auto& [key, loop] : shared_->loops) {
    const auto& target = loop->target;
    if (!pool.empty() && target.job != pool) continue;
    const std::chrono::duration<double> took = loop->last_took;
    const char* const health = !loop->last_time           ? "unknown"
                               : loop->last_error.empty() ? "up"
                                                          : "down";
    active.push_back({{"discoveredLabels", labels_json(target.discovered)},
                      {"labels", labels_json(key.first)},
                      {"scrapePool", target.job},
                      {"scrapeUrl", target.url},
                      {"globalUrl", target.url},
                      {"lastError", loop->last_error},
                      {"lastScrape",
                       loop->last_time ? format_rfc3339(*loop->last_time) : "0001-01-01T00:00:00Z"},
                      {"lastScrapeDuration", took.count()},
                      {"health", health},
                      {"scrapeInterval", format_duration(target.interval)},
                      {"scrapeTimeout", format_duration(target.timeout)},
                      {"rejectedSamples", loop->rejected},
                      {"lastRejection", loop->last_rejection}});
  }
  Json dropped = Json::array();
  std::map<std::string, std::size_t> counts;
  for (const auto& [job, labels] : shared_->dropped) {
    if (!pool.empty() && job != pool) continue;
    dropped.push_back({{"discoveredLabels", labels_json(labels)}, {"scrapePool", job}});
    ++counts[job];
  }
  return {{"activeTargets", std::move(active)},
          {"droppedTargets", std::move(dropped)},
          {"droppedTargetCounts", counts}};
}

Json Scraper::metadata(const MatcherSet& targets, std::string_view metric,
                       std::optional<std::size_t> limit) const {
  Json out = Json::array();
  for (const auto& [key, loop] : shared_->loops) {
    const auto& labels = key.first;
    if (limit && out.size() >= *limit) break;
    if (!targets.matches(labels)) continue;
    for (const auto& one : loop->metadata) {
      if (!metric.empty() && one.family != metric) continue;
      Json entry{{"target", labels_json(labels)},
                 {"type", one.type},
                 {"help", one.help},
                 {"unit", one.unit}};
      if (metric.empty()) entry["metric"] = one.family;
      out.push_back(std::move(entry));
    }
  }
  return out;
}

std::vector<std::string> Scraper::pools() const {
  std::set<std::string> names;
  for (const auto& [key, loop] : shared_->loops) names.insert(loop->target.job);
  for (const auto& [job, labels] : shared_->dropped) names.insert(job);
  return {names.begin(), names.end()};
}

namespace {

http::Response success(Json data) {
  return http::json_response({{"status", "success"}, {"data", std::move(data)}});
}

http::Response list_targets(const Scraper& scraper, const http::Request& request) {
  auto data = scraper.status(request.parameter("scrapePool").value_or(""));
  auto state = request.parameter("state").value_or("");
  std::ranges::transform(state, state.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const bool both = state.empty() || state == "any";
  if (!both && state != "active") data["activeTargets"] = Json::array();
  if (!both && state != "dropped") data["droppedTargets"] = Json::array();
  return success(std::move(data));
}

http::Response list_metadata(const Scraper& scraper, const http::Request& request) {
  const auto limit = api::metadata_limit_parameter(request);
  if (!limit) return api::failure(400, "bad_data", "limit must be a number");
  std::vector<Matcher> matchers;
  if (const auto asked = request.parameter("match_target").value_or(""); !asked.empty()) {
    auto parsed = promql::parse_selector(asked, promql::MatchAll::kAllowed);
    if (!parsed) return api::bad_parameter("match_target", parsed.error());
    matchers = std::move(*parsed);
  }
  const auto targets = MatcherSet::compile(matchers);
  if (!targets) return api::bad_parameter("match_target", targets.error());
  auto data = scraper.metadata(*targets, request.parameter("metric").value_or(""), *limit);
  return success(std::move(data));
}

}  // namespace

std::vector<http::Route> scrape_routes(Scraper& scraper, Strand& strand) {
  std::vector<http::Route> routes;
  const auto add = [&](const char* pattern, const char* operation,
                       http::Response (*answer)(const Scraper&, const http::Request&)) {
    routes.push_back(
        {.method = "GET",
         .pattern = pattern,
         .role = http::Role::kViewer,
         .operation_id = operation,
         .handler = http::on_strand(strand, [&scraper, answer](const http::Request& request) {
           return answer(scraper, request);
         })});
  };
  add("/api/v1/targets", "listTargets", list_targets);
  add("/api/v1/targets/metadata", "listTargetMetadata", list_metadata);
  add("/api/v1/scrape_pools", "listScrapePools",
      [](const Scraper& s, const http::Request&) { return success({{"scrapePools", s.pools()}}); });
  return routes;
}

}  // namespace wellrun::telemetry::scrape
