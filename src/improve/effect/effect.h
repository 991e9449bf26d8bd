#pragma once

// The looks at an effect that somebody expects (docs/proof.md): what is asked, when, and what
// comes back. Shared by actions and experiments, whose domains hand the intents to the outbox and
// make facts of the outcomes. Pure.

#include <string>
#include <vector>

#include "core/result.h"
#include "facts/improve.h"
#include "journal/effect.h"

namespace wellrun::improve {

/// How often a watch is looked at, evenly; the last time at its end.
inline constexpr int kLooks = 16;

/// {"metric": …, "direction": …, "smallest": 0.1, …} as a request has it; what is left out is as
/// the struct has it. Not checked.
facts::Expectation expectation_of(const Json& body);

/// kInvalid, naming the field: a metric that is empty, malformed or reads no series, an unknown
/// kind or direction, a smallest effect outside (0, 10] (lower: below 1), a watch outside [2h,
/// 42d].
Status check(const facts::Expectation& expects);

/// "the error ratio is to get lower by 10 % or more, within 7d".
std::string in_words(const facts::Expectation& expects);

/// One series of looks.
struct EffectWatch {
  std::string kind;     ///< of its intents: "improve.look"
  std::string subject;  ///< the action or experiment
  Timestamp changed_at{};
  facts::Expectation expects;
  std::vector<facts::Expectation> guard_rails;  ///< asked at the same time, as harm
  /// Of `expects` and each guard rail: whether a look found values of the time before. Empty: none.
  std::vector<bool> had_before;
};

/// The first look, or the one that follows at `now`: looks that were missed are left out.
journal::Intent next_look(const EffectWatch& watch, Timestamp now);

/// What a look found.
struct Look {
  int number = 0;
  facts::EffectVerdict verdict;
  std::vector<facts::EffectVerdict> guard_rails;
  std::vector<bool> had_before;  ///< as EffectWatch's: in this look or one before it
};

/// What the performer of `intent` answered. A look that failed is inconclusive, and says why.
Look look_of(const journal::Intent& intent, const journal::Outcome& outcome);

/// As EffectWatch's `had_before`, of the watch that `intent` belongs to; as long as there are
/// expectations.
std::vector<bool> had_before(const journal::Intent& intent);

/// The subject that an intent of next_look() is for.
std::string subject_of(const journal::Intent& intent);

}  // namespace wellrun::improve
