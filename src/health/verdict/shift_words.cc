#include "health/verdict/shift_words.h"

#include <algorithm>
#include <fmt/format.h>

namespace wellrun::health {
namespace {

const char* word_of(Move move) {
  return move == Move::kLower ? "lower" : "higher";
}

std::string counts_words(const ShiftQuestion& question, const ShiftVerdict& verdict) {
  const auto window = shift_window(question.changed_at, question.watch);
  return fmt::format("{} steps of {} before (from {}, mean {:.4g}), {} after (to {}, mean {:.4g})",
                     verdict.before.steps, format_duration(window.step),
                     format_rfc3339(window.from), verdict.before.mean, verdict.after.steps,
                     format_rfc3339(std::min(question.now, window.until)), verdict.after.mean);
}

std::string doubt_words(const ShiftQuestion& question, const ShiftVerdict& verdict,
                        bool level_known) {
  switch (verdict.finding) {
    case Finding::kNoData:
      return fmt::format(
          "nothing {}: check the metric's name, and that it has been kept for so long",
          verdict.after.steps == 0 ? "after" : "before");
    case Finding::kStale:
      return "the metric has stopped coming";
    case Finding::kZeroBaseline:
      return "it was zero all the time before, so there is no share of it";
    default:
      if (question.has_control && !level_known && verdict.before.steps < kEnoughBefore)
        return fmt::format(
            "too few before ({} are needed) to know how the groups differ by themselves, and "
            "groups "
            "that ran before are not taken to have been alike",
            kEnoughBefore);
      return "too few to know how the metric goes by itself";
  }
}

/// Which season the time before can tell.
std::string season_words(const ShiftQuestion& question, const ShiftVerdict& verdict) {
  const auto window = shift_window(question.changed_at, question.watch);
  const auto seen = static_cast<std::int64_t>(verdict.before.steps) * window.step;
  constexpr Duration kDay = std::chrono::hours(24);
  if (seen >= 7 * kDay) return "same hours of the week compared";
  if (seen >= kDay) return "same hours of the day compared, a season of the week is unknown";
  return "less than a day before, so a season is unknown";
}

}  // namespace

std::string shift_test_words(bool logarithmic) {
  return fmt::format(
      "level of {} after against before, mixed over sizes of the effect; season of day and week, "
      "autocorrelated wander and trend allowed for",
      logarithmic ? "logarithms" : "values");
}

std::string shift_threshold_words(const ShiftQuestion& question, double decides_at) {
  return fmt::format(
      "evidence (e-value) of {:g} for \"{} by {:g} % or more\", or against it; valid however often "
      "one looks, at an error rate of {:g} %",
      decides_at, word_of(question.move), 100 * question.smallest, 100 * question.error_rate);
}

std::string shift_reason(const ShiftQuestion& question, const ShiftVerdict& verdict,
                         bool is_weighed, bool level_known) {
  const auto counts = counts_words(question, verdict);
  if (!is_weighed)
    return fmt::format("{}: {}", counts, doubt_words(question, verdict, level_known));
  return fmt::format(
      "{}: changed by {:+.1f} % (standard error {:.1f} %), asked for {:g} % {}; evidence {:.3g} "
      "for "
      "and {:.3g} against, {:g} needed; {}",
      counts, 100 * verdict.change, 100 * verdict.standard_error, 100 * question.smallest,
      word_of(question.move), verdict.evidence_for, verdict.evidence_against, verdict.decides_at,
      level_known ? "nothing before, the groups are taken to have been alike"
                  : season_words(question, verdict));
}

}  // namespace wellrun::health
