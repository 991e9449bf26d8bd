#pragma once

// What a judge says: always a named state, never a silent pass, and always why. Plain data; no
// thread rules.

#include <optional>
#include <string>
#include <vector>

namespace wellrun::health {

/// What is to be done.
enum class Decision {
  kContinue,  ///< go on watching
  kPass,      ///< shown to be equivalent
  kFail,      ///< shown to be worse
};

/// What is known of one metric, or of all together.
enum class Finding {
  kWatching,      ///< compared, nothing shown yet: "continue"
  kPass,          ///< shown: "pass"
  kFail,          ///< the opposite is shown: "fail"
  kNoData,        ///< inconclusive: a group has sent nothing (a misspelt metric looks like this)
  kTooFew,        ///< inconclusive: not enough to compare
  kStale,         ///< inconclusive: a group has stopped sending
  kZeroBaseline,  ///< inconclusive: the baseline had no event at all, so there is no ratio yet
};

/// "continue", "pass" or "fail".
const char* name_of(Decision decision);
/// "continue", "pass", "fail" or "inconclusive".
const char* state_of(Finding finding);
/// "no data", "too few", "stale" or "zero baseline"; empty for the others.
const char* doubt_of(Finding finding);
bool is_inconclusive(Finding finding);

/// What one group has sent of one metric.
struct GroupTally {
  double rows = 0;     ///< with a value, or with counts
  double missing = 0;  ///< null values
  double events = 0;   ///< counts only
  double exposure = 0;
  double last_s = 0;  ///< time of the last row that counts in `rows`
};

struct MetricVerdict {
  std::string metric;
  Finding finding = Finding::kNoData;
  std::string test;       ///< by what, in words
  std::string threshold;  ///< what would be a fail, in words
  std::string reason;     ///< counts, size and window, in words
  GroupTally baseline, canary;
  double evidence = 1;           ///< e-value against "not worse"; at most 1e12
  double fails_at = 0;           ///< e-value at which this metric alone is a fail
  std::optional<double> change;  ///< most plausible relative change: 0.2 is 20 % more
  double window_s = 0;           ///< seconds since the metric's first row
};

struct Verdict {
  double time_s = 0;  ///< rests on rows up to here
  Decision decision = Decision::kContinue;
  Finding finding = Finding::kNoData;  ///< of all metrics together
  std::string reason;
  std::vector<MetricVerdict> metrics;  ///< in the order in which they appeared
};

}  // namespace wellrun::health
