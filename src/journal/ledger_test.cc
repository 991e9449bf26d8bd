// A toy domain drives the ledger: every "counter.added" above the last sent total wants one effect.

#include "journal/ledger.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "platform/log/log.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::journal {
namespace {

using namespace std::chrono_literals;

class Counter final : public Domain {
 public:
  std::string_view name() const override { return "counter"; }
  void apply(const Fact& fact) override {
    if (fact.type == "counter.added") {
      total += fact.body.value("amount", 0);
      remind_at = to_unix_ms(fact.time) + 60'000;
    } else if (fact.type == "counter.reminded") {
      remind_at = 0;
      ++reminders;
    } else if (fact.type == "counter.sent") {
      ++sent;
    } else if (fact.type == "counter.asked") {
      ++asked;
    }
  }
  Decision react(const Fact& fact, Timestamp) override {
    if (endless && fact.type == "counter.echoed") return {{echo()}, {}};
    if (fact.type != "counter.added") return {};
    Decision decision;
    if (endless) decision.facts.push_back(echo());
    for (const bool repeatable : {false, true}) {
      Intent intent;
      intent.key = fmt::format("{}/{}", repeatable ? "log" : "page", fact.seq);
      intent.kind = repeatable ? "counter.log" : "counter.page";
      intent.repeatable = repeatable;
      decision.intents.push_back(intent);
    }
    return decision;
  }
  Decision tick(Timestamp now) override {
    if (remind_at == 0 || to_unix_ms(now) < remind_at || stuck) return {};
    return {{{.stream = "counter/a", .type = "counter.reminded", .body = Json::object()}}, {}};
  }
  std::optional<Timestamp> next_due() const override {
    if (remind_at == 0) return std::nullopt;
    return from_unix_ms(remind_at);
  }
  Decision outcome(const Intent& intent, const Outcome& outcome, Timestamp) override {
    const bool unknown = outcome.kind == Outcome::Kind::kUnknown;
    NewFact fact{.stream = "counter/a", .type = unknown ? "counter.asked" : "counter.sent"};
    fact.body["key"] = intent.key;
    if (!said.empty()) fact.body["said"] = said;
    return {{fact}, {}};
  }
  Json snapshot() const override {
    return {{"total", total},
            {"sent", sent},
            {"asked", asked},
            {"remind_at", remind_at},
            {"reminders", reminders}};
  }
  Status restore(const Json& json) override {
    if (!json.contains("total")) return fail(ErrorCode::kInvalid, "not a counter");
    total = json["total"];
    sent = json["sent"];
    asked = json["asked"];
    remind_at = json["remind_at"];
    reminders = json["reminders"];
    return {};
  }
  static NewFact echo() { return {.stream = "counter/a", .type = "counter.echoed"}; }

