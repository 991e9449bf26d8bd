#include "health/watch/watch_service.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "core/bytes.h"
#include "facts/catalog.h"

namespace wellrun::health::watch {
namespace {

constexpr std::size_t kMostSeries = 10'000;  ///< of all watches together
constexpr Duration kSettle{10'000};
constexpr std::int64_t kSpread = 2000;  ///< watches of one interval are due over this many ms

/// How long until its next slot, and a little later than the points that it will evaluate.
Duration until_due(const Watch& watch, Timestamp now) {
  const auto settle = std::min(watch.interval, kSettle);
  const auto interval = watch.interval.count();
  const auto slot = (to_unix_ms(now - settle) / interval + 1) * interval;
  const auto spread =
      static_cast<std::int64_t>(stable_hash(watch.key) % static_cast<std::uint64_t>(kSpread));
  return from_unix_ms(slot + spread % interval) + settle - now;
}

}  // namespace

struct WatchService::State : std::enable_shared_from_this<State> {
  State(Runtime runtime_in, const catalog::Catalog& catalog_in, journal::Ledger& ledger_in,
        TurnTools tools_in)
      : runtime(runtime_in), catalog(catalog_in), ledger(ledger_in), tools(std::move(tools_in)) {
    tools.cancelled = [stopping = stopping] { return stopping->load(); };
  }

  struct Watched {
    std::shared_ptr<WatchState> state;  ///< used by the turn under way, else by nobody
    Duration due{0};                    ///< on the steady clock
    WatchReadingPointer reading;
  };

  Duration moment() const { return std::chrono::floor<Duration>(runtime.clock.steady()); }
  void refresh();
  void pump();
  /// Runs `work` on a worker; then `done` on the strand, unless all has been stopped meanwhile.
  void work(Task work, std::function<void(State&)> done);
  void tidy();
  void take_turn(Watched& each);
  void turn_taken(const std::shared_ptr<WatchState>& turn, bool more, WatchReadingPointer reading);
  std::size_t series_beside(const std::string& key) const;

