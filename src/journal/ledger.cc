#include "journal/ledger.h"

#include <deque>
#include <fmt/format.h>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/assert.h"
#include "facts/schemas.h"
#include "journal/body_limit.h"
#include "journal/ledger_clock.h"
#include "journal/store.h"
#include "platform/log/log.h"

namespace wellrun::journal {
namespace {

constexpr std::size_t kMaxFactsPerCommand = 9'000;
constexpr std::size_t kMaxFactsPerTurn = 20'000;  ///< from then on nothing reacts any more
constexpr int kMaxCauseDepth = 64;                ///< of reactions to reactions
constexpr std::size_t kMaxTurnsInFlight = 10'000;
constexpr int kMaxTicksAtOneTime = 10'000;

/// Where the facts of one decision come from: what they inherit.
struct Origin {
  std::string actor = "system";
  Sequence cause = 0;
  std::string correlation;
  int depth = 0;
};

/// One turn while it is being decided.
struct Turn {
  Timestamp now;
  std::deque<Fact> facts;   ///< a deque: react() reads one while others are added
  std::vector<int> depths;  ///< of facts, same index
  Batch batch;              ///< all but the facts
};

/// A turn whose commit is under way, or an answer that waits for the turns before it.
struct InFlight {
  bool durable = false;
  std::vector<Fact> facts;
  std::vector<std::string> intents;  ///< keys to take up once durable
  std::vector<std::string> begun;    ///< keys to perform once durable
  std::optional<Snapshot> snapshot;
  Ledger::Done done;             ///< may be empty
  std::optional<Error> refusal;  ///< the answer, instead of the facts
};

struct OpenIntent {
  Intent intent;
  std::unique_ptr<Timer> wait;  ///< until not_before
};

std::string chain_of(const Turn& turn, Sequence seq) {
  std::string chain;
  for (int i = 0; i < 12 && seq >= turn.facts.front().seq; ++i) {
    const auto& fact = turn.facts[seq - turn.facts.front().seq];
    chain = fmt::format("{}{}{}", fact.type, chain.empty() ? "" : " -> ", chain);
    seq = fact.cause;
  }
  return chain;
}

/// Before anything is applied, a command that says too much is refused. What follows from it, and
/// what the world answers, cannot be: it is cut, see complete() and goes_too_far().
Status check_sizes(const Decision& decision) {
  if (decision.facts.size() > kMaxFactsPerCommand)
    return fail(ErrorCode::kTooLarge,
                fmt::format("this would record {} facts at once, at most {} fit; do it in parts",
                            decision.facts.size(), kMaxFactsPerCommand));
  for (const auto& fact : decision.facts) {
    const auto size = to_text(fact.body).size();
    if (size > kMaxBodyBytes)
      return fail(
          ErrorCode::kTooLarge,
          fmt::format("the body of {} on {} has {} bytes, at most {} fit; store larger content "
                      "beside it as a blob",
                      fact.type, fact.stream, size, kMaxBodyBytes));
  }
  return {};
}

}  // namespace

struct Ledger::State : std::enable_shared_from_this<Ledger::State> {
  State(Runtime runtime_in, Store& store_in, std::vector<Domain*> domains_in,
        LedgerOptions options_in)
      : runtime(runtime_in),
        store(store_in),
        domains(std::move(domains_in)),
        options(options_in),
        clock(runtime_in.clock) {}

  bool running() const { return started && !stopping && !failure; }

  // Start.
  Status load();
  Status restore_snapshot(Sequence& from);
  Status replay(Sequence from);
  Status take_up_outbox();

  // A turn.
  Turn begin_turn();
  void run_command(Cause cause, const Decide& decide, Done done);
  Result<Origin> origin_of(Cause cause);
  static bool goes_too_far(const Turn& turn, const Decision& decision, const Origin& origin);
  void decided(Turn& turn, Decision decision, const Origin& origin);
  Fact complete(NewFact fact, const Origin& origin, Timestamp now);
  void add_intent(Turn& turn, Intent intent, const Origin& origin);
  void react_until_quiet(Turn& turn);
  void commit(Turn turn, Done done = {}, std::optional<Error> refusal = {});
  void send(Batch batch, InFlight entry);
  void stored(const Status& status);
  void drain();
  void fail_all(const Error& error);
  void publish(InFlight& entry);

