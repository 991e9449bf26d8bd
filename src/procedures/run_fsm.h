#pragma once

// What may happen to a run, and what follows. Pure: facts in, facts and intents out.
//
//   running ──step needs approval──▶ waiting_approval ──approved──▶ running
//   running ──outcome cannot be known──▶ unknown ──done │ retry──▶ running
//   running │ waiting_approval │ unknown ──cancel, refuse, abort──▶ cancelled │ failed
//   running ──last step over──▶ succeeded │ failed
//
// Every step begins with run.step_started and ends with run.step_finished; what is next follows
// from the last fact alone, so that a run resumes after a crash at any fact without remembering
// anything else.

#include "core/result.h"
#include "journal/ledger.h"
#include "journal/store.h"
#include "procedures/run.h"

namespace wellrun::procedures {

/// Folds one fact of the run's stream into it. Facts of other types change nothing.
void apply(Run& run, const journal::Fact& fact);

/// A run out of its first fact.
Run begin(const journal::Fact& started);

/// One that may be only in the journal any more. kNotFound; cost: its facts.
Result<Run> read_run(const journal::Store& store, const std::string& id);

/// A child run that a step wants: the domain looks the runbook up and starts it.
struct ChildRun {
  std::size_t step_index = 0;  ///< which wants it: not always the current one, see onFailure
  std::string runbook;
  std::map<std::string, std::string> inputs;
};

struct Next {
  journal::Decision decision;
  std::optional<ChildRun> child;
};

/// What follows now that `run` stands as it does: the next step, a retry, or the end. Nothing while
/// a step is under way, waits for a person, or the run is over, nor before onward_due().
Next proceed(const Run& run, Timestamp now);

/// Whether that attempt of that step may begin: false once the run is over, and when the run has
/// gone past it.
bool may_begin(const Run& run, int index, int attempt);

/// A step's effect came to an end.
journal::Decision step_outcome(const Run& run, int index, int attempt,
                               const journal::Outcome& outcome);

/// After a `runbook` step that failed, what follows (another attempt, the next step, the end) never
/// follows in the same turn: a child that cannot even start would be tried again, or followed by
/// the next that cannot, without end.
bool rests(const Run& run);

/// What proceed() has to say is due then; std::nullopt when it has nothing to say. Only after
/// rests() has it not been said in the turn that led here, unless the ledger left it out.
std::optional<Timestamp> onward_due(const Run& run);

/// The `wait` step under way ends then; std::nullopt when none is.
std::optional<Timestamp> wait_due(const Run& run);

/// kConflict when the run does not wait for that approval. The caller has checked the role.
Result<journal::Decision> approve(const Run& run, int index, bool approved, const std::string& by,
                                  const std::string& comment);
/// kConflict when the run is over. The step under way is let run out; its outcome is recorded but
/// nothing follows it. A step that has not begun, because it waits for its next attempt, no longer
/// does: see may_begin(). Runs that it started are cancelled by the domain.
Result<journal::Decision> cancel(const Run& run, const std::string& by, Timestamp now);
/// `decision`: done, retry or abort. kConflict when no step of the run is unknown, kInvalid for
/// another word.
Result<journal::Decision> resume(const Run& run, const std::string& decision, const std::string& by,
                                 Timestamp now);

/// Whether the run helped, in a person's words; a later verdict takes the place of an earlier one.
/// kConflict while the run is not over.
Result<journal::Decision> judge(const Run& run, bool helped, const std::string& by,
                                const std::string& comment);

/// `text` with {{inputs.x}}, {{incident.id}}, {{incident.workload}}, {{steps.<name>.output}} and
/// {{run.id}} replaced; a name that is not known is left out. A value is never read as a template
/// again.
std::string render(std::string_view text, const Run& run);
/// The same for every text inside `json`.
Json render_all(const Json& json, const Run& run);

}  // namespace wellrun::procedures