  int total = 0, sent = 0, asked = 0, reminders = 0;
  std::int64_t remind_at = 0;
  bool endless = false, stuck = false;
  std::string said;  ///< by every outcome
};

/// The world: it outlives every crash.
struct World final : Performer {
  void perform(const Intent& intent, std::move_only_function<void(Outcome)> done) override {
    ++performed[intent.key];
    done(Outcome{});
  }
  std::map<std::string, int> performed;
};

struct Process {
  Process(VirtualRuntime& runtime, MemoryStore& store, World& world, Sequence snapshot_every = 5000)
      : ledger(runtime.runtime(), store, {&counter}, {.snapshot_every = snapshot_every}) {
    ledger.perform_with("counter.page", world);
    ledger.perform_with("counter.log", world);
  }
  void add(int amount) {
    ledger.command(
        {.actor = "person:ana"},
        [amount](Timestamp) -> Result<Decision> {
          NewFact fact{.stream = "counter/a", .type = "counter.added", .correlation = "story-1"};
          fact.body["amount"] = amount;
          return Decision{{fact}, {}};
        },
        [this](Result<std::vector<Fact>> result) {
          if (result) ++acknowledged;
          answers.push_back(result ? "ok" : result.error().message);
        });
  }
  Counter counter;
  Ledger ledger;
  int acknowledged = 0;
  std::vector<std::string> answers;
};

std::string all_lines(const Store& store) {
  std::string lines;
  const auto facts = store.read({.limit = 100'000});
  for (const auto& fact : *facts) lines += to_text(to_json(fact)) + "\n";
  return lines;
}

TEST(Ledger, ACommandIsAppliedCommittedAnsweredAndItsEffectsPerformedOnce) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  process.add(3);
  runtime.run_ready();
  EXPECT_EQ(process.counter.total, 3);
  EXPECT_EQ(process.acknowledged, 1);
  EXPECT_EQ(world.performed, (std::map<std::string, int>{{"log/1", 1}, {"page/1", 1}}));
  EXPECT_EQ(process.counter.sent, 2);
  const auto facts = store.read({});
  ASSERT_EQ(facts->size(), 3u);
  EXPECT_EQ((*facts)[0].actor, "person:ana");
  EXPECT_EQ((*facts)[1].cause, 1u);
  EXPECT_EQ((*facts)[1].correlation, "story-1");
  EXPECT_EQ((*facts)[2].stream_version, 3u);
  EXPECT_TRUE(store.open_intents()->empty());
}

TEST(Ledger, TimesOfFactsNeverGoBackEvenIfTheClockAndTheProcessDo) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  const auto start = runtime.now();
  const auto add = [&](Ledger& ledger) {
    Timestamp decided_at;
    ledger.command(
        {},
        [&](Timestamp now) -> Result<Decision> {
          decided_at = now;
          return Decision{{{.stream = "counter/a", .type = "counter.noted"}}, {}};
        },
        [](const Result<std::vector<Fact>>& result) { EXPECT_TRUE(result); });
    runtime.run_ready();
    EXPECT_EQ(ledger.now(), decided_at);
    return decided_at - start;
  };
  {
    Ledger ledger(runtime.runtime(), store, {});
    ASSERT_TRUE(ledger.start());
    runtime.run_for(10s);
    EXPECT_EQ(add(ledger), 10s);
    runtime.set_clock(-6s);
    EXPECT_EQ(add(ledger), 10s);
    runtime.run_for(5s);
    EXPECT_EQ(add(ledger), 14'500ms) << "it goes on, a little slower";
  }
  runtime.set_clock(-9s);
  Ledger restarted(runtime.runtime(), store, {});
  ASSERT_TRUE(restarted.start());
  EXPECT_EQ(add(restarted), 14'500ms);
  runtime.run_for(10s);
  EXPECT_EQ(add(restarted), 23'500ms);
  runtime.set_clock(20s);
  EXPECT_EQ(add(restarted), 30s) << "the wall clock's again";
}

/// Set back, forward, and forward for a moment in which a turn is taken; also over a restart.
TEST(Ledger, WhatIsDueWaitsForNoClockThatWasSet) {
  struct Case {
    Duration jump, back;
    bool turn_between, restart;
  };
  for (const auto& [jump, back, turn_between, restart] :
       {Case{-1h, 0h, false, false}, Case{-1h, 0h, false, true}, Case{1h, -1h, true, false},
        Case{1h, -1h, true, true}, Case{1h, -1h, false, false}}) {
    VirtualRuntime runtime;
    MemoryStore store(runtime.runtime().strand);
    World world;
    auto process = std::make_unique<Process>(runtime, store, world);
    ASSERT_TRUE(process->ledger.start());
    runtime.set_clock(jump);
    if (turn_between) process->add(1);
    runtime.run_ready();
    runtime.set_clock(back);
    process->add(1);
    runtime.run_for(1s);
    if (jump < 0h) runtime.set_clock(jump);
    if (restart) {
      runtime.crash();
      store.recover();
      process = std::make_unique<Process>(runtime, store, world);
      ASSERT_TRUE(process->ledger.start());
    }
    runtime.run_for(57s);
    EXPECT_EQ(process->counter.reminders, 0);
    runtime.run_for(10s);
    EXPECT_EQ(process->counter.reminders, 1) << "a minute, and at most a ninth more";
  }
}

TEST(Ledger, AnIntentThatWaitsDoesNotWaitForAClockThatWasSetBack) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  process.ledger.command(
      {},
      [](Timestamp now) -> Result<Decision> {
        Intent intent;
        intent.key = "later";
        intent.kind = "counter.page";
        intent.not_before = now + 90s;
        return Decision{{}, {intent}};
      },
      [](auto) {});
  runtime.run_for(1s);
  runtime.set_clock(-2h);
  runtime.run_for(85s);
  EXPECT_EQ(world.performed["later"], 0);
  runtime.run_for(15s);
  EXPECT_EQ(world.performed["later"], 1);
}

TEST(Ledger, WhatIsDueRunsAtItsTimeAndOnlyOnce) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  process.add(1);
  runtime.run_for(59s);
  EXPECT_EQ(process.counter.reminders, 0);
  runtime.run_for(1h);
  EXPECT_EQ(process.counter.reminders, 1);
}

TEST(Ledger, AKeyIsTakenOnceForEver) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  for (int start = 0; start < 2; ++start) {
    Process process(runtime, store, world);
    ASSERT_TRUE(process.ledger.start());
    for (int i = 0; i < 2; ++i) {
      const auto decide = [](Timestamp) -> Result<Decision> {
        Intent intent;
        intent.key = "same";
        intent.kind = "counter.page";
        return Decision{{}, {intent}};
      };
      process.ledger.command({}, decide, [](auto) {});
      runtime.run_ready();
    }
  }
  EXPECT_EQ(world.performed["same"], 1);
}

TEST(Ledger, ARefusalAnswersWithItsErrorAndRecordsNothing) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  std::string answer;
  process.ledger.command(
      {}, [](Timestamp) -> Result<Decision> { return fail(ErrorCode::kConflict, "no"); },
      [&](Result<std::vector<Fact>> result) { answer = result ? "ok" : result.error().message; });
  runtime.run_ready();
  EXPECT_EQ(answer, "no");
  EXPECT_EQ(store.last_sequence(), 0u);
}