  // Due times.
  void arm();
  void tick();

  // Outbox.
  void schedule(const std::string& key);
  void begin(const std::string& key);
  void perform(const std::string& key);
  void outcome(const std::string& key, Outcome outcome);
  Domain& owner_of(std::string_view kind);

  std::uint64_t next_version(const std::string& stream);
  Json snapshot_of_all() const;
  std::string correlation_of(Sequence seq) const;
  void finish_stop();

  Runtime runtime;
  Store& store;
  std::vector<Domain*> domains;
  LedgerOptions options;
  LedgerClock clock;
  std::map<std::string, Performer*, std::less<>> performers;

  bool started = false, stopping = false;
  std::optional<Error> failure;
  std::function<void(const Error&)> failure_callback;
  std::vector<Task> stopped;

  std::string last_hash;     ///< of `applied`
  Sequence applied = 0;      ///< last fact in state
  Sequence snapshotted = 0;  ///< of the last snapshot taken
  std::unordered_map<std::string, std::uint64_t> versions;
  std::deque<InFlight> in_flight;
  std::map<std::string, OpenIntent> open;
  std::map<std::uint64_t, Subscriber> subscribers;
  std::uint64_t subscriber_count = 0;

  std::unique_ptr<Timer> due_timer;
  std::optional<Timestamp> armed_for;
  int ticks_at_one_time = 0;
};

// ---- start ----

Status Ledger::State::load() {
  Sequence from = 0;
  TRY_STATUS(restore_snapshot(from));
  snapshotted = from;
  TRY_STATUS(replay(from));
  applied = store.last_sequence();
  last_hash = store.last_hash();
  TRY(const auto newest, store.read({.limit = 1, .newest_first = true}));
  if (!newest.empty()) clock.start_after(newest.front().time);
  TRY_STATUS(take_up_outbox());
  started = true;
  arm();
  return {};
}

/// A snapshot of other domains, or one that a newer version cannot read, is left aside: replay
/// needs none.
Status Ledger::State::restore_snapshot(Sequence& from) {
  TRY(const auto snapshot, store.last_snapshot());
  if (!snapshot || snapshot->seq > store.last_sequence()) return {};
  for (const auto* domain : domains)
    if (!snapshot->body.contains(domain->name())) return {};
  const auto untouched = snapshot_of_all();
  bool restored = true;
  for (auto* domain : domains)
    restored = restored && domain->restore(snapshot->body[std::string(domain->name())]).has_value();
  if (restored) {
    from = snapshot->seq;
    return {};
  }
  for (auto* domain : domains) TRY_STATUS(domain->restore(untouched[std::string(domain->name())]));
  return {};
}

Status Ledger::State::replay(Sequence from) {
  FactQuery query{.after = from, .limit = 1000};
  while (true) {
    TRY(const auto facts, store.read(query));
    for (const auto& fact : facts) {
      if (fact.seq != query.after + 1)
        return fail(ErrorCode::kCorrupt,
                    fmt::format("the journal has fact {} after {}: facts are missing; restore the "
                                "file from a backup",
                                fact.seq, query.after));
      for (auto* domain : domains) domain->apply(fact);
      query.after = fact.seq;
    }
    if (facts.empty()) return {};
  }
}

Status Ledger::State::take_up_outbox() {
  TRY(auto entries, store.open_intents());
  for (auto& entry : entries) {
    const auto key = entry.intent.key;
    const bool unknown = entry.begun && !entry.intent.repeatable;
    open[key] = OpenIntent{.intent = std::move(entry.intent), .wait = nullptr};
    runtime.strand.post([weak = weak_from_this(), key, unknown] {
      const auto self = weak.lock();
      if (!self || !self->running()) return;
      if (!unknown) return self->schedule(key);
      Outcome outcome;
      outcome.kind = Outcome::Kind::kUnknown;
      outcome.error = "begun before a restart; whether it happened is not known";
      self->outcome(key, std::move(outcome));
    });
  }
  return {};
}

// ---- a turn ----

/// Cached versions are forgotten only here, and only while nothing is in flight: the store does not
/// know yet what a turn under way has written.
Turn Ledger::State::begin_turn() {
  if (versions.size() > options.cached_version_count && in_flight.empty()) versions.clear();
  const auto wall = runtime.clock.now();
  for (auto* domain : domains) domain->turn_begins(wall);
  Turn turn;
  turn.now = clock.turn();
  return turn;
}

void Ledger::State::run_command(Cause cause, const Decide& decide, Done done) {
  if (!running()) {
    const auto why = failure ? to_string(*failure) : std::string("the ledger is not running");
    return done(fail(ErrorCode::kUnavailable, fmt::format("nothing can be recorded now: {}", why)));
  }
  if (in_flight.size() >= kMaxTurnsInFlight)
    return done(fail(ErrorCode::kExhausted, "too many commands wait for the disk; try again"));
  // What the store keeps free is for what nobody can say again later: a person can be told to try
  // again, an alert that fires because a disk is full cannot.
  if (auto room = store.has_room(); !room && cause.actor != Cause{}.actor)
    return done(std::unexpected(std::move(room).error()));
  auto origin = origin_of(std::move(cause));
  if (!origin) return done(std::unexpected(std::move(origin).error()));
  auto turn = begin_turn();
  auto decision = decide(turn.now);
  if (decision) {
    if (auto fits = check_sizes(*decision); !fits) decision = std::unexpected(fits.error());
  }
  // A refusal, too, rests on state that may not be durable yet: it waits for the turns before it.
  std::optional<Error> refusal;
  if (decision) {
    decided(turn, *std::move(decision), *origin);
    react_until_quiet(turn);
  } else {
    refusal = std::move(decision).error();
  }
  commit(std::move(turn), std::move(done), std::move(refusal));
}

/// A cause is usually recent; the store is asked only for older ones.
std::string Ledger::State::correlation_of(Sequence seq) const {
  for (const auto& entry : in_flight) {
    if (!entry.facts.empty() && seq >= entry.facts.front().seq && seq <= entry.facts.back().seq)
      return entry.facts[seq - entry.facts.front().seq].correlation;
  }
  const auto found = store.read({.after = seq - 1, .limit = 1});
  return found && !found->empty() && found->front().seq == seq ? found->front().correlation : "";
}

Result<Origin> Ledger::State::origin_of(Cause cause) {
  if (cause.fact > applied)
    return fail(ErrorCode::kInvalid, fmt::format("the cause, fact {}, does not exist", cause.fact));
  Origin origin{.actor = std::move(cause.actor), .cause = cause.fact};
  if (cause.fact != 0) origin.correlation = correlation_of(cause.fact);
  return origin;
}

std::uint64_t Ledger::State::next_version(const std::string& stream) {
  const auto [at, is_new] = versions.try_emplace(stream, 0);
  if (is_new) {
    const auto stored_version = store.stream_version(stream);
    WELLRUN_ASSERT(stored_version.has_value(), to_string(stored_version.error()));
    at->second = *stored_version;
  }
  return ++at->second;
}

Fact Ledger::State::complete(NewFact fact, const Origin& origin, Timestamp now) {
  Fact whole;
  whole.seq = ++applied;
  whole.time = now;
  whole.stream_version = next_version(fact.stream);
  whole.stream = std::move(fact.stream);
  whole.type = std::move(fact.type);
  const auto* schema = facts::schema_of(whole.type);
  whole.schema = fact.schema != 0 ? fact.schema : schema == nullptr ? 1 : schema->current();
  whole.actor = fact.actor.empty() ? origin.actor : fact.actor;
  whole.cause = origin.cause;
  whole.correlation = fact.correlation.empty() ? origin.correlation : fact.correlation;
  whole.body = std::move(fact.body);
  auto body = to_text(whole.body);
  if (body.size() > kMaxBodyBytes) {
    log_rarely(now, Level::kError, "journal/ledger",
               "a fact is too large and was cut; what made it should have said less",
               {{"type", whole.type}, {"stream", whole.stream}, {"size_bytes", body.size()}});
    cut_to_fit(whole.body, kMaxBodyBytes);
    body = to_text(whole.body);
  }
  whole.hash = last_hash = chain_hash(last_hash, whole, body);
  return whole;
}

/// Whether this is one reaction to a reaction too many. It is left out as a whole and the turn goes
/// on without it: the catalog can hold an automation that starts what triggers it again, and a
/// process that ended here would end again after each restart.
bool Ledger::State::goes_too_far(const Turn& turn, const Decision& decision, const Origin& origin) {
  const bool is_reaction = origin.depth > 0 && !decision.facts.empty();
  if (!is_reaction || (origin.depth <= kMaxCauseDepth && turn.facts.size() < kMaxFactsPerTurn))
    return false;
  log_rarely(turn.now, Level::kError, "journal/ledger",
             "facts that lead to each other without end; what would follow is left out",
             {{"chain", fmt::format("{} -> {}", chain_of(turn, origin.cause),
                                    decision.facts.front().type)}});
  return true;
}

void Ledger::State::decided(Turn& turn, Decision decision, const Origin& origin) {
  if (goes_too_far(turn, decision, origin)) return;
  auto intent_origin = origin;
  bool first = true;
  for (auto& fact : decision.facts) {
    turn.facts.push_back(complete(std::move(fact), origin, turn.now));
    turn.depths.push_back(origin.depth);
    const auto& added = turn.facts.back();
    for (auto* domain : domains) domain->apply(added);
    if (std::exchange(first, false)) {
      intent_origin.cause = added.seq;
      intent_origin.correlation = added.correlation;
    }
  }
  for (auto& intent : decision.intents) add_intent(turn, std::move(intent), intent_origin);
}

/// A key is taken once, for ever.
void Ledger::State::add_intent(Turn& turn, Intent intent, const Origin& origin) {
  (void)owner_of(intent.kind);
  if (open.contains(intent.key)) return;
  const auto known = store.has_intent(intent.key);
  WELLRUN_ASSERT(known.has_value(), to_string(known.error()));
  if (*known) return;
  intent.cause = origin.cause;
  if (intent.correlation.empty()) intent.correlation = origin.correlation;
  open[intent.key] = OpenIntent{.intent = intent, .wait = nullptr};
  turn.batch.intents.push_back(std::move(intent));
}

void Ledger::State::react_until_quiet(Turn& turn) {
  for (std::size_t i = 0; i < turn.facts.size(); ++i) {
    const auto& fact = turn.facts[i];
    const Origin origin{.actor = "system",
                        .cause = fact.seq,
                        .correlation = fact.correlation,
                        .depth = turn.depths[i] + 1};
    for (auto* domain : domains) decided(turn, domain->react(fact, turn.now), origin);
  }
}

void Ledger::State::commit(Turn turn, Done done, std::optional<Error> refusal) {
  InFlight entry;
  entry.facts.assign(turn.facts.begin(), turn.facts.end());
  for (const auto& intent : turn.batch.intents) entry.intents.push_back(intent.key);
  entry.done = std::move(done);
  entry.refusal = std::move(refusal);
  if (applied - snapshotted >= options.snapshot_every) {
    entry.snapshot = Snapshot{.seq = applied, .body = snapshot_of_all()};
    snapshotted = applied;
  }
  turn.batch.facts.assign(std::make_move_iterator(turn.facts.begin()),
                          std::make_move_iterator(turn.facts.end()));
  send(std::move(turn.batch), std::move(entry));
  arm();
}

void Ledger::State::send(Batch batch, InFlight entry) {
  const bool empty =
      batch.facts.empty() && batch.intents.empty() && batch.begun.empty() && batch.finished.empty();
  entry.durable = empty;
  in_flight.push_back(std::move(entry));
  if (empty) return drain();
  store.append(std::move(batch),
               [weak = weak_from_this(), &strand = runtime.strand](Status status) {
                 strand.post([weak, status = std::move(status)] {
                   if (const auto self = weak.lock()) self->stored(status);
                 });
               });
}

/// The store answers in the order of appending: the first that is not durable yet is the one it
/// speaks of.
void Ledger::State::stored(const Status& status) {
  if (failure) return;
  if (!status) return fail_all(status.error());
  const auto next = std::ranges::find(in_flight, false, &InFlight::durable);
  WELLRUN_ASSERT(next != in_flight.end(), "the store committed a batch that nobody appended");
  next->durable = true;
  drain();
}

void Ledger::State::drain() {
  while (!failure && !in_flight.empty() && in_flight.front().durable) {
    auto entry = std::move(in_flight.front());
    in_flight.pop_front();
    publish(entry);
  }
  if (stopping && in_flight.empty()) finish_stop();
}

void Ledger::State::publish(InFlight& entry) {
  if (entry.snapshot) {
    // A snapshot only shortens the next start: without it, more is replayed.
    const auto before = entry.snapshot->seq - 1;
    store.put_snapshot(
        *std::move(entry.snapshot),
        [weak = weak_from_this(), &strand = runtime.strand, before](const Status& status) {
          if (status) return;
          strand.post([weak, before] {
            if (const auto self = weak.lock())
              self->snapshotted = std::min(self->snapshotted, before);
          });
        });
  }
  for (const auto& fact : entry.facts) {
    const auto now_subscribed = subscribers;  // one may go away while it is called
    for (const auto& [id, subscriber] : now_subscribed)
      if (subscribers.contains(id)) subscriber(fact);
  }
  if (entry.done) {
    if (entry.refusal) {
      entry.done(std::unexpected(*entry.refusal));
    } else {
      entry.done(std::move(entry.facts));
    }
  }
  if (stopping) return;
  for (const auto& key : entry.intents) schedule(key);
  for (const auto& key : entry.begun) perform(key);
}

void Ledger::State::fail_all(const Error& error) {
  failure = error;
  due_timer.reset();
  for (auto& [key, intent] : open) intent.wait.reset();
  for (auto waiting = std::exchange(in_flight, {}); auto& entry : waiting)
    if (entry.done) entry.done(std::unexpected(error));
  if (failure_callback) failure_callback(error);
  if (stopping) finish_stop();
}

// ---- due times ----

void Ledger::State::arm() {
  if (!running()) return;
  std::optional<Timestamp> earliest;
  for (const auto* domain : domains) {
    const auto due = domain->next_due();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  if (due_timer && earliest == armed_for) return;
  armed_for = earliest;
  due_timer.reset();
  if (!earliest) return;
  due_timer = clock.wait(runtime.strand, *earliest, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

void Ledger::State::tick() {
  if (!running()) return;
  const auto fired = std::move(due_timer);
  const auto last_tick = std::exchange(armed_for, std::nullopt);
  auto turn = begin_turn();
  for (auto* domain : domains) {
    const auto due = domain->next_due();
    if (!due || *due > turn.now) continue;
    auto decision = domain->tick(turn.now);
    const bool nothing = decision.facts.empty();
    decided(turn, std::move(decision), Origin{});
    WELLRUN_ASSERT(!nothing || domain->next_due() != due,
                   fmt::format("domain {} is due at {} and decides nothing then", domain->name(),
                               format_rfc3339(*due)));
  }
  react_until_quiet(turn);
  commit(std::move(turn));
  ticks_at_one_time = armed_for && armed_for == last_tick ? ticks_at_one_time + 1 : 0;
  WELLRUN_ASSERT(ticks_at_one_time < kMaxTicksAtOneTime, "ticks without end at one due time");
}

// ---- outbox ----

Domain& Ledger::State::owner_of(std::string_view kind) {
  const auto name = kind.substr(0, kind.find('.'));
  const auto found = std::ranges::find(domains, name, &Domain::name);
  WELLRUN_ASSERT(found != domains.end(), fmt::format("no domain owns intents of kind {}", kind));
  return **found;
}

void Ledger::State::schedule(const std::string& key) {
  const auto found = open.find(key);
  if (found == open.end() || !running()) return;
  const auto not_before = found->second.intent.not_before;
  if (not_before <= clock.now()) return begin(key);
  found->second.wait = clock.wait(runtime.strand, not_before, [weak = weak_from_this(), key] {
    if (const auto self = weak.lock()) self->begin(key);
  });
}

void Ledger::State::begin(const std::string& key) {
  const auto found = open.find(key);
  if (found == open.end() || !running()) return;
  if (found->second.intent.repeatable) return perform(key);
  Batch batch;
  batch.begun.push_back(key);
  InFlight entry;
  entry.begun.push_back(key);
  send(std::move(batch), std::move(entry));
}

void Ledger::State::perform(const std::string& key) {
  const auto found = open.find(key);
  if (found == open.end() || !running()) return;
  const auto intent = found->second.intent;
  const auto finish = [weak = weak_from_this(), &strand = runtime.strand, key](Outcome result) {
    strand.post([weak, key, result = std::move(result)]() mutable {
      if (const auto self = weak.lock()) self->outcome(key, std::move(result));
    });
  };
  const auto performer = performers.find(intent.kind);
  if (performer != performers.end()) return performer->second->perform(intent, finish);
  Outcome missing;
  missing.kind = Outcome::Kind::kFailed;
  missing.error = fmt::format("nothing here performs intents of kind {}", intent.kind);
  finish(std::move(missing));
}

void Ledger::State::outcome(const std::string& key, Outcome result) {
  const auto found = open.find(key);
  if (found == open.end() || !running()) return;
  const auto intent = std::move(found->second.intent);
  open.erase(found);
  auto turn = begin_turn();
  const Origin origin{.actor = "system", .cause = intent.cause, .correlation = intent.correlation};
  decided(turn, owner_of(intent.kind).outcome(intent, result, turn.now), origin);
  react_until_quiet(turn);
  turn.batch.finished.emplace_back(key, std::move(result));
  commit(std::move(turn));
}

// ---- the rest ----

Json Ledger::State::snapshot_of_all() const {
  Json all = Json::object();
  for (const auto* domain : domains) all[std::string(domain->name())] = domain->snapshot();
  return all;
}

void Ledger::State::finish_stop() {
  if (started && !failure && applied > snapshotted) {
    store.put_snapshot({.seq = applied, .body = snapshot_of_all()}, [](const Status&) {});
    snapshotted = applied;
  }
  for (auto waiting = std::exchange(stopped, {}); auto& task : waiting) task();
}

Ledger::Ledger(Runtime runtime, Store& store, std::vector<Domain*> domains, LedgerOptions options)
    : store_(store), state_(std::make_shared<State>(runtime, store, std::move(domains), options)) {}

Ledger::~Ledger() {
  state_->stopping = true;
}

void Ledger::perform_with(std::string kind, Performer& performer) {
  WELLRUN_ASSERT(!state_->started, "performers are named before the ledger starts");
  state_->performers[std::move(kind)] = &performer;
}

Status Ledger::start() {
  WELLRUN_ASSERT(!state_->started, "a ledger starts once");
  return state_->load();
}

void Ledger::stop(Task stopped) {
  state_->stopping = true;
  state_->due_timer.reset();
  for (auto& [key, intent] : state_->open) intent.wait.reset();
  if (stopped) state_->stopped.push_back(std::move(stopped));
  if (state_->in_flight.empty()) state_->finish_stop();
}

std::optional<Error> Ledger::failed() const {
  return state_->failure;
}

void Ledger::on_failure(std::function<void(const Error&)> callback) {
  state_->failure_callback = std::move(callback);
}

void Ledger::command(Cause cause, Decide decide, Done done) {
  state_->runtime.strand.post([weak = state_->weak_from_this(), cause = std::move(cause),
                               decide = std::move(decide), done = std::move(done)]() mutable {
    if (const auto self = weak.lock())
      return self->run_command(std::move(cause), decide, std::move(done));
    done(fail(ErrorCode::kUnavailable, "nothing can be recorded now: the ledger is gone"));
  });
}

std::unique_ptr<Timer> Ledger::subscribe(Subscriber subscriber) {
  struct Subscription final : Timer {
    Subscription(std::weak_ptr<State> state_in, std::uint64_t id_in)
        : state(std::move(state_in)), id(id_in) {}
    ~Subscription() override {
      if (const auto held = state.lock()) held->subscribers.erase(id);
    }
    std::weak_ptr<State> state;
    std::uint64_t id;
  };
  const auto id = ++state_->subscriber_count;
  state_->subscribers.emplace(id, std::move(subscriber));
  return std::make_unique<Subscription>(state_, id);
}

Timestamp Ledger::now() const {
  return state_->clock.now();
}

}  // namespace wellrun::journal
