#pragma once

// The time over which an SLO is to be met: rolling, or the calendar's, by the clocks of a time
// zone. Pure. Used by check, by the evaluator and by reports.

#include <string_view>

#include "catalog/kinds/slo.h"
#include "core/result.h"

namespace wellrun::catalog {

/// Calendar lengths are kept as what they are: a month is not a number of hours, nor is a day on
/// which clocks change.
struct WindowLength {
  int months = 0;
  int days = 0;
  Duration fixed{0};

  bool is_calendar() const { return fixed == Duration{0}; }  ///< whole days or months
  Duration nominal() const;                                  ///< a month is 30 days, twelve are 365
};

/// OpenSLO's shorthand, "1M", "1Q", "2Y", and Prometheus' durations. "1m" is a minute. kInvalid on
/// anything else, zero included.
Result<WindowLength> parse_window_length(std::string_view text);

/// A slice: a Prometheus duration, or a number of minutes. kInvalid on anything else and on zero.
Result<Duration> parse_slice_length(std::string_view text);

/// "2026-01-01 00:00:00", "2026-01-01T00:00", "2026-01-01": kInvalid on anything else.
Status check_local_time(std::string_view text);

/// Start included, end not.
struct SloPeriod {
  Timestamp start, end;
  bool rolling = true;

  Duration length() const { return end - start; }
};

/// The period that `now` is in. Rolling: the one that ends now. Calendar: the k-th after
/// `startTime` (k may be negative); its borders are at the same local time of day over changes of
/// the clocks, and on the month's last day where the month is too short. For a window that check()
/// refuses: the rolling one of its nominal length.
SloPeriod period_at(const SloTimeWindow& window, Timestamp now);

}  // namespace wellrun::catalog
