#include "telemetry/scrape/scraper.h"

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/scrape/scrape_result.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr Duration kShortestInterval{100};
constexpr const char* kAccept =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/"
    "plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

http::ClientRequest request_of(const ScrapeTarget& target) {
  http::ClientRequest request;
  request.url = target.url;
  request.headers = target.headers;
  request.headers.push_back({"Accept", kAccept});
  request.headers.push_back(
      {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{}", to_seconds(target.timeout))});
  request.timeout = target.timeout;
  request.max_response_bytes = target.max_body_bytes;
  request.ca_file = target.ca_file;
  request.verify_certificate = target.verify_certificate;
  return request;
}

/// The next time after `now` that is this target's: a multiple of the interval plus an offset of
/// its own.
Timestamp next_due(const ScrapeTarget& target, Timestamp now) {
  const auto interval = target.interval.count();
  const auto offset = static_cast<std::int64_t>(stable_hash(target_labels(target)) %
                                                static_cast<std::uint64_t>(interval));
  const auto since = (to_unix_ms(now) - offset) % interval;
  return now + Duration{interval - (since < 0 ? since + interval : since)};
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
  Duration last_took{0};
  std::string last_error;
};

/// Held by the scraper and by every scrape under way; only the strand touches it.
struct Scraper::Shared : std::enable_shared_from_this<Shared> {
  Shared(Runtime given, http::Client& http_client, MetricWriter& writer)
      : runtime(given), client(http_client), metrics(writer) {}

  void schedule(const std::shared_ptr<Loop>& loop) {
    const auto due = next_due(loop->target, runtime.clock.now());
    loop->timer = runtime.strand.at(due, [self = weak_from_this(), loop = std::weak_ptr(loop)] {
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
    client.send(request_of(loop->target), [self = shared_from_this(), loop, time,
                                           began](Result<http::Response> answer) {
      const auto took = std::chrono::duration_cast<Duration>(self->runtime.clock.steady() - began);
      self->runtime.strand.post([self, loop, time, took, answer = std::move(answer)]() mutable {
        self->store(loop, time, took, std::move(answer));
      });
    });
  }

  void store(const std::shared_ptr<Loop>& loop, Timestamp time, Duration took,
             Result<http::Response> answer) {
    if (stopped) return;
    auto work = [self = shared_from_this(), loop, time, took, answer = std::move(answer),
                 before = std::move(loop->seen), target = loop->target]() mutable {
      auto write = apply_scrape(target, answer, before, to_unix_ms(time), took);
      if (!write.metadata.empty()) self->metrics.put_metadata(std::move(write.metadata));
      const auto outcome = self->metrics.write(std::move(write.series));
      if (!outcome) write.error = to_string(outcome.error());
      self->runtime.strand.post([self, loop, time, took, seen = std::move(write.seen),
                                 error = std::move(write.error)]() mutable {
        self->finish(loop, time, took, std::move(seen), std::move(error));
      });
    };
    runtime.workers.run(std::move(work));
  }

  void finish(const std::shared_ptr<Loop>& loop, Timestamp time, Duration took, SeriesSet seen,
              std::string error) {
    loop->under_way = false;
    loop->seen = std::move(seen);
    loop->last_time = time;
    loop->last_took = took;
    loop->last_error = std::move(error);
    if (loop->gone) forget(*loop);
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
  std::map<Labels, std::shared_ptr<Loop>> loops;
  bool stopped = false;
};

Scraper::Scraper(Runtime runtime, http::Client& client, MetricWriter& metrics)
    : shared_(std::make_shared<Shared>(runtime, client, metrics)) {}

Scraper::~Scraper() {
  shared_->stopped = true;
  shared_->loops.clear();
}

void Scraper::set_targets(std::vector<ScrapeTarget> targets) {
  std::map<Labels, std::shared_ptr<Loop>> wanted;
  for (auto& target : targets) {
    target.interval = std::max(target.interval, kShortestInterval);
    target.timeout = std::clamp(target.timeout, Duration{1}, target.interval);
    const auto labels = target_labels(target);
    if (wanted.contains(labels)) continue;
    const auto known = shared_->loops.find(labels);
    if (known != shared_->loops.end() && known->second->target == target) {
      wanted[labels] = known->second;
      continue;
    }
    auto loop = std::make_shared<Loop>();
    loop->target = std::move(target);
    shared_->schedule(loop);
    wanted[labels] = std::move(loop);
  }
  for (auto& [labels, loop] : shared_->loops) {
    const auto kept = wanted.find(labels);
    if (kept == wanted.end() || kept->second != loop) shared_->remove(*loop);
  }
  shared_->loops = std::move(wanted);
}

Json Scraper::status() const {
  Json active = Json::array();
  for (const auto& [labels, loop] : shared_->loops) {
    const auto& target = loop->target;
    const char* const health = !loop->last_time           ? "unknown"
                               : loop->last_error.empty() ? "up"
                                                          : "down";
    active.push_back({{"discoveredLabels", Json::object()},
                      {"labels", labels_json(labels)},
                      {"scrapePool", target.job},
                      {"scrapeUrl", target.url},
                      {"globalUrl", target.url},
                      {"lastError", loop->last_error},
                      {"lastScrape",
                       loop->last_time ? format_rfc3339(*loop->last_time) : "0001-01-01T00:00:00Z"},
                      {"lastScrapeDuration", to_seconds(loop->last_took)},
                      {"health", health},
                      {"scrapeInterval", format_duration(target.interval)},
                      {"scrapeTimeout", format_duration(target.timeout)}});
  }
  return {{"activeTargets", active},
          {"droppedTargets", Json::array()},
          {"droppedTargetCounts", Json::object()}};
}

std::vector<http::Route> scrape_routes(Scraper& scraper, Strand& strand) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/api/v1/targets";
  route.role = http::Role::kViewer;
  route.operation_id = "listTargets";
  route.handler = http::on_strand(strand, [&scraper](const http::Request& request) {
    auto data = scraper.status();
    if (request.parameter("state").value_or("any") == "dropped")
      data["activeTargets"] = Json::array();
    return http::json_response({{"status", "success"}, {"data", std::move(data)}});
  });
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::telemetry::scrape
