#include "health/watch/watch_turn.h"

#include <algorithm>
#include <fmt/format.h>

#include "platform/log/log.h"

namespace wellrun::health::watch {
namespace {

using telemetry::SeriesWrite;

constexpr std::int64_t kMostStepsATurn = 2000;       ///< of an expression
constexpr std::int64_t kMostHistorySteps = 100'000;  ///< of an expression that is new
constexpr double kPointsATurn = 200'000;             ///< of a selector, about
constexpr Duration kLeastWindow{600'000};            ///< that a turn of a selector reads
constexpr Duration kMostWindow = std::chrono::hours(24);
constexpr Duration kLate{120'000};   ///< samples that come this late are still taken
constexpr Duration kSettle{10'000};  ///< an expression is evaluated this long after its time
constexpr Duration kSaveEvery{60'000};
constexpr Duration kWrittenHistory = std::chrono::hours(24);
constexpr Duration kForgetAfter = std::chrono::days(30);
constexpr std::size_t kSeriesAHistogram = 12;  ///< that are read for one, about

/// What one turn reads: (from, to].
struct Window {
  Timestamp from, to;
  bool is_last = true;
};

/// Points of one series, in order of time.
struct NewPoints {
  Labels labels;
  std::vector<telemetry::Sample> samples;
  WatchedSeries::Kind kind = WatchedSeries::Kind::kSamples;
};

struct Read {
  std::vector<NewPoints> points;
  std::vector<Distribution> distributions;
};

Timestamp floor_to(Timestamp time, Duration step) {
  return from_unix_ms(to_unix_ms(time) / step.count() * step.count());
}

Window next_window(const WatchState& state, Timestamp now) {
  const auto& watch = state.watch;
  if (watch.matchers.empty()) {
    const auto settle = std::min(watch.interval, kSettle);
    const auto end = std::max(state.read_to, floor_to(now - settle, watch.interval));
    const auto most = state.read_to + watch.interval * state.steps_a_turn;
    return {state.read_to, std::min(end, most), end <= most};
  }
  const auto series =
      std::max<std::size_t>(state.series.size() + kSeriesAHistogram * state.gathering.size(), 1);
  const double seconds = kPointsATurn / static_cast<double>(series) * 15;
  const auto length = std::clamp(Duration{static_cast<std::int64_t>(seconds * 1000)}, kLeastWindow,
                                 state.window_a_turn);
  const auto end = std::max(now, state.read_to);
  return {state.read_to, std::min(end, state.read_to + length), end <= state.read_to + length};
}

Result<Read> evaluate(const Watch& watch, const Window& window, const TurnTools& tools) {
  Read read;
  const auto start = floor_to(window.from, watch.interval) + watch.interval;
  if (start > window.to) return read;
  telemetry::promql::QueryLimits limits;
  limits.cancelled = tools.cancelled;
  TRY(auto result, tools.engine.range(watch.promql, start, window.to, watch.interval, limits));
  for (auto& series : result.series)
    read.points.push_back({std::move(series.labels), std::move(series.samples)});
  return read;
}

Result<Read> select(const WatchState& state, const Window& window, const TurnTools& tools) {
  telemetry::ReadLimits limits;
  limits.cancelled = tools.cancelled;
  TRY(auto found, tools.engine.reader().select(state.watch.matchers,
                                               {.start_ms = to_unix_ms(window.from - kLate) + 1,
                                                .end_ms = to_unix_ms(window.to)},
                                               limits));
  Read read;
  read.distributions = take_distributions(found);
  for (auto& series : found)
    read.points.push_back({std::move(series.labels), std::move(series.samples)});
  return read;
}

SeriesWrite output(const Labels& identity, const char* what) {
  SeriesWrite write;
  write.labels = identity;
  write.labels.set(kMetricNameLabel, std::string("wellrun:baseline:") + what);
  return write;
}

/// The five series about one; those without samples are left out.
class Output {
 public:
  explicit Output(const Labels& identity)
      : value_(output(identity, "value")),
        expected_(output(identity, "expected")),
        lower_(output(identity, "lower")),
        upper_(output(identity, "upper")),
        score_(output(identity, "score")) {}

  void add(const Point& point) {
    const auto time = to_unix_ms(point.time);
    value_.samples.push_back({time, point.value});
    if (point.seen.phase != baseline::Phase::kWatching) return;
    expected_.samples.push_back({time, point.expected.expected});
    lower_.samples.push_back({time, point.expected.lower});
    upper_.samples.push_back({time, point.expected.upper});
    score_.samples.push_back({time, point.seen.score});
  }

  void move_into(std::vector<SeriesWrite>& writes) {
    for (auto* each : {&value_, &expected_, &lower_, &upper_, &score_})
      if (!each->samples.empty()) writes.push_back(std::move(*each));
  }

 private:
  SeriesWrite value_, expected_, lower_, upper_, score_;
};

bool is_own_output(const Labels& labels) {
  return labels.metric_name().starts_with("wellrun:baseline:");
}

/// Stale markers alone are the end of a series, not a series.
bool has_values(const NewPoints& points) {
  return std::ranges::any_of(points.samples, [](const telemetry::Sample& sample) {
    return !telemetry::is_stale_marker(sample.value);
  });
}

class Turn {
 public:
  Turn(WatchState& state, const TurnLimits& limits, Timestamp now)
      : state_(state), limits_(limits), now_(now) {}

  void show(const NewPoints& points) {
    if (is_own_output(points.labels) || !has_values(points)) return;
    auto* series = find_or_add(points.labels, points.kind);
    if (series == nullptr) return;
    Output written(series->identity());
    const auto points_before = series->points();
    for (const auto& sample : points.samples) {
      if (telemetry::is_stale_marker(sample.value)) continue;
      const auto point = series->observe(from_unix_ms(sample.time_ms), sample.value);
      if (point && point->time + kWrittenHistory > now_) written.add(*point);
    }
    written.move_into(writes);
    if (series->points() != points_before) state_.changed.insert(id_of(series->identity()));
  }

  /// What is enough to make points of it.
  void show(const Distribution& distribution) {
    auto* gathering = find_or_add_gathering(distribution.labels);
    if (gathering == nullptr) return;
    NewPoints points{
        .labels = distribution.labels, .samples = {}, .kind = WatchedSeries::Kind::kDistribution};
    for (const auto& sample : distribution.samples)
      if (const auto point = gathering->observe(sample)) points.samples.push_back(*point);
    show(points);
  }

  std::vector<SeriesWrite> writes;
  std::size_t refused = 0;

 private:
  /// For one more beside those that were met, or `gathering` if that are more.
  bool has_room(std::size_t gathering = 0) const {
    const auto met = state_.series.size() - state_.unmet.size();
    return std::max(met, gathering) < state_.watch.most_series &&
           std::max(state_.series.size(), gathering) < limits_.most_series;
  }

  /// A histogram takes its room with its first samples, whether they make a point or not.
  Gathering* find_or_add_gathering(const Labels& labels) {
    const auto id = id_of(identity_of(state_.watch, labels));
    if (const auto known = state_.gathering.find(id); known != state_.gathering.end())
      return &known->second;
    const auto series = state_.series.find(id);
    state_.unmet.erase(id);
    if (series == state_.series.end() && !has_room(state_.gathering.size())) {
      ++refused;
      return nullptr;
    }
    const auto from =
        series == state_.series.end() ? std::nullopt : std::optional(series->second.last_time());
    return &state_.gathering.emplace(id, Gathering(from)).first->second;
  }

  WatchedSeries* find_or_add(const Labels& labels, WatchedSeries::Kind kind) {
    auto identity = identity_of(state_.watch, labels);
    const auto id = id_of(identity);
    state_.unmet.erase(id);
    if (const auto known = state_.series.find(id); known != state_.series.end())
      return &known->second;
    if (!has_room()) {
      ++refused;
      return nullptr;
    }
    return &state_.series
                .emplace(id, WatchedSeries(std::move(identity), state_.watch.calendar, kind))
                .first->second;
  }

  WatchState& state_;
  const TurnLimits& limits_;
  Timestamp now_;
};

void notice_silence(WatchState& state, Timestamp now) {
  for (auto& [id, series] : state.series) series.notice_silence(now);
}

/// Old beside what was read, not beside now: while history is caught up on, all of it is old.
void forget_gone(WatchState& state, bool all_is_read) {
  std::erase_if(state.series, [&](const auto& each) {
    const bool is_old = each.second.last_time() + kForgetAfter <= state.read_to;
    const bool is_of_another_query = all_is_read && state.unmet.contains(each.first);
    if (!is_old && !is_of_another_query) return false;
    state.gone.push_back(each.second.identity());
    state.changed.erase(each.first);
    state.unmet.erase(each.first);
    return true;
  });
  // What comes after so long is gathered anew anyway; most of those never made a point.
  std::erase_if(state.gathering, [&](const auto& each) {
    const auto last = each.second.last_time();
    return !last || *last + kLongestGathering + kLate < state.read_to;
  });
}

/// Of an expression with a short interval less is read than `learnFrom` says: the detector forgets
/// old points anyway, and each has to be evaluated.
Duration length_of_history(const Watch& watch) {
  if (!watch.matchers.empty()) return watch.learn_from;
  return std::min(watch.learn_from, watch.interval * kMostHistorySteps);
}

/// What was gathered of a histogram since its last point is not saved: it is read again.
Timestamp read_again_from(const WatchState& state, Timestamp read_to) {
  auto from = read_to;
  for (const auto& [id, series] : state.series)
    if (series.kind() == WatchedSeries::Kind::kDistribution)
      from = std::min(from, std::max(series.last_time(), read_to - kMostWindow));
  return from;
}

}  // namespace

void load(WatchState& state, const TurnTools& tools, Timestamp now) {
  state.loaded = true;
  const auto oldest = now - length_of_history(state.watch);
  state.read_to = oldest;
  state.saved_at = now;
  if (tools.store == nullptr) return;
  const auto watches = tools.store->watches();
  const auto stored = tools.store->series(state.watch.key);
  if (!watches || !stored) {
    state.error = to_string(watches ? stored.error() : watches.error());
    return;
  }
  const auto known = std::ranges::find(*watches, state.watch.key, &StoredWatch::key);
  const bool same = known != watches->end() && known->definition == state.watch.definition();
  std::size_t unread = 0;
  bool relabelled = false;
  for (const auto& each : *stored) {
    // Another expression under an old name is another series, and so is what has other labels by
    // now (another workload); a selector's series are themselves.
    const bool labelled = std::ranges::all_of(state.watch.labels, [&](const Label& label) {
      return each.identity.get(label.name) == label.value;
    });
    if (!labelled || (!same && state.watch.matchers.empty())) {
      state.gone.push_back(each.identity);
      relabelled = relabelled || !labelled;
      continue;
    }
    auto series = WatchedSeries::restore(each.identity, state.watch.calendar, each.model,
                                         each.notes, each.anomalies);
    if (!series) {
      ++unread;
      state.gone.push_back(each.identity);  // unless it comes back until the next save
      continue;
    }
    state.series.emplace(id_of(each.identity), std::move(*series));
  }
  if (unread > 0)
    log(Level::kWarning, "health/watch",
        "states cannot be read: they are removed, and what still has samples is learned anew",
        {{"watch", state.watch.key}, {"series_count", static_cast<std::int64_t>(unread)}});
  if (same && unread == 0 && !relabelled)
    state.read_to = std::max(oldest, read_again_from(state, known->read_to));
  for (const auto& [id, series] : state.series)
    if (series.last_time() > state.read_to) state.unmet.insert(id);
}

namespace {

/// The clock was ahead for a while, and what was read then lies in the future: nothing would be
/// new, and nothing be said to be wrong, until that time comes.
void learn_anew(WatchState& state, Timestamp now) {
  log(Level::kWarning, "health/watch", "the clock was set back; everything is learned anew",
      {{"watch", state.watch.key}, {"read_to", format_rfc3339(state.read_to)}});
  for (const auto& [id, series] : state.series) state.gone.push_back(series.identity());
  state.series.clear();
  state.gathering.clear();
  state.changed.clear();
  state.unmet.clear();
  state.read_to = now - length_of_history(state.watch);
  state.saved_at = now;  // else nothing would be saved before the time at which it was last
}

/// What is too much at once may be little enough in halves. Meanwhile series fall silent: an
/// anomaly does not stay open for as long as its query fails.
bool could_not_read(WatchState& state, const Error& error, Timestamp now) {
  state.error = to_string(error);
  notice_silence(state, now);
  const bool too_much = error.code == ErrorCode::kTooLarge || error.code == ErrorCode::kDeadline;
  const bool is_least =
      state.watch.matchers.empty() ? state.steps_a_turn == 1 : state.window_a_turn == kLeastWindow;
  if (!too_much || is_least) return false;
  state.steps_a_turn = std::max<std::int64_t>(state.steps_a_turn / 2, 1);
  state.window_a_turn = std::max(state.window_a_turn / 2, kLeastWindow);
  return true;
}

}  // namespace

bool take_turn(WatchState& state, const TurnTools& tools, const TurnLimits& limits, Timestamp now) {
  if (!state.loaded) load(state, tools, now);
  if (state.read_to > now + kLate) learn_anew(state, now);
  const auto window = next_window(state, now);
  const auto read = state.watch.matchers.empty() ? evaluate(state.watch, window, tools)
                                                 : select(state, window, tools);
  if (!read) return could_not_read(state, read.error(), now);
  state.steps_a_turn = std::min(2 * state.steps_a_turn, kMostStepsATurn);
  state.window_a_turn = std::min(2 * state.window_a_turn, kMostWindow);
  Turn turn(state, limits, now);
  for (const auto& each : read->points) turn.show(each);
  for (const auto& each : read->distributions) turn.show(each);
  state.refused = turn.refused;
  state.error.clear();
  // Rejections are what was written before a crash, or lies too far back for the store.
  if (!turn.writes.empty()) {
    if (const auto written = tools.writer.write(std::move(turn.writes)); !written)
      state.error = to_string(written.error());
  }
  state.read_to = window.to;
  notice_silence(state, state.read_to);
  forget_gone(state, window.is_last);
  if (now - state.saved_at >= kSaveEvery) save(state, tools, now);
  return !window.is_last;
}

void save(WatchState& state, const TurnTools& tools, Timestamp now) {
  state.saved_at = now;
  if (tools.store == nullptr) return;
  std::vector<StoredSeries> changed;
  // One that went and came back is among the changed, which are put before the gone are removed.
  std::erase_if(state.gone, [&](const Labels& each) { return state.series.contains(id_of(each)); });
  for (const auto& id : state.changed) {
    const auto& series = state.series.at(id);
    changed.push_back(
        {series.identity(), series.save_model(), series.save_notes(), series.anomalies()});
  }
  const auto saved = tools.store->save({state.watch.key, state.watch.definition(), state.read_to},
                                       changed, state.gone);
  if (!saved) {
    state.error = to_string(saved.error());
    return;
  }
  state.changed.clear();
  state.gone.clear();
}

}  // namespace wellrun::health::watch
