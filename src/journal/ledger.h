#pragma once

// The shell around every domain: one strand that decides, applies, commits and then performs.
//
// One turn: a command, a due time or an outcome reaches its domain, which returns facts and
// intents. Each fact is applied to every domain, then shown to every domain's react(), whose facts
// join the same turn until nothing follows. The whole turn is one transaction: a crash keeps all of
// it or none, so no reaction is ever lost. State applies at once, so the next turn need not wait
// for the disk; replies, subscribers and effects wait for the group commit. When a commit fails the
// ledger stops taking turns, and the process restarts from what is stored.
//
// Everything here runs on the strand, except where stated.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "journal/effect.h"
#include "journal/fact.h"
#include "platform/runtime/runtime.h"

namespace wellrun::journal {

class Store;

/// What a domain decided. Empty: nothing follows.
struct Decision {
  std::vector<NewFact> facts;
  std::vector<Intent> intents;
};

/// One domain as the ledger sees it: a functional core. Nothing here does I/O, reads a clock or
/// starts a thread; `now` is the turn's time. All calls on the strand.
class Domain {
 public:
  virtual ~Domain() = default;

  virtual std::string_view name() const = 0;

  /// A turn begins, and the wall clock shows `wall`. The turn's own time can be ahead of that for
  /// days (ledger_clock.h): whoever lives by dates, as a rota does, is asked for at `wall`.
  /// Intervals, and whatever is compared with the times of facts, go by `now`. Live only.
  virtual void turn_begins(Timestamp /*wall*/) {}

  /// Folds one fact into state. Every fact of every domain comes here, in order, at start (replay)
  /// and live; a fact that was accepted once must apply for ever.
  virtual void apply(const Fact& fact) = 0;

  /// What follows from `fact`, now that every domain has applied it. Live only, never on replay.
  virtual Decision react(const Fact& fact, Timestamp now) = 0;

  /// What is due at or before `now`, derived from state alone.
  virtual Decision tick(Timestamp now) = 0;

  /// When tick() next has something to say; std::nullopt: not until another fact. Derived from
  /// state.
  virtual std::optional<Timestamp> next_due() const = 0;

  /// The outcome of an intent whose kind starts with "<name()>." — the domain turns it into facts.
  virtual Decision outcome(const Intent& intent, const Outcome& outcome, Timestamp now) = 0;

  /// State as JSON for a snapshot, and back. restore(snapshot()) is the identity as far as later
  /// behaviour goes.
  virtual Json snapshot() const = 0;
  virtual Status restore(const Json& snapshot) = 0;
};

/// Who caused a turn.
struct Cause {
  std::string actor = "system";  ///< of facts that name none
  Sequence fact = 0;
};

struct LedgerOptions {
  Sequence snapshot_every = 5000;              ///< facts between snapshots
  std::size_t cached_version_count = 100'000;  ///< versions of streams kept between turns, about
};

class Ledger {
 public:
  /// `domains` in floor order, lowest first: they apply and react in that order. All outlive the
  /// ledger.
  Ledger(Runtime runtime, Store& store, std::vector<Domain*> domains, LedgerOptions options = {});
  ~Ledger();

  /// Performs intents of exactly this kind. Before start().
  void perform_with(std::string kind, Performer& performer);

  /// Loads the last snapshot, replays what follows it, takes up intents without outcome, sets the
  /// timer of what is due. kCorrupt when the journal does not verify, naming the fact.
  Status start();

  /// Stops taking turns; once the commits under way are durable, gives the store a snapshot and
  /// calls `stopped` (on the strand). Intents under way stay without outcome.
  void stop(Task stopped = {});

  /// Why the ledger stopped by itself (a commit that failed); std::nullopt while it works. On the
  /// strand.
  std::optional<Error> failed() const;

  /// Called on the strand when a commit fails: the process has to restart from what is stored.
  void on_failure(std::function<void(const Error&)> callback);

  using Decide = std::function<Result<Decision>(Timestamp now)>;
  /// Called after the commit with the facts of the whole turn (the command's own first), or with
  /// the refusal.
  using Done = std::move_only_function<void(Result<std::vector<Fact>>)>;

  /// A command: decide() looks at domain state and returns what happens, or refuses. Thread-safe
  /// (posts to the strand).
  void command(Cause cause, Decide decide, Done done);

  /// Called after commit for each fact in order, until the subscription is destroyed.
  using Subscriber = std::function<void(const Fact&)>;
  [[nodiscard]] std::unique_ptr<Timer> subscribe(Subscriber subscriber);

  Store& store() { return store_; }
  /// The time that a turn would have now; see ledger_clock.h.
  Timestamp now() const;

 private:
  struct State;
  Store& store_;
  std::shared_ptr<State>
      state_;  ///< tasks on their way hold it weakly: they may come after the end
};

}  // namespace wellrun::journal
