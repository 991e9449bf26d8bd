#pragma once

// One watched series: its detector, its latest point, and the course of its anomalies. Pure; used
// by one thread at a time.

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/json.h"
#include "core/labels.h"
#include "health/baseline/baseline.h"

namespace wellrun::health::watch {

/// A score from here on opens an anomaly.
inline constexpr double kAlarmScore = 0.5;

struct Point {
  Timestamp time{};
  double value = 0;  ///< as it was watched: of a counter its rate per second
  baseline::Expectation expected;
  baseline::Observation seen;
};

struct Anomaly {
  Timestamp from{};
  Timestamp to{};  ///< its last unusual point
  bool open = false;
  double score = 0;  ///< the highest
  std::string part;  ///< that departed most, at that point
  std::string why;   ///< in words, at that point
};

void to_json(Json& json, const Anomaly& anomaly);
void from_json(const Json& json, Anomaly& anomaly);

class WatchedSeries {
 public:
  using CalendarPointer = std::shared_ptr<const baseline::Calendar>;
  /// Whether its points are samples, or quantiles of observations (distribution.h).
  enum class Kind : bool { kSamples, kDistribution };

  /// `calendar` is not null; one of another time zone is another series.
  WatchedSeries(Labels identity, CalendarPointer calendar, Kind kind = Kind::kSamples)
      : identity_(std::move(identity)), calendar_(std::move(calendar)), kind_(kind) {}

  /// The next point. std::nullopt: it is not later than the last, or it says nothing by itself (a
  /// counter's first value or restart, NaN).
  std::optional<Point> observe(Timestamp time, double value);

  /// Ends an open anomaly of a series that has had no value for long.
  void notice_silence(Timestamp now);

  const Labels& identity() const { return identity_; }
  Kind kind() const { return kind_; }
  /// "distribution", or what the values tell: "counter", "ratio", …
  const char* nature() const;
  const baseline::Baseline& model() const { return model_; }
  const std::optional<Point>& latest() const { return latest_; }
  Timestamp last_time() const { return last_time_; }
  /// Of the last point that was a number; of the last at all where none ever was.
  Timestamp last_value_time() const { return last_raw_ ? last_value_time_ : last_time_; }
  std::int64_t points() const { return points_; }
  /// Typical distance of points; 30 s until it is known.
  Duration step() const;
  /// learning, watching, anomalous or silent.
  const char* phase(Timestamp now) const;
  /// Oldest first, at most 20; only the last may be open.
  const std::deque<Anomaly>& anomalies() const { return anomalies_; }

  // The stored form: the model, and the rest as JSON.
  std::string save_model() const;
  Json save_notes() const;
  /// kCorrupt, or kUnsupported (another version, or learned in another time zone): it has to be
  /// learned anew.
  static Result<WatchedSeries> restore(Labels identity, CalendarPointer calendar,
                                       std::string_view model, const Json& notes,
                                       std::deque<Anomaly> anomalies);

 private:
  std::optional<double> watched_value(double value, double elapsed_s, baseline::Nature nature);
  void follow(const Point& point);
  bool is_silent(Timestamp now) const;

  Labels identity_;
  CalendarPointer calendar_;
  Kind kind_;
  baseline::Baseline model_;
  std::optional<Point> latest_;
  Timestamp last_time_{};
  std::optional<double> last_raw_;  ///< the last number
  Timestamp last_value_time_{};     ///< its time
  std::int64_t points_ = 0;
  double step_s_ = 0;
  std::deque<Anomaly> anomalies_;
};

}  // namespace wellrun::health::watch
