#include "health/watch/watched_series.h"

#include <cmath>

#include "health/baseline/state.h"

namespace wellrun::health::watch {
namespace {

constexpr std::size_t kKeptAnomalies = 20;
constexpr double kStepMemory = 0.05;  ///< weight of the newest distance in the typical one
constexpr Duration kUnknownStep{30'000};
constexpr int kSilentSteps = 10;
constexpr Duration kSilentAtLeast{300'000};
constexpr const char* kFirstZone = "UTC";  ///< of notes that name none

}  // namespace

void to_json(Json& json, const Anomaly& anomaly) {
  json = {{"from", anomaly.from},   {"to", anomaly.to},     {"open", anomaly.open},
          {"score", anomaly.score}, {"part", anomaly.part}, {"why", anomaly.why}};
}

void from_json(const Json& json, Anomaly& anomaly) {
  anomaly.from = json.at("from").get<Timestamp>();
  anomaly.to = json.at("to").get<Timestamp>();
  anomaly.open = json.at("open").get<bool>();
  anomaly.score = json.at("score").get<double>();
  anomaly.part = json.at("part").get<std::string>();
  anomaly.why = json.at("why").get<std::string>();
}

std::optional<Point> WatchedSeries::observe(Timestamp time, double value) {
  if (points_ > 0 && time <= last_time_) return std::nullopt;
  const double elapsed = points_ > 0 ? to_seconds(time - last_time_) : 0;
  if (elapsed > 0)
    step_s_ =
        step_s_ > 0 ? step_s_ + kStepMemory * (std::min(elapsed, 2 * step_s_) - step_s_) : elapsed;
  Point point{.time = time, .expected = model_.expect(time, *calendar_)};
  point.seen = model_.observe(time, value, *calendar_);
  last_time_ = time;
  if (std::isfinite(value)) last_value_time_ = time;
  ++points_;
  const auto watched = watched_value(value, elapsed, model_.nature());
  if (!watched) return std::nullopt;
  point.value = *watched;
  latest_ = point;
  follow(point);
  return point;
}

std::optional<double> WatchedSeries::watched_value(double value, double elapsed_s,
                                                   baseline::Nature nature) {
  if (!std::isfinite(value)) return std::nullopt;
  const auto before = std::exchange(last_raw_, value);
  if (nature != baseline::Nature::kCounter) return value;
  if (!before || !(elapsed_s > 0) || value < *before) return std::nullopt;
  return (value - *before) / elapsed_s;
}

void WatchedSeries::follow(const Point& point) {
  const bool is_open = !anomalies_.empty() && anomalies_.back().open;
  if (point.seen.phase != baseline::Phase::kWatching || (is_open && !point.seen.since)) {
    if (is_open) anomalies_.back().open = false;
    return;
  }
  if (!is_open) {
    if (point.seen.score < kAlarmScore) return;
    anomalies_.push_back({.from = point.seen.since.value_or(point.time), .open = true});
    if (anomalies_.size() > kKeptAnomalies) anomalies_.pop_front();
  }
  auto& anomaly = anomalies_.back();
  anomaly.to = point.time;
  if (point.seen.score <= anomaly.score) return;
  anomaly.score = point.seen.score;
  anomaly.part = baseline::name_of(point.seen.part);
  anomaly.why = baseline::explain(point.seen, point.expected, point.value,
                                  calendar_->day_in_words(point.time));
}

Duration WatchedSeries::step() const {
  if (!(step_s_ > 0)) return kUnknownStep;
  return Duration{static_cast<std::int64_t>(step_s_ * 1000)};
}

bool WatchedSeries::is_silent(Timestamp now) const {
  return now - last_value_time() > std::max(step() * kSilentSteps, kSilentAtLeast);
}

void WatchedSeries::notice_silence(Timestamp now) {
  if (!anomalies_.empty() && is_silent(now)) anomalies_.back().open = false;
}

const char* WatchedSeries::nature() const {
  return kind_ == Kind::kDistribution ? "distribution" : baseline::name_of(model_.nature());
}

const char* WatchedSeries::phase(Timestamp now) const {
  if (is_silent(now)) return "silent";
  if (!latest_ || latest_->seen.phase == baseline::Phase::kLearning) return "learning";
  return !anomalies_.empty() && anomalies_.back().open ? "anomalous" : "watching";
}

std::string WatchedSeries::save_model() const {
  return baseline::save(model_);
}

Json WatchedSeries::save_notes() const {
  Json notes{{"last", last_time_}, {"points", points_}, {"step_s", step_s_}};
  if (const auto& zone = calendar_->time_zone(); zone != kFirstZone) notes["time_zone"] = zone;
  if (kind_ == Kind::kDistribution) notes["distribution"] = true;
  if (last_raw_) notes["raw"] = *last_raw_;
  if (last_value_time() != last_time_) notes["last_value"] = last_value_time_;
  if (latest_) {
    notes["value"] = latest_->value;
    notes["learning"] = latest_->seen.phase == baseline::Phase::kLearning;
  }
  return notes;
}

Result<WatchedSeries> WatchedSeries::restore(Labels identity, CalendarPointer calendar,
                                             std::string_view model, const Json& notes,
                                             std::deque<Anomaly> anomalies) {
  WatchedSeries series(std::move(identity), std::move(calendar));
  series.anomalies_ = std::move(anomalies);
  TRY(series.model_, baseline::restore(model));
  try {
    const auto zone = notes.value("time_zone", std::string(kFirstZone));
    if (zone != series.calendar_->time_zone())
      return fail(ErrorCode::kUnsupported,
                  fmt::format("a watched series was learned in the time zone {}, not in {}", zone,
                              series.calendar_->time_zone()));
    if (notes.value("distribution", false)) series.kind_ = Kind::kDistribution;
    series.last_time_ = notes.at("last").get<Timestamp>();
    series.points_ = notes.at("points").get<std::int64_t>();
    series.step_s_ = notes.at("step_s").get<double>();
    if (notes.contains("raw")) series.last_raw_ = notes["raw"].get<double>();
    // Notes of before this was kept have none: they take the last point for a number.
    series.last_value_time_ = notes.value("last_value", series.last_time_);
    if (notes.contains("value")) {
      Point latest{.time = series.last_value_time_, .value = notes["value"].get<double>()};
      latest.expected = series.model_.expect(latest.time, *series.calendar_);
      latest.seen.phase = notes.at("learning").get<bool>() ? baseline::Phase::kLearning
                                                           : baseline::Phase::kWatching;
      series.latest_ = latest;
    }
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the notes of a watched series cannot be read: {}", error.what()));
  }
  return series;
}

}  // namespace wellrun::health::watch
