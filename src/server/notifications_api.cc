#include "server/notifications_api.h"

#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/api_answer.h"

namespace wellrun::server {
namespace {

constexpr Duration kLookEvery{2'000};
constexpr int kLooksBetweenProbes = 15;
constexpr std::size_t kMost = 100;

/// When it began, by what it says.
using Notifications = std::map<std::string, Timestamp>;

Notifications current(const telemetry::EmbeddedStore& store, Timestamp started) {
  Notifications out;
  for (const auto& owner : store.owners()) {
    if (!owner.at_limit() || owner.refused == 0 || out.size() == kMost) continue;
    out.emplace(fmt::format("{} {} has {} series, its limit: new ones are refused, lately {}",
                            owner.workload.empty() ? "Job" : "Workload",
                            owner.workload.empty() ? owner.job : owner.workload, owner.series,
                            owner.refused_series),
                from_unix_ms(owner.refused_ms));
  }
  const auto statistics = store.statistics();
  for (const auto& damage : statistics.damage) {
    if (out.size() >= kMost) break;
    out.emplace(
        fmt::format("The telemetry store found damage at {}: {}", damage.where, damage.what),
        started);
  }
  return out;
}

Json notification_json(const std::string& text, Timestamp date, bool active) {
  return {{"text", text}, {"date", format_rfc3339(date)}, {"active", active}};
}

/// The open streams, on the strand: one look serves them all.
class NotificationFeeds {
 public:
  NotificationFeeds(Runtime runtime, const telemetry::EmbeddedStore& store, Timestamp started)
      : runtime_(runtime), store_(store), started_(started) {}

  void add(std::shared_ptr<http::EventSink> sink) {
    feeds_.push_back({.sink = std::move(sink)});
    look();
  }

 private:
  struct Feed {
    std::shared_ptr<http::EventSink> sink;
    Notifications told = {};
  };

  void look() {
    const auto now = current(store_, started_);
    const bool probes = ++looks_ % kLooksBetweenProbes == 0;
    std::erase_if(feeds_, [&](Feed& feed) { return !tell(feed, now, probes); });
    timer_.reset();
    if (feeds_.empty()) return;
    timer_ = runtime_.strand.after(kLookEvery, [this] {
      const auto running = std::move(timer_);  // outlives this call
      look();
    });
  }

  /// False once the peer has gone. Only who sends hears of that: now and then an event of a name
  /// that nobody waits for.
  static bool tell(Feed& feed, const Notifications& now, bool probes) {
    bool is_open = !probes || feed.sink->send("probe", "", "");
    const auto send = [&](const auto& notification, bool active) {
      const auto& [text, date] = notification;
      is_open = is_open && feed.sink->send("", to_text(notification_json(text, date, active)), "");
    };
    for (const auto& one : now)
      if (!feed.told.contains(one.first)) send(one, true);
    for (const auto& one : feed.told)
      if (!now.contains(one.first)) send(one, false);
    feed.told = now;
    return is_open;
  }

  Runtime runtime_;
  const telemetry::EmbeddedStore& store_;
  Timestamp started_;
  std::vector<Feed> feeds_;
  std::unique_ptr<Timer> timer_;
  int looks_ = 0;
};

}  // namespace

std::vector<http::Route> notification_routes(Runtime runtime, const telemetry::EmbeddedStore& store,
                                             Timestamp started) {
  http::Route list;
  list.method = "GET";
  list.pattern = "/api/v1/notifications";
  list.role = http::Role::kViewer;
  list.operation_id = "listNotifications";
  list.handler = [&store, started](const http::Request&, http::Reply reply) {
    Json out = Json::array();
    for (const auto& [text, date] : current(store, started))
      out.push_back(notification_json(text, date, true));
    reply(telemetry::api::success(to_text(out)));
  };
  http::Route live;
  live.method = "GET";
  live.pattern = "/api/v1/notifications/live";
  live.role = http::Role::kViewer;
  live.operation_id = "streamNotifications";
  live.stream = [&strand = runtime.strand,
                 feeds = std::make_shared<NotificationFeeds>(runtime, store, started)](
                    const http::Request&, const std::string&,
                    std::shared_ptr<http::EventSink> sink) {
    strand.post([feeds, sink = std::move(sink)]() mutable { feeds->add(std::move(sink)); });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(list));
  routes.push_back(std::move(live));
  return routes;
}

}  // namespace wellrun::server
