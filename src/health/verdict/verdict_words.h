#pragma once

// Verdicts in words, as a person on call reads them. Pure.

#include <string>

#include "health/verdict/judge_policy.h"
#include "health/verdict/level_evidence.h"
#include "health/verdict/verdict.h"

namespace wellrun::health {

std::string count_test_words();
std::string quantile_test_words(double quantile);
std::string level_test_words(bool logarithmic);
std::string threshold_words(double fails_at);

/// Counts, size and window of a metric of counts: "canary 60 of 2950 failed (2.03 %), baseline 3 of
/// 3020 (0.10 %) …".
std::string count_reason(const MetricVerdict& metric, double time_s);
std::string level_reason(const MetricVerdict& metric, double time_s, const LevelEffect& effect);

/// `metrics` together, after what each of them says. `expected`: what the policy wants to see.
std::string overall_reason(const Verdict& verdict, const JudgePolicy& policy, double watched_s);

}  // namespace wellrun::health