  Runtime runtime;
  const catalog::Catalog& catalog;
  journal::Ledger& ledger;
  TurnTools tools;
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  std::map<std::string, Watched> watched;
  bool under_way = false;
  bool untidy = false;  ///< the store may hold what is not watched any more
  std::unique_ptr<Timer> timer;
  std::unique_ptr<Timer> subscription;
  std::function<void(const WatchReading&)> listener;
};

void WatchService::State::refresh() {
  std::map<std::string, Watched> wanted;
  for (auto& watch : watches_of(catalog)) {
    const auto key = watch.key;
    const auto known = watched.find(key);
    const bool same = known != watched.end() &&
                      known->second.state->watch.definition() == watch.definition() &&
                      known->second.state->watch.labels == watch.labels &&
                      *known->second.state->watch.calendar == *watch.calendar &&
                      known->second.state->watch.most_series == watch.most_series;
    if (same) {
      wanted.emplace(key, std::move(known->second));
      continue;
    }
    auto state = std::make_shared<WatchState>();
    state->watch = std::move(watch);
    wanted.emplace(key, Watched{std::move(state), moment(), nullptr});
  }
  watched = std::move(wanted);
  untidy = tools.store != nullptr;
  pump();
}

void WatchService::State::work(Task work, std::function<void(State&)> done) {
  under_way = true;
  runtime.workers.run([work = std::move(work), done = std::move(done), weak = weak_from_this(),
                       &strand = runtime.strand]() mutable {
    work();
    strand.post([weak, done = std::move(done)] {
      const auto state = weak.lock();
      if (!state || state->stopping->load()) return;
      state->under_way = false;
      done(*state);
      state->pump();
    });
  });
}

void WatchService::State::tidy() {
  untidy = false;
  std::set<std::string> wanted;
  for (const auto& [key, each] : watched) wanted.insert(key);
  work(
      [wanted = std::move(wanted), store = tools.store] {
        const auto stored = store->watches();
        if (!stored) return;
        for (const auto& each : *stored)
          if (!wanted.contains(each.key)) (void)store->forget(each.key);
      },
      [](State&) {});
}

std::size_t WatchService::State::series_beside(const std::string& key) const {
  std::size_t count = 0;
  for (const auto& [other, each] : watched)
    if (other != key && each.reading) count += each.reading->series.size();
  return count;
}

void WatchService::State::take_turn(Watched& each) {
  struct Taken {
    bool more = false;
    WatchReading reading;
  };
  auto taken = std::make_shared<Taken>();
  const auto beside = series_beside(each.state->watch.key);
  const TurnLimits limits{.most_series = beside < kMostSeries ? kMostSeries - beside : 0};
  work(
      [turn = each.state, taken, limits, tools = tools, now = runtime.clock.now()] {
        taken->more = watch::take_turn(*turn, tools, limits, now);
        taken->reading = reading_of(*turn, taken->more, now);
      },
      [turn = each.state, taken](State& state) {
        state.turn_taken(turn, taken->more,
                         std::make_shared<const WatchReading>(std::move(taken->reading)));
      });
}

void WatchService::State::turn_taken(const std::shared_ptr<WatchState>& turn, bool more,
                                     WatchReadingPointer reading) {
  const auto found = watched.find(reading->watch.key);
  if (found == watched.end() || found->second.state != turn) return;  // declared anew meanwhile
  found->second.reading = std::move(reading);
  found->second.due = moment();
  if (!more) found->second.due += until_due(turn->watch, runtime.clock.now());
  if (listener && !more) listener(*found->second.reading);
}

void WatchService::State::pump() {
  if (under_way || stopping->load()) return;
  if (untidy) return tidy();
  Watched* next = nullptr;
  for (auto& [key, each] : watched)
    if (next == nullptr || each.due < next->due) next = &each;
  timer.reset();
  if (next == nullptr) return;
  const auto wait = next->due - moment();
  if (wait <= Duration{0}) return take_turn(*next);
  timer = runtime.strand.after(wait, [this] {
    const auto running = std::move(timer);  // must outlive this call
    pump();
  });
}

WatchService::WatchService(Runtime runtime, const catalog::Catalog& catalog,
                           journal::Ledger& ledger, TurnTools tools)
    : state_(std::make_shared<State>(runtime, catalog, ledger, std::move(tools))) {}

WatchService::~WatchService() = default;

void WatchService::start() {
  state_->refresh();
  state_->subscription =
      state_->ledger.subscribe([state = state_.get()](const journal::Fact& fact) {
        if (fact.type == facts::CatalogApplied::kType) state->refresh();
      });
}

void WatchService::stop() {
  state_->stopping->store(true);
  state_->subscription.reset();
  state_->timer.reset();
}

std::vector<WatchReadingPointer> WatchService::readings() const {
  std::vector<WatchReadingPointer> readings;
  for (const auto& [key, each] : state_->watched)
    if (each.reading) readings.push_back(each.reading);
  return readings;
}

std::pair<WatchReadingPointer, std::size_t> WatchService::find(const std::string& id) const {
  for (const auto& [key, each] : state_->watched) {
    if (!each.reading) continue;
    const auto& series = each.reading->series;
    const auto found = std::ranges::lower_bound(series, id, {}, &SeriesReading::id);
    if (found != series.end() && found->id == id)
      return {each.reading, static_cast<std::size_t>(found - series.begin())};
  }
  return {nullptr, 0};
}

bool WatchService::has_read_all(const std::string& workload) const {
  return std::ranges::all_of(state_->watched, [&](const auto& each) {
    const auto& [state, due, reading] = each.second;
    return state->watch.workload != workload || (reading && !reading->catching_up);
  });
}

bool WatchService::watches_any(const std::string& workload) const {
  return std::ranges::any_of(state_->watched, [&](const auto& each) {
    return each.second.state->watch.workload == workload;
  });
}

void WatchService::on_reading(std::function<void(const WatchReading&)> listener) {
  state_->listener = std::move(listener);
}

}  // namespace wellrun::health::watch
