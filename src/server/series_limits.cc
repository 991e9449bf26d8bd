#include "server/series_limits.h"

#include <algorithm>
#include <mutex>

#include "catalog/kinds/component.h"
#include "catalog/kinds/scrape.h"
#include "catalog/kinds/workload.h"
#include "core/text.h"
#include "platform/log/log.h"

namespace wellrun::server {
namespace {

using telemetry::OwnerUsage;

constexpr Duration kLookInterval{5'000};
constexpr Duration kQuiet{600'000};     ///< without refusals before a limit counts as left behind
constexpr std::size_t kNamed = 5;       ///< metrics and labels in a fact
constexpr std::size_t kLongest = 1000;  ///< text of each: labels may be longer than a fact's body

/// The beginning of a text, whole characters only.
std::string beginning(const std::string& text) {
  if (text.size() <= kLongest) return text;
  return std::string(utf8_beginning(text, kLongest)) + "…";
}

Json counts_json(const std::vector<telemetry::Cardinality::Count>& counts, const char* unit) {
  Json out = Json::array();
  for (const auto& count : counts)
    out.push_back({{"name", beginning(count.name)}, {unit, count.value}});
  return out;
}

/// Who it is and who in it makes the series.
facts::SeriesLimitReached reached_by(const OwnerUsage& owner,
                                     const telemetry::EmbeddedStore& store) {
  const auto makers = store.cardinality_of(owner, kNamed);
  facts::SeriesLimitReached reached;
  reached.workload = owner.workload;
  reached.job = owner.job;
  reached.series = owner.series;
  reached.limit = owner.max_series;
  reached.refused_series = beginning(owner.refused_series);
  reached.metrics = counts_json(makers.series_by_metric, "series");
  reached.labels = counts_json(makers.values_by_label, "values");
  return reached;
}

std::string name_of(const std::string& workload, const std::string& job) {
  return workload.empty() ? "job " + job : workload;
}

}  // namespace

telemetry::OwnerRules owner_rules(const catalog::Catalog& catalog, std::size_t default_max_series) {
  telemetry::OwnerRules rules{.default_max_series = default_max_series};
  for (const auto* workload : catalog.all<catalog::Workload>())
    rules.workloads[workload->metadata.name] = static_cast<std::size_t>(workload->max_series);
  for (const auto* component : catalog.all<catalog::Component>())
    rules.workload_of_job[component->service_name()] = component->workload.name;
  for (const auto* scrape : catalog.all<catalog::Scrape>())
    if (const auto* component = catalog.find(scrape->component))
      rules.workload_of_job[scrape->job_name()] = component->workload.name;
  return rules;
}

LimitNews limit_news(const std::vector<OwnerUsage>& usage,
                     const std::vector<health::LimitedOwner>& known, std::int64_t looked_ms,
                     std::int64_t now_ms) {
  const auto is = [](const health::LimitedOwner& owner) {
    return [&owner](const OwnerUsage& one) {
      return one.workload == owner.workload && one.job == owner.job;
    };
  };
  LimitNews news;
  for (const auto& owner : known) {
    const auto now = std::ranges::find_if(usage, is(owner));
    if (now == usage.end()) {
      OwnerUsage nothing;
      nothing.workload = owner.workload;
      nothing.job = owner.job;
      news.cleared.push_back(std::move(nothing));
    } else if (!now->at_limit() && now->refused_ms + kQuiet.count() < now_ms) {
      news.cleared.push_back(*now);
    }
  }
  for (const auto& one : usage) {
    const bool is_known = std::ranges::any_of(
        known, [&](const health::LimitedOwner& owner) { return is(owner)(one); });
    const bool refused_lately = one.refused_ms != 0 && one.refused_ms >= looked_ms;
    if (!is_known && one.at_limit() && refused_lately) news.reached.push_back(one);
  }
  return news;
}

/// Tasks hold it weakly: they may come after the end.
struct SeriesLimits::State : std::enable_shared_from_this<State> {
  State(Runtime given, ControlPlane& control, telemetry::EmbeddedStore& telemetry,
        std::size_t limit)
      : runtime(given), plane(control), store(telemetry), default_max_series(limit) {}

  /// One after another, and always the newest: of two applies the later one wins.
  void apply_rules() {
    const std::scoped_lock one(applying_mutex);
    telemetry::OwnerRules rules;
    {
      const std::scoped_lock lock(wanted_mutex);
      rules = wanted;
    }
    store.set_owners(std::move(rules));
  }

  void wait() {
    timer = runtime.strand.after(kLookInterval, [self = weak_from_this()] {
      if (const auto shared = self.lock()) shared->look();
    });
  }

  /// On a worker: who is at the limit; then on the strand what of it is news.
  void look() {
    runtime.workers.run([self = weak_from_this(), &telemetry = store, &strand = runtime.strand] {
      const auto held = self.lock();
      if (!held) return;
      auto usage = telemetry.owners();
      strand.post([self, usage = std::move(usage)] {
        if (const auto shared = self.lock()) shared->compare(usage);
      });
    });
  }

  void compare(const std::vector<OwnerUsage>& usage) {
    const auto now = to_unix_ms(runtime.clock.now());
    const auto news = limit_news(usage, plane.health().at_series_limit(), looked_ms, now);
    for (const auto& owner : news.reached) reach(owner);
    for (const auto& owner : news.cleared) clear(owner);
    looked_ms = now - kLookInterval.count();
    wait();
  }

  void reach(const OwnerUsage& owner) {
    runtime.workers.run([self = weak_from_this(), owner, &telemetry = store] {
      const auto held = self.lock();
      if (!held) return;
      held->record(reached_by(owner, telemetry));
    });
  }

  /// On any thread.
  void record(facts::SeriesLimitReached reached) {
    log(Level::kWarning, "telemetry", "series limit reached: new series are refused",
        {{"workload", name_of(reached.workload, reached.job)},
         {"series", reached.series},
         {"limit", reached.limit},
         {"refused", reached.refused_series}});
    plane.ledger().command(
        {},
        [&health = plane.health(), reached = std::move(reached)](Timestamp) {
          return health.reach_series_limit(reached);
        },
        [](const Result<std::vector<journal::Fact>>& told) {
          if (!told)
            log(Level::kError, "telemetry", "a series limit that was reached cannot be recorded",
                {{"error", to_string(told.error())}});
        });
  }

  void clear(const OwnerUsage& owner) {
    facts::SeriesLimitCleared cleared{owner.workload, owner.job, owner.series, owner.max_series};
    plane.ledger().command(
        {},
        [&health = plane.health(), cleared = std::move(cleared)](Timestamp) {
          return health.clear_series_limit(cleared);
        },
        [](const Result<std::vector<journal::Fact>>&) {});
  }

  Runtime runtime;
  ControlPlane& plane;
  telemetry::EmbeddedStore& store;
  const std::size_t default_max_series;
  std::mutex applying_mutex, wanted_mutex;
  telemetry::OwnerRules wanted;
  std::unique_ptr<Timer> timer;
  std::int64_t looked_ms = 0;
};

SeriesLimits::SeriesLimits(Runtime runtime, ControlPlane& plane, telemetry::EmbeddedStore& store,
                           std::size_t default_max_series)
    : state_(std::make_shared<State>(runtime, plane, store, default_max_series)) {}

SeriesLimits::~SeriesLimits() = default;

void SeriesLimits::start() {
  state_->wanted = owner_rules(state_->plane.catalog(), state_->default_max_series);
  state_->apply_rules();
  state_->wait();
}

void SeriesLimits::catalog_changed() {
  {
    const std::scoped_lock lock(state_->wanted_mutex);
    state_->wanted = owner_rules(state_->plane.catalog(), state_->default_max_series);
  }
  state_->runtime.workers.run([self = std::weak_ptr(state_)] {
    if (const auto held = self.lock()) held->apply_rules();
  });
}

}  // namespace wellrun::server