/// A store whose disk is nearly full.
class FullStore final : public Store {
 public:
  explicit FullStore(Strand& strand) : memory_(strand) {}
  Status has_room() const override { return fail(ErrorCode::kNoSpace, "the disk is full"); }

  void append(Batch batch, std::move_only_function<void(Status)> committed) override {
    memory_.append(std::move(batch), std::move(committed));
  }
  Sequence last_sequence() const override { return memory_.last_sequence(); }
  std::string last_hash() const override { return memory_.last_hash(); }
  Result<std::vector<Fact>> read(const FactQuery& query) const override {
    return memory_.read(query);
  }
  Result<std::uint64_t> stream_version(std::string_view stream) const override {
    return memory_.stream_version(stream);
  }
  Result<std::vector<OutboxEntry>> open_intents() const override { return memory_.open_intents(); }
  Result<bool> has_intent(std::string_view key) const override { return memory_.has_intent(key); }
  Result<std::optional<Snapshot>> last_snapshot() const override { return memory_.last_snapshot(); }
  void put_snapshot(Snapshot snapshot, std::move_only_function<void(Status)> stored) override {
    memory_.put_snapshot(std::move(snapshot), std::move(stored));
  }
  Result<std::string> put_blob(std::string_view content) override {
    return memory_.put_blob(content);
  }
  Result<std::string> get_blob(std::string_view digest) const override {
    return memory_.get_blob(digest);
  }

 private:
  MemoryStore memory_;
};

TEST(Ledger, ANearlyFullDiskRefusesPersonsAndKeepsItsRestForTheSystem) {
  VirtualRuntime runtime;
  FullStore store(runtime.runtime().strand);
  Counter counter;
  Ledger ledger(runtime.runtime(), store, {&counter});
  ASSERT_TRUE(ledger.start());
  std::map<std::string, std::string> answers;
  for (const auto* actor : {"person:ana", "token:ci", "system"}) {
    ledger.command(
        {.actor = actor},
        [](Timestamp) { return Result<Decision>(Decision{{Counter::echo()}, {}}); },
        [&answers, actor](const Result<std::vector<Fact>>& result) {
          answers[actor] = result ? "ok" : result.error().message;
        });
  }
  runtime.run_ready();
  EXPECT_EQ(answers, (std::map<std::string, std::string>{{"person:ana", "the disk is full"},
                                                         {"token:ci", "the disk is full"},
                                                         {"system", "ok"}}));
}

TEST(Ledger, AFailedCommitAnswersEveryWaitingCommandAndStopsTheLedger) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  store.set_hook([](auto, const Batch&) { return MemoryStore::Fault::kFail; });
  process.add(1);
  process.add(2);
  runtime.run_ready();
  process.add(3);
  runtime.run_ready();
  EXPECT_EQ(process.acknowledged, 0);
  EXPECT_EQ(process.answers.size(), 3u);
  ASSERT_TRUE(process.ledger.failed());
  EXPECT_EQ(process.ledger.failed()->code, ErrorCode::kIo);
  EXPECT_TRUE(world.performed.empty());
}

