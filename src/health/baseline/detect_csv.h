#pragma once

// `wellrun detect`: one series as CSV in, the same rows with an anomaly score out. A pure function
// of its input stream; a row's score depends on that row and earlier ones only, and is written
// before later ones are read.

#include <cstddef>
#include <iosfwd>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "health/baseline/calendar.h"

namespace wellrun::health::baseline {

struct DetectOptions {
  bool explain = false;    ///< add the columns expected, lower, upper, reason
  Calendar calendar = {};  ///< whose time of day and holidays; timestamps stay UTC
};

/// In: a header with the columns `timestamp` and `value` (further ones are ignored, double quotes
/// are understood), then a row each. A timestamp is `YYYY-MM-DD HH:MM:SS` (UTC), RFC 3339, or Unix
/// seconds; a value is a decimal number; an empty field, NaN and the infinities are a missing
/// value. Empty lines are skipped.
///
/// Out: `timestamp,value,anomaly_score`, the first two as they were read; the score is 0..1, and
/// 0.5 or more is an alarm.
///
/// kInvalid, with the line's number, on the first row that is none of that: the rows before it
/// have been written. kIo when `out` cannot be written. Memory does not grow with the input; a
/// line longer than 64 KiB is kTooLarge.
Status detect(std::istream& in, std::ostream& out, const DetectOptions& options = {});

/// One timestamp in any of the accepted forms.
Result<Timestamp> parse_row_time(std::string_view text);

/// One value: a finite number, or NaN for a missing one. kInvalid on anything else.
Result<double> parse_row_value(std::string_view text);

}  // namespace wellrun::health::baseline