TEST(Ledger, SubscribersSeeCommittedFactsInOrderUntilTheyLeave) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  std::vector<Sequence> seen;
  auto subscription = process.ledger.subscribe([&](const Fact& fact) {
    EXPECT_LE(fact.seq, store.last_sequence());
    EXPECT_EQ(fact.hash.size(), 64u);
    seen.push_back(fact.seq);
  });
  process.add(1);
  runtime.run_ready();
  subscription.reset();
  process.add(1);
  runtime.run_ready();
  EXPECT_EQ(seen, (std::vector<Sequence>{1, 2, 3}));
}

TEST(Ledger, StoppingPutsASnapshotFromWhichTheNextStartGoesOn) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Json before;
  {
    Process process(runtime, store, world);
    ASSERT_TRUE(process.ledger.start());
    process.add(5);
    runtime.run_ready();
    bool stopped = false;
    process.ledger.stop([&] { stopped = true; });
    EXPECT_TRUE(stopped);
    before = process.counter.snapshot();
  }
  EXPECT_EQ((*store.last_snapshot())->seq, store.last_sequence());
  Process next(runtime, store, world);
  ASSERT_TRUE(next.ledger.start());
  EXPECT_EQ(next.counter.snapshot(), before);
}

TEST(Ledger, ASnapshotThatNobodyCanReadIsLeftAside) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  {
    Process process(runtime, store, world);
    ASSERT_TRUE(process.ledger.start());
    process.add(5);
    runtime.run_ready();
  }
  Snapshot unreadable{.seq = 2, .body = {{"counter", "from the future"}}};
  store.put_snapshot(unreadable, [](const Status& status) { ASSERT_TRUE(status); });
  Process next(runtime, store, world);
  ASSERT_TRUE(next.ledger.start());
  EXPECT_EQ(next.counter.total, 5);
}

TEST(Ledger, FactsWithoutEndAreCutOffAndNamedAndTheLedgerGoesOn) {
  std::string logged;
  configure_log({.format = LogFormat::kText, .write = [&](auto line) { logged += line; }});
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  process.counter.endless = true;
  ASSERT_TRUE(process.ledger.start());
  process.add(1);
  runtime.run_ready();
  configure_log({});
  EXPECT_THAT(logged, testing::HasSubstr("counter.echoed -> counter.echoed"));
  EXPECT_LT(store.last_sequence(), 100U);
  process.counter.endless = false;
  process.add(1);
  runtime.run_ready();
  EXPECT_EQ(process.answers, (std::vector<std::string>{"ok", "ok"}));
  EXPECT_EQ(process.counter.sent, 4);
}

TEST(Ledger, ACommandOfTooManyFactsIsRefused) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  ASSERT_TRUE(process.ledger.start());
  std::vector<std::string> answers;
  for (const auto count : std::initializer_list<std::size_t>{9'000, 9'001}) {
    process.ledger.command(
        {},
        [count](Timestamp) -> Result<Decision> {
          return Decision{std::vector<NewFact>(count, Counter::echo()), {}};
        },
        [&](const auto& facts) { answers.push_back(facts ? "ok" : facts.error().message); });
    runtime.run_ready();
  }
  EXPECT_EQ(answers,
            (std::vector<std::string>{
                "ok", "this would record 9001 facts at once, at most 9000 fit; do it in parts"}));
}

TEST(Ledger, AStreamsFactsAreCountedOnHoweverManyStreamsATurnTouches) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  Counter counter;
  Ledger ledger(runtime.runtime(), store, {&counter}, {.cached_version_count = 1});
  ASSERT_TRUE(ledger.start());
  for (int turn = 0; turn < 2; ++turn) {
    ledger.command(
        {},
        [](Timestamp) -> Result<Decision> {
          Decision decision;
          for (const auto* stream : {"a", "b", "c", "a"})
            decision.facts.push_back({.stream = stream, .type = "counter.echoed"});
          return decision;
        },
        [](const auto&) {});
    runtime.run_ready();
    EXPECT_FALSE(ledger.failed());
  }
  EXPECT_EQ(store.stream_version("a"), 4U);
  EXPECT_EQ(store.stream_version("b"), 2U);
}

TEST(Ledger, AnOutcomeThatSaysTooMuchIsCutAndNotPerformedAgain) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  for (int start = 0; start < 2; ++start) {
    Process process(runtime, store, world);
    process.counter.said = std::string(4096, '\0');
    ASSERT_TRUE(process.ledger.start());
    if (start == 0) process.add(1);
    runtime.run_ready();
  }
  EXPECT_EQ(world.performed, (std::map<std::string, int>{{"log/1", 1}, {"page/1", 1}}));
  const auto facts = store.read({.type_prefix = "counter.sent"});
  ASSERT_EQ(facts->size(), 2U);
  for (const auto& fact : *facts) {
    EXPECT_LE(to_text(fact.body).size(), kMaxBodyBytes);
    EXPECT_TRUE(text_or(fact.body, "said").ends_with("[…]"));
  }
}

TEST(LedgerDeathTest, ADomainThatIsDueAndDecidesNothingIsABugThatIsNamed) {
  VirtualRuntime runtime;
  MemoryStore store(runtime.runtime().strand);
  World world;
  Process process(runtime, store, world);
  process.counter.stuck = true;
  ASSERT_TRUE(process.ledger.start());
  process.add(1);
  EXPECT_DEATH(runtime.run_for(2h), "domain counter is due");
}

/// Three commands a minute apart with one crash, then quiet. Returns every fact as text.
std::string story(std::uint64_t crash_at, MemoryStore::Fault fault, bool& crashed) {
  VirtualRuntime runtime(7);
  MemoryStore store(runtime.runtime().strand);
  World world;
  store.set_hook([&](std::uint64_t append, const Batch&) {
    return append == crash_at ? fault : MemoryStore::Fault::kNone;
  });
  auto process = std::make_unique<Process>(runtime, store, world, 4);
  EXPECT_TRUE(process->ledger.start());
  int acknowledged = 0;
  const auto step = [&] {
    runtime.run_for(61s);
    if (!store.crashed()) return;
    crashed = true;
    acknowledged += process->acknowledged;
    process.reset();
    runtime.crash();
    store.recover();
    process = std::make_unique<Process>(runtime, store, world, 4);
    EXPECT_TRUE(process->ledger.start());
    runtime.run_for(61s);
  };
  for (int i = 1; i <= 3; ++i) {
    process->add(i);
    step();
  }
  step();
  acknowledged += process->acknowledged;

  EXPECT_TRUE(store.open_intents()->empty()) << "a story without an end";
  int added = 0, answered = 0;
  const auto facts = store.read({.limit = 1000});
  for (const auto& fact : *facts) {
    if (fact.type == "counter.sent" || fact.type == "counter.asked") ++answered;
    if (fact.type != "counter.added") continue;
    ++added;
    EXPECT_GE(world.performed[fmt::format("log/{}", fact.seq)], 1) << "a repeatable one is lost";
    EXPECT_LE(world.performed[fmt::format("page/{}", fact.seq)], 1) << "one ran twice";
  }
  EXPECT_GE(added, acknowledged) << "acknowledged, and lost";
  EXPECT_EQ(answered, 2 * added) << "an intent without its outcome";

  Counter replayed;
  for (const auto& fact : *facts) replayed.apply(fact);
  EXPECT_EQ(replayed.snapshot(), process->counter.snapshot());
  return all_lines(store);
}

TEST(Ledger, ACrashAtAnyAppendLosesNoIntentAndRunsNothingTwice) {
  for (const auto fault : {MemoryStore::Fault::kCrashBefore, MemoryStore::Fault::kCrashAfter}) {
    bool crashed = true;
    std::uint64_t crash_at = 1;
    for (; crashed; ++crash_at) {
      SCOPED_TRACE(fmt::format("crash {} append {}",
                               fault == MemoryStore::Fault::kCrashBefore ? "before" : "after",
                               crash_at));
      crashed = false;
      const auto first = story(crash_at, fault, crashed);
      EXPECT_EQ(first, story(crash_at, fault, crashed)) << "same seed, other bytes";
    }
    EXPECT_GT(crash_at, 12u) << "the story has fewer appends than expected";
  }
}

}  // namespace
}  // namespace wellrun::journal
