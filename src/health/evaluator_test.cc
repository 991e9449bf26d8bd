#include "health/evaluator.h"

#include <cmath>
#include <gtest/gtest.h>

#include "catalog/kinds/budget_policy.h"
#include "catalog/kinds/rule_group.h"
#include "catalog/kinds/workload.h"
#include "facts/catalog.h"
#include "health/alert_fsm.h"
#include "health/kpi_api.h"
#include "health/operations/operations_record.h"
#include "health/slo/sli_queries.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;
using telemetry::InstantResult;
using telemetry::InstantSeries;

/// A small world: answers by text of the query; ALERTS_FOR_STATE and the last evaluation from what
/// was written.
class World final : public telemetry::Querier, public telemetry::MetricWriter {
 public:
  explicit World(Strand& strand) : strand_(strand) {}

  std::map<std::string, std::vector<InstantSeries>> answers;
  /// By what the query begins with, where no answer is for the whole of it.
  std::map<std::string, std::vector<InstantSeries>> answers_to_all;
  std::vector<telemetry::SeriesWrite> written;
  std::map<std::string, int> asked;  ///< how often each question was
  bool failing = false;
  std::string fails_at;              ///< the one question that fails
  bool silent = false;               ///< questions get no answer at all
  std::function<void()> when_asked;  ///< once, while the next question is under way
  bool full = false;                 ///< no sample is taken
  bool dead = false;

  void instant(std::string promql, Timestamp time,
               std::move_only_function<void(Result<InstantResult>)> done) override {
    ++asked[promql];
    if (silent) return;
    if (auto then = std::exchange(when_asked, {})) then();
    strand_.post(
        [answer = answer_to(promql, time), done = std::move(done)]() mutable { done(answer); });
  }

  /// True: a write of this metric ends the process before it is stored.
  std::string dies_at;

  Result<telemetry::WriteOutcome> write(std::vector<telemetry::SeriesWrite> series) override {
    if (!dies_at.empty() && series.front().labels.metric_name() == dies_at) {
      dies_at.clear();
      dead = true;
    }
    if (dead) return fail(ErrorCode::kIo, "the process is gone");
    if (full) return fail(ErrorCode::kNoSpace, "no room");
    for (auto& each : series) written.push_back(std::move(each));
    return telemetry::WriteOutcome{};
  }
  void put_metadata(std::vector<telemetry::Metadata>) override {}

  /// What `name` was at `time`, stale series left out.
  std::vector<InstantSeries> at(std::string_view name, Timestamp time) const {
    std::map<Labels, double> last;
    for (const auto& write : written) {
      if (write.labels.metric_name() != name || write.samples.front().time_ms > to_unix_ms(time))
        continue;
      const double value = write.samples.front().value;
      telemetry::is_stale_marker(value) ? (void)last.erase(write.labels)
                                        : (void)(last[write.labels] = value);
    }
    std::vector<InstantSeries> result;
    for (const auto& [labels, value] : last) result.push_back({labels, value});
    return result;
  }

  /// ALERTS_FOR_STATE's samples in (from, to], stale markers left out.
  std::vector<InstantSeries> written_after(Timestamp from, Timestamp to) const {
    std::map<Labels, double> last;
    for (const auto& write : written) {
      const auto time = from_unix_ms(write.samples.front().time_ms);
      const double value = write.samples.front().value;
      if (write.labels.metric_name() == "ALERTS_FOR_STATE" && time > from && time <= to &&
          !telemetry::is_stale_marker(value))
        last[write.labels] = value;
    }
    std::vector<InstantSeries> result;
    for (const auto& [labels, value] : last) result.push_back({labels, value});
    return result;
  }
  /// Of the group that `promql` asks for.
  std::vector<InstantSeries> marks(const std::string& promql, Timestamp time) const {
    auto marks = at("wellrun_rule_group_last_evaluation_timestamp_seconds", time);
    std::erase_if(marks, [&](const InstantSeries& each) {
      return promql.find(fmt::format("\"{}\"", each.labels.get("rule_group"))) == std::string::npos;
    });
    return marks;
  }
  Timestamp last_evaluation(const std::string& promql, Timestamp time) const {
    const auto slo = promql.find("slo=\"");
    const auto last =
        slo == std::string::npos
            ? marks("\"shop\"", time)
            : marks("\"slos/" + promql.substr(slo + 5, promql.find('"', slo + 5) - slo - 5) + "\"",
                    time);
    return last.empty() ? Timestamp{} : from_unix_ms(std::llround(last.front().value * 1000));
  }

 private:
  Result<InstantResult> answer_to(const std::string& promql, Timestamp time) const {
    if (failing || promql == fails_at) return fail(ErrorCode::kDeadline, "too slow");
    InstantResult result;
    if (promql.starts_with("last_over_time(wellrun")) {
      result.series = marks(promql, time);
    } else if (promql.starts_with("last_over_time(ALERTS_FOR_STATE")) {
      result.series = written_after(last_evaluation(promql, time), time);
    } else if (promql.starts_with("ALERTS_FOR_STATE")) {
      result.series = at("ALERTS_FOR_STATE", time);
    } else if (const auto found = answers.find(promql); found != answers.end()) {
      result.series = found->second;
    } else {
      for (const auto& [begin, series] : answers_to_all)
        if (promql.starts_with(begin)) result.series = series;
    }
    return result;
  }

  Strand& strand_;
};

template <typename T>
void put(catalog::Catalog& catalog, T value, Timestamp now) {
  static int count = 0;
  catalog::Resource resource;
  resource.kind = T::kKind;
  resource.name = value.metadata.name;
  resource.digest = std::to_string(++count);
  resource.provenance.applied_at = now;
  resource.value = std::make_shared<T>(std::move(value));
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

struct EvaluatorTest : testing::Test {
  VirtualRuntime time;
  World world{time.runtime().strand};
  journal::MemoryStore store{time.runtime().strand};
  catalog::Catalog catalog;
  std::unique_ptr<HealthDomain> domain;
  std::unique_ptr<journal::Ledger> ledger;
  telemetry::CommitWatch commits{world};
  bool watching = false;
  operations::OperationsRecord record;
  Timestamp last_sample{};
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<Clock> other_clock;  ///< when it is there, the evaluator's

  EvaluatorTest() {
    catalog::RuleGroup group;
    group.metadata.name = "shop";
    group.workload.name = "shop";
    group.interval = 10s;
    catalog::Rule rule;
    rule.alert = "HighErrors";
    rule.expr = "errors > 0.1";
    rule.for_ = 60s;
    rule.labels = {{"severity", "page"}};
    group.rules.push_back(rule);
    put(catalog, group, time.now());
  }

  /// What is good of all in each window of the SLO.
  void good_of_all(double good, double all) {
    for (const auto* window : {"30s", "10s", "4w"}) {
      world.answers[fmt::format("sum(increase(good[{}]))", window)] = {{Labels{}, good}};
      world.answers[fmt::format("sum(increase(total[{}]))", window)] = {{Labels{}, all}};
    }
  }
  void start() {
    domain = std::make_unique<HealthDomain>();
    ledger = std::make_unique<journal::Ledger>(time.runtime(), store,
                                               std::vector<journal::Domain*>{domain.get()});
    ASSERT_TRUE(ledger->start());
    EvaluatorOptions options;
    options.commits = watching ? &commits : nullptr;
    options.operations = &record;
    options.last_sample = last_sample;
    const auto its = time.runtime();
    evaluator = std::make_unique<Evaluator>(
        Runtime{other_clock ? *other_clock : its.clock, its.random, its.strand, its.workers},
        catalog, world, commits, *ledger, *domain, options);
    evaluator->start();
  }

  /// A sample of `name` arrives from outside.
  void commit(std::string_view name) {
    telemetry::SeriesWrite write;
    write.labels.set("__name__", name);
    write.samples.push_back({to_unix_ms(time.now()), 1});
    ASSERT_TRUE(commits.write({write}));
  }

  void kill_and_restart(Duration outage = 0s) {
    last_sample = time.now();
    time.crash();
    world.dead = false;
    evaluator.reset();
    ledger.reset();
    domain.reset();
    time.run_for(outage);
    store.recover();
    start();
  }

  void decide(std::function<journal::Decision()> decision) {
    ledger->command(
        {}, [decision](Timestamp) { return Result<journal::Decision>(decision()); },
        [](const Result<std::vector<journal::Fact>>&) {});
  }

  /// The catalog was applied with what a test changed in it.
  void apply() {
    ledger->command(
        {},
        [](Timestamp) {
          journal::NewFact fact;
          fact.stream = "catalog";
          fact.type = facts::CatalogApplied::kType;
          fact.body = facts::to_json(facts::CatalogApplied{});
          journal::Decision decision;
          decision.facts.push_back(std::move(fact));
          return Result<journal::Decision>(std::move(decision));
        },
        [](const Result<std::vector<journal::Fact>>&) {});
    time.run_for(1s);
  }

  std::vector<std::string> facts() const {
    std::vector<std::string> types;
    const auto read = store.read({});
    for (const auto& fact : *read) types.push_back(fact.type);
    return types;
  }

  void breaks() { world.answers["errors > 0.1"] = {{Labels{{"job", "shop"}}, 0.5}}; }
  void heals() { world.answers.clear(); }
};

using Strings = std::vector<std::string>;

/// Of which the steady part advances by 250 µs at each look.
class BriskClock final : public Clock {
 public:
  explicit BriskClock(Clock& wall) : wall_(wall) {}
  Timestamp now() const override { return wall_.now(); }
  std::chrono::nanoseconds steady() const override {
    return wall_.steady() + ++looks_ * std::chrono::microseconds(250);
  }

 private:
  Clock& wall_;
  mutable int looks_ = 0;
};

TEST_F(EvaluatorTest, HowLongARuleTookIsTakenBelowMilliseconds) {
  other_clock = std::make_unique<BriskClock>(time.runtime().clock);
  start();
  time.run_for(15s);
  const auto took = evaluator->groups().front().rules.front().evaluation_time;
  EXPECT_GT(took, 0ns);
  EXPECT_LT(took, 5ms);
  EXPECT_NE(took % 1ms, 0ns);
}

/// At its interval, and between when samples come; an alert that is pending then begins anew.
TEST_F(EvaluatorTest, AClockSetBackHoldsNoRuleUp) {
  for (const bool watched : {false, true}) {
    watching = watched;
    kill_and_restart();
    heals();
    time.run_for(1min);
    const auto before = facts().size();
    breaks();
    if (watched) commit("errors");
    time.run_for(15s);
    EXPECT_EQ(world.at("ALERTS_FOR_STATE", time.now()).size(), 1U);
    time.set_clock(-5h);
    if (watched) commit("errors");
    time.run_for(watched ? 61s : 75s);
    EXPECT_EQ(facts().size(), before + 1) << "it fires in its time";
    heals();
    if (watched) commit("errors");
    time.run_for(watched ? 1s : 11s);
    EXPECT_EQ(facts().size(), before + 2) << "and ends";
  }
}

TEST_F(EvaluatorTest, AnAlertThatHoldsLongEnoughBecomesAFactWithItsValues) {
  start();
  breaks();
  time.run_for(50s);
  EXPECT_EQ(facts(), Strings{}) << "pending is telemetry, not a fact";
  EXPECT_EQ(world.at("ALERTS_FOR_STATE", time.now()).size(), 1U);
  time.run_for(30s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.workload, "shop");
  EXPECT_EQ(fired.severity, "page");
  EXPECT_EQ(fired.value, 0.5);
  heals();
  time.run_for(20s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}));
  EXPECT_TRUE(world.at("ALERTS", time.now()).empty()) << "the series ends with a stale marker";
}

TEST_F(EvaluatorTest, APendingAlertFiresAtItsOriginalDueTimeAfterAKill) {
  start();
  breaks();
  time.run_for(40s);
  const auto active_at = from_unix_ms(
      static_cast<std::int64_t>(world.at("ALERTS_FOR_STATE", time.now()).front().value * 1000));
  kill_and_restart(5s);
  time.run_until(active_at + 59s);
  EXPECT_EQ(facts(), Strings{});
  time.run_until(active_at + 70s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  EXPECT_EQ(store.read({})->front().body.get<facts::AlertFired>().active_since,
            format_rfc3339(active_at));
}

TEST_F(EvaluatorTest, AnAlertThatBecamePendingInTheEvaluationOfTheKillKeepsItsTime) {
  start();
  time.run_for(30s);
  breaks();
  // Its state is written; the group's evaluation never ends.
  world.dies_at = "wellrun_rule_group_last_evaluation_timestamp_seconds";
  time.run_for(10s);
  const auto active_at =
      from_unix_ms(std::llround(world.written.back().samples.front().value * 1000));
  ASSERT_EQ(world.written.back().labels.metric_name(), "ALERTS_FOR_STATE");
  kill_and_restart(25s);
  time.run_until(active_at + 59s);
  EXPECT_EQ(facts(), Strings{});
  time.run_until(active_at + 70s);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

TEST_F(EvaluatorTest, ARuleIsDueSoonAfterTheSamplesThatItReadsWereCommitted) {
  watching = true;
  catalog::RuleGroup group;
  group.metadata.name = "fast";
  group.interval = 600s;
  catalog::Rule rule;
  rule.alert = "Down";
  rule.expr = "up == 0";
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  start();
  time.run_for(601s);  // the group was evaluated once
  commit("up");
  time.run_for(2s);
  EXPECT_EQ(facts(), Strings{});
  world.answers["up == 0"] = {{Labels{{"job", "shop"}}, 0}};
  commit("other");
  time.run_for(5s);
  EXPECT_EQ(facts(), Strings{}) << "nothing that it reads came";
  commit("up");
  time.run_for(150ms);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  EXPECT_EQ(world.at("ALERTS", time.now()).size(), 1U);
  const auto before = world.written.size();
  commit("up");
  time.run_for(2s);
  EXPECT_EQ(world.written.size(), before + 1) << "what does not change is not written in between";
  world.answers.clear();
  commit("up");
  time.run_for(1s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}));
  EXPECT_TRUE(world.at("ALERTS", time.now()).empty());
}

TEST_F(EvaluatorTest, APendingAlertIsLookedAtWhenItMayFire) {
  watching = true;
  start();
  time.run_for(11s);
  breaks();
  commit("errors");
  time.run_for(200ms);
  const auto pending = world.at("ALERTS_FOR_STATE", time.now());
  ASSERT_EQ(pending.size(), 1U);
  const auto active_at = from_unix_ms(std::llround(pending.front().value * 1000));
  time.run_until(active_at + 59'999ms);
  EXPECT_EQ(facts(), Strings{});
  time.run_until(active_at + 60'050ms);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

TEST_F(EvaluatorTest, AStateOfBetweenTwoIntervalsSurvivesAKill) {
  watching = true;
  start();
  time.run_for(11s);
  breaks();
  commit("errors");
  time.run_for(200ms);
  const auto active_at =
      from_unix_ms(std::llround(world.at("ALERTS_FOR_STATE", time.now()).front().value * 1000));
  kill_and_restart(20s);
  time.run_until(active_at + 59'999ms);
  EXPECT_EQ(facts(), Strings{});
  time.run_until(active_at + 70s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  EXPECT_EQ(store.read({})->front().body.get<facts::AlertFired>().active_since,
            format_rfc3339(active_at));
}

TEST_F(EvaluatorTest, AnIntervalThatPassesDuringAPartIsMadeUpFor) {
  watching = true;
  start();
  time.run_for(5min);
  const auto group = evaluator->groups().front();
  for (int i = 0; i < 100; ++i) {
    commit("errors");
    time.run_for(137ms);
  }
  EXPECT_GE(evaluator->groups().front().last_evaluation, group.last_evaluation + 10s);
}

TEST_F(EvaluatorTest, TemplatesMayAskAndTheFactSaysWhy) {
  catalog::RuleGroup group;
  group.metadata.name = "why";
  group.interval = 10s;
  catalog::Rule rule;
  rule.alert = "Ratio";
  rule.expr = "bad / all > 0.1";
  rule.annotations = {
      {"summary", "{{ with query \"n\" }}{{ . | first | value }}{{ end }} of {{ $labels.job }}"}};
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  world.answers["bad / all > 0.1"] = {{Labels{{"job", "shop"}}, 0.5}};
  world.answers["bad / all"] = {{Labels{{"job", "other"}}, 0}, {Labels{{"job", "shop"}}, 0.5}};
  world.answers["bad"] = {{Labels{{"job", "shop"}}, 5}};
  world.answers["all"] = {{Labels{{"job", "shop"}}, 10}};
  world.answers["n"] = {{Labels{}, 7}};
  start();
  time.run_for(15s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.annotations.at("summary"), "7 of shop");
  ASSERT_EQ(fired.evidence.size(), 3U);
  EXPECT_EQ(fired.evidence[0]["expr"], "bad / all");
  EXPECT_EQ(fired.evidence[0]["count"], 1);
  EXPECT_EQ(fired.evidence[1]["series"][0]["value"], 5);
  EXPECT_EQ(fired.evidence[2]["series"][0]["value"], 10);
}

/// Each of its values is long, as is its text; its neighbour in the group is not.
TEST_F(EvaluatorTest, ALargeAlertIsCutToWhatAFactHoldsAndItsGroupGoesOn) {
  catalog::RuleGroup group;
  group.metadata.name = "large";
  group.interval = 10s;
  catalog::Rule large;
  large.alert = "Large";
  large.expr = "bad / all > 0.1";
  large.labels = {{"severity", "page"}};
  large.annotations = {{"description", std::string(20'000, 'x')}, {"summary", "It fails"}};
  catalog::Rule small;
  small.alert = "Small";
  small.expr = "small";
  group.rules = {large, small};
  put(catalog, group, time.now());
  const Labels labels{{"job", "shop"}, {"id", std::string(3000, '\x01')}};
  for (const auto* query : {"bad / all > 0.1", "bad / all", "bad", "all"})
    world.answers[query] = {{labels, 0.5}};
  world.answers["small"] = {{Labels{}, 1}};
  start();
  time.run_for(15s);
  ASSERT_EQ(facts(), (Strings{"alert.fired", "alert.fired"}));
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.alert, "Large") << "pages come first";
  EXPECT_EQ(fired.labels.at("job"), "shop");
  EXPECT_EQ(fired.annotations.at("summary"), "It fails");
  EXPECT_TRUE(fired.annotations.at("description").starts_with("xxx"));
  EXPECT_TRUE(fired.annotations.at("description").ends_with("…"));
  EXPECT_EQ(fired.evidence.size(), 3U);
  EXPECT_EQ(evaluator->groups().front().rules.front().health, "ok");
  kill_and_restart();
  time.run_for(1min);
  EXPECT_EQ(facts().size(), 2U) << "it is known again by its whole labels";
  heals();
  time.run_for(20s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.fired", "alert.resolved", "alert.resolved"}));
}

TEST_F(EvaluatorTest, WhatTheJournalDoesNotTakeIsSaidOfTheRule) {
  start();
  breaks();
  time.run_for(30s);
  store.set_hook(
      [](std::uint64_t, const journal::Batch&) { return journal::MemoryStore::Fault::kFail; });
  ledger->command(
      {}, [](Timestamp) { return Result<journal::Decision>(journal::Decision{{{}}, {}}); },
      [](const Result<std::vector<journal::Fact>>&) {});
  time.run_for(60s);
  ASSERT_TRUE(ledger->failed());
  EXPECT_EQ(facts(), Strings{});
  const auto refused = evaluator->groups().front().rules.front();
  EXPECT_EQ(refused.health, "err");
  EXPECT_NE(refused.last_error.find("cannot be recorded"), std::string::npos) << refused.last_error;
}

/// The greater the outage, the more series a rule has.
TEST_F(EvaluatorTest, OfMoreSeriesThanAreFollowedTheFirstFire) {
  catalog::RuleGroup group;
  group.metadata.name = "targets";
  group.workload.name = "shop";
  group.interval = 10s;
  catalog::Rule rule;
  rule.alert = "Down";
  rule.expr = "up == 0";
  rule.labels = {{"severity", "page"}};
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  const auto down = [&](int first, int end) {
    auto& series = world.answers["up == 0"];
    series.clear();
    for (int i = first; i < end; ++i)
      series.push_back({Labels{{"instance", std::to_string(i)}}, 0});
  };
  down(0, 100);
  start();
  time.run_for(15s);
  EXPECT_EQ(domain->firing().size(), 100U);
  down(0, 600);
  time.run_for(6min);
  EXPECT_EQ(domain->firing().size(), kMaxAlertsPerRule);
  const auto all = facts();
  EXPECT_EQ(std::ranges::count(all, "alert.resolved"), 0) << "what fires already is among them";
  const auto reading = evaluator->groups().back().rules.front();
  EXPECT_EQ(reading.health, "err");
  EXPECT_NE(reading.last_error.find("600 active series"), std::string::npos) << reading.last_error;
  down(0, 300);
  time.run_for(6min);
  EXPECT_EQ(domain->firing().size(), 300U);
  EXPECT_EQ(evaluator->groups().back().rules.front().health, "ok");
}

TEST_F(EvaluatorTest, ALabelNamesTheWorkloadOfAnAlertOnlyWhenTheCatalogKnowsIt) {
  catalog::Workload payments;
  payments.metadata.name = "payments";
  put(catalog, payments, time.now());
  start();
  world.answers["errors > 0.1"] = {{Labels{{"workload", "payments"}}, 0.5},
                                   {Labels{{"workload", "checkout-7f9c"}}, 0.5}};
  time.run_for(80s);
  std::map<std::string, std::string> workloads;
  for (const auto& [fingerprint, alert] : domain->firing())
    workloads[alert.fired.labels.at("workload")] = alert.fired.workload;
  EXPECT_EQ(workloads, (std::map<std::string, std::string>{{"payments", "payments"},
                                                           {"checkout-7f9c", "shop"}}))
      << "a deployment's name is no workload: its alert goes to the group's";
}

TEST_F(EvaluatorTest, ALimitEndsTheRulesAlerts) {
  catalog::RuleGroup group;
  group.metadata.name = "limited";
  group.interval = 10s;
  group.limit = 1;
  catalog::Rule rule;
  rule.alert = "Many";
  rule.expr = "many";
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  world.answers["many"] = {{Labels{{"i", "1"}}, 1}};
  start();
  time.run_for(15s);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
  world.answers["many"].push_back({Labels{{"i", "2"}}, 1});
  time.run_for(10s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}));
  EXPECT_EQ(evaluator->groups().front().limit, 1);
}

TEST_F(EvaluatorTest, AFiringAlertIsNotFiredAgainAfterARestart) {
  start();
  breaks();
  time.run_for(90s);
  kill_and_restart();
  time.run_for(5min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
  heals();
  time.run_for(20s);
  EXPECT_EQ(facts().back(), "alert.resolved");
}

/// Rules of one name and severity, as Kubernetes' KubeAPIErrorBudgetBurn, told apart by their
/// labels or only by what their expressions give.
catalog::RuleGroup burns(Duration hold, bool labelled) {
  catalog::RuleGroup group;
  group.metadata.name = "shop";
  group.interval = 10s;
  for (const auto* window : {"long", "short"}) {
    catalog::Rule rule;
    rule.alert = "Burn";
    rule.expr = fmt::format("burn:{} > 1", window);
    rule.for_ = hold;
    rule.labels = {{"severity", "critical"}};
    if (labelled) rule.labels["window"] = window;
    group.rules.push_back(rule);
  }
  return group;
}

TEST_F(EvaluatorTest, RulesOfOneNameTakeUpOnlyTheirOwnAlertsAfterARestart) {
  for (const bool labelled : {true, false}) {
    for (const auto* window : {"long", "short"}) {
      put(catalog, burns(0s, labelled), time.now());
      kill_and_restart();
      time.run_for(30s);
      const auto before = facts().size();
      world.answers[fmt::format("burn:{} > 1", window)] = {{Labels{{"svc", window}}, 2}};
      time.run_for(20s);
      ASSERT_EQ(facts().size(), before + 1);
      kill_and_restart();
      time.run_for(1min);
      EXPECT_EQ(facts().size(), before + 1) << "it neither ends nor fires anew: " << window;
      heals();
      time.run_for(20s);
      EXPECT_EQ(facts().size(), before + 2);
      EXPECT_EQ(facts().back(), "alert.resolved");
    }
  }
}

TEST_F(EvaluatorTest, AnAlertOfOneOfSeveralRulesGoesOnUntilAllOfThemWereEvaluated) {
  put(catalog, burns(0s, false), time.now());
  start();
  world.answers["burn:short > 1"] = {{Labels{{"svc", "a"}}, 2}};
  time.run_for(20s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  world.fails_at = "burn:short > 1";
  kill_and_restart();
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

/// The order changes, too, and another one comes first.
TEST_F(EvaluatorTest, RulesThatShareTheirNameAndLabelsEachGoOnAfterAnEdit) {
  auto group = burns(1min, false);
  put(catalog, group, time.now());
  start();
  world.answers["burn:long > 1"] = {{Labels{{"svc", "a"}}, 2}};
  world.answers["burn:short > 1"] = {{Labels{{"svc", "b"}}, 2}};
  time.run_for(75s);
  ASSERT_EQ(facts(), (Strings{"alert.fired", "alert.fired"}));
  group.interval = 11s;
  put(catalog, group, time.now());
  apply();
  time.run_for(30s);
  std::ranges::reverse(group.rules);
  group.rules.insert(group.rules.begin(), group.rules.front());
  group.rules.front().expr = "burn:fast > 1";
  put(catalog, group, time.now());
  apply();
  time.run_for(30s);
  const auto all = facts();
  EXPECT_EQ(std::ranges::count(all, "alert.fired"), 2);
  EXPECT_EQ(std::ranges::count(all, "alert.resolved"), 0);
}

TEST_F(EvaluatorTest, AnAlertWhoseSeverityIsATemplateIsTakenUpAfterARestart) {
  catalog::RuleGroup group;
  group.metadata.name = "shop";
  group.interval = 10s;
  catalog::Rule rule;
  rule.alert = "HighErrors";
  rule.expr = "errors > 0.1";
  rule.labels = {{"severity", "{{ if gt $value 0.4 }}page{{ else }}ticket{{ end }}"}};
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  start();
  breaks();
  time.run_for(20s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  world.failing = true;
  kill_and_restart();
  time.run_for(1min);
  EXPECT_EQ(evaluator->groups().front().rules.front().alerts.size(), 1U);
}

TEST_F(EvaluatorTest, AQueryThatFailsChangesNothing) {
  start();
  breaks();
  time.run_for(90s);
  world.failing = true;
  time.run_for(5min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
  EXPECT_EQ(evaluator->groups().front().rules.front().health, "err");
}

TEST_F(EvaluatorTest, RulesThatCannotBeEvaluatedForFiveMinutesAreAnAlertOfTheirWorkload) {
  start();
  time.run_for(30s);
  world.failing = true;
  time.run_for(4min);
  EXPECT_EQ(facts(), Strings{});
  time.run_for(3min);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.alert, "RulesNotEvaluated");
  EXPECT_EQ(fired.severity, "page") << "as the rule that it is about";
  EXPECT_EQ(fired.workload, "shop");
  EXPECT_TRUE(fired.annotations.at("summary").starts_with("HighErrors of rule group shop has not"));
  EXPECT_TRUE(fired.annotations.at("summary").ends_with(": too slow"))
      << fired.annotations.at("summary");
  kill_and_restart();
  time.run_for(10min);
  EXPECT_EQ(facts().size(), 1U) << "it goes on over a restart";
  world.failing = false;
  time.run_for(2min);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}));
}

/// As when a question's answer is lost: nothing says that it failed.
TEST_F(EvaluatorTest, RulesWhoseQuestionIsNeverAnsweredAreAnAlertToo) {
  start();
  time.run_for(30s);
  world.silent = true;
  time.run_for(7min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

/// A full disk: without samples every alert soon looks as if all were well.
TEST_F(EvaluatorTest, RulesWhoseStoreTakesNoSamplesAreAnAlertToo) {
  start();
  time.run_for(30s);
  world.full = true;
  time.run_for(7min);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_TRUE(fired.annotations.at("summary").ends_with(": no room"))
      << fired.annotations.at("summary");
}

TEST_F(EvaluatorTest, AWorkloadWhoseNewSeriesAreRefusedIsATicketUntilItHasRoom) {
  catalog::Workload shop;
  shop.metadata.name = "shop";
  put(catalog, shop, time.now());
  start();
  facts::SeriesLimitReached reached;
  reached.workload = "shop";
  reached.series = reached.limit = 1000;
  reached.metrics = Json::array({{{"name", "orders"}, {"series", 990}}});
  reached.labels = Json::array({{{"name", "user_id"}, {"values", 980}}});
  decide([this, reached] { return domain->reach_series_limit(reached); });
  time.run_for(2min);
  EXPECT_EQ(facts(), (Strings{"series_limit.reached", "alert.fired"}));
  const auto fired = store.read({})->back().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.alert, "SeriesLimitReached");
  EXPECT_EQ(fired.workload, "shop");
  EXPECT_EQ(fired.severity, "ticket");
  for (const auto* part : {"limit", "1000", "orders (990 series)", "user_id (980 values)"})
    EXPECT_TRUE(fired.annotations.at("summary").contains(part)) << fired.annotations.at("summary");
  kill_and_restart();
  time.run_for(10min);
  EXPECT_EQ(facts().size(), 2U) << "it goes on over a restart, and is told once";
  decide([this] { return domain->clear_series_limit({"shop", "", 10, 1000}); });
  time.run_for(2min);
  EXPECT_EQ(facts().back(), "alert.resolved");
}

TEST_F(EvaluatorTest, ARuleThatPagesNobodyIsNotMissed) {
  catalog::RuleGroup group;
  group.metadata.name = "shop";
  group.interval = 10s;
  catalog::Rule rule;
  rule.alert = "ForTheRecord";
  rule.expr = "errors > 0.1";
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  start();
  world.failing = true;
  time.run_for(30min);
  EXPECT_EQ(facts(), Strings{});
}

/// After an outage longer than the look-back: one target is scraped before another, and the rule
/// has no answer yet.
TEST_F(EvaluatorTest, AnAlertThatFiredBeforeAnOutageIsNotResolvedBeforeItCouldBeMeasured) {
  start();
  breaks();
  time.run_for(90s);
  heals();
  kill_and_restart(10min);
  time.run_for(2min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
  breaks();
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{"alert.fired"}) << "nor fired again";
  heals();
  time.run_for(20s);
  EXPECT_EQ(facts().back(), "alert.resolved") << "it was seen to hold, and to end";
  breaks();
  time.run_for(90s);
  heals();
  kill_and_restart(10min);
  time.run_for(4min);
  EXPECT_EQ(facts().back(), "alert.fired");
  time.run_for(2min);
  EXPECT_EQ(facts().back(), "alert.resolved") << "it ended meanwhile";
}

TEST_F(EvaluatorTest, AnAlertWhoseRuleWasRemovedResolves) {
  start();
  breaks();
  time.run_for(90s);
  catalog.remove("RuleGroup", "shop", time.now());
  kill_and_restart();
  time.run_for(1s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}));
}

TEST_F(EvaluatorTest, RecordingRulesAreWritten) {
  catalog::RuleGroup group;
  group.metadata.name = "records";
  group.interval = 10s;
  catalog::Rule rule;
  rule.record = "shop:errors:rate1m";
  rule.expr = "q";
  rule.labels = {{"team", "a"}};
  group.rules.push_back(rule);
  put(catalog, group, time.now());
  world.answers["q"] = {{Labels{{"job", "shop"}}, 2}};
  start();
  time.run_for(25s);
  const auto recorded = world.at("shop:errors:rate1m", time.now());
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded.front().labels.get("team"), "a");
  EXPECT_EQ(recorded.front().value, 2);
}

catalog::RuleGroup recording(const std::string& name, const std::string& team) {
  catalog::RuleGroup group;
  group.metadata.name = name;
  group.interval = 10s;
  catalog::Rule rule;
  rule.record = "shop:errors:rate1m";
  rule.expr = "q";
  rule.labels = {{"team", team}};
  group.rules.push_back(rule);
  return group;
}

TEST_F(EvaluatorTest, WhatAnEditedRuleWroteEndsWithTheNextEvaluation) {
  put(catalog, recording("records", "a"), time.now());
  world.answers["q"] = {{Labels{{"job", "shop"}}, 2}};
  start();
  time.run_for(25s);
  put(catalog, recording("records", "b"), time.now());
  apply();
  time.run_for(11s);
  const auto recorded = world.at("shop:errors:rate1m", time.now());
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded.front().labels.get("team"), "b");
}

TEST_F(EvaluatorTest, WhatARemovedGroupWroteEnds) {
  put(catalog, recording("records", "a"), time.now());
  start();
  world.answers["q"] = {{Labels{{"job", "shop"}}, 2}};
  breaks();
  time.run_for(75s);
  EXPECT_EQ(world.at("ALERTS", time.now()).size(), 1U);
  catalog.remove("RuleGroup", "records", time.now());
  catalog.remove("RuleGroup", "shop", time.now());
  apply();
  time.run_for(21s);
  for (const auto* name : {"shop:errors:rate1m", "ALERTS", "ALERTS_FOR_STATE"})
    EXPECT_TRUE(world.at(name, time.now()).empty()) << name;
}

TEST_F(EvaluatorTest, TheSeriesOfAGroupThatOnlyGotAnotherNameGoOn) {
  put(catalog, recording("records", "a"), time.now());
  world.answers["q"] = {{Labels{{"job", "shop"}}, 2}};
  start();
  time.run_for(25s);
  catalog.remove("RuleGroup", "records", time.now());
  put(catalog, recording("renamed", "a"), time.now());
  apply();
  time.run_for(1min);
  EXPECT_EQ(world.at("shop:errors:rate1m", time.now()).size(), 1U);
  EXPECT_TRUE(std::ranges::none_of(world.written, [](const auto& write) {
    return telemetry::is_stale_marker(write.samples.front().value);
  }));
}

TEST_F(EvaluatorTest, AKpiChangesStatusOnceAndNotBackAndForth) {
  catalog::Kpi kpi;
  kpi.metadata.name = "orders";
  kpi.workload.name = "shop";
  kpi.query = "k";
  kpi.target = 10;
  kpi.interval = 10s;
  put(catalog, kpi, time.now());
  world.answers["k"] = {{Labels{}, 12}};
  start();
  time.run_for(1min);
  ASSERT_EQ(facts(), Strings{"kpi.status_changed"});
  for (int i = 0; i < 10; ++i) {
    world.answers["k"] = {{Labels{}, i % 2 == 0 ? 9.9 : 10.1}};
    time.run_for(10s);
  }
  EXPECT_EQ(facts().size(), 1U);
  world.answers["k"] = {{Labels{}, 5}};
  time.run_for(30s);
  ASSERT_EQ(facts().size(), 2U);
  EXPECT_EQ(domain->kpi("orders").status, "missed");
}

/// Such a catalog may have been stored before it was refused; a wait that overflows is over at
/// once.
TEST_F(EvaluatorTest, AnAbsurdIntervalIsWaitedForLikeAnyOther) {
  catalog::Kpi kpi;
  kpi.workload.name = "shop";
  kpi.query = "k";
  kpi.interval = std::chrono::years(200'000'000);
  for (const auto* name : {"orders", "logins", "carts", "refunds", "signups", "searches"}) {
    kpi.metadata.name = name;  // each has its own time
    put(catalog, kpi, time.now());
  }
  int asked = 0;
  std::function<void()> count = [&] {
    if (++asked == 100) time.runtime().strand.post([&] { evaluator->stop(); });
    world.when_asked = count;
  };
  world.when_asked = count;
  start();
  time.run_for(1min);
  EXPECT_LT(asked, 100) << "it is asked again and again, and nothing else gets its turn";
}

TEST_F(EvaluatorTest, FiguresOfOperationsAreOfAWindowThatCanBeReckonedWith) {
  start();
  const operations::OperationsDomain operations(catalog);
  const auto routes = kpi_routes(time.runtime(), *ledger, catalog, *evaluator, *domain, operations);
  const auto figures =
      std::ranges::find(routes, "listOperationsFigures", &http::Route::operation_id);
  for (const auto& [window, status] : std::initializer_list<std::pair<const char*, int>>{
           {"30d", 200}, {"10y", 200}, {"0s", 400}, {"11y", 400}, {"290000000y", 400}}) {
    http::Request request;
    request.query = {{"window", window}};
    int answered = 0;
    figures->handler(request, [&](http::Response response) { answered = response.status; });
    time.run_ready();
    EXPECT_EQ(answered, status) << window;
  }
}

catalog::Slo checkout_slo() {
  catalog::Slo slo;
  slo.metadata.name = "checkout";
  slo.service.name = "shop";
  slo.kpi.name = "orders";
  slo.objectives = {{}};
  slo.objectives.front().target = 0.99;
  slo.alerting.windows = {{"page", 30s, 10s, 5}};
  auto& ratio = slo.indicator.spec.ratio_metric.emplace();
  ratio.good.emplace().metric_source.spec.query = "good";
  ratio.total.emplace().metric_source.spec.query = "total";
  return slo;
}

TEST_F(EvaluatorTest, AnSloWithShortWindowsFiresAndSaysWhatItWasDecidedOn) {
  put(catalog, checkout_slo(), time.now());
  start();
  good_of_all(28, 29);
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{}) << "one failing request at low traffic never pages";
  good_of_all(80, 100);
  time.run_for(10s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.source, "slo");
  EXPECT_EQ(fired.kpi, "orders");
  EXPECT_NEAR(fired.value.get<double>(), 20, 1e-6);
  EXPECT_NE(fired.annotations.at("minimum_events").find("Fewer than 10 events"), std::string::npos);
  good_of_all(100, 100);
  time.run_for(10s);
  EXPECT_EQ(facts().back(), "alert.resolved");
}

TEST_F(EvaluatorTest, AKpiOfOperationsIsComputedFromTheJournalAndKeptAsASeries) {
  catalog::Kpi kpi;
  kpi.metadata.name = "answer";
  kpi.workload.name = "shop";
  kpi.operations = "time-to-acknowledge";
  kpi.direction = "lower";
  kpi.target = 300;
  kpi.interval = 10s;
  put(catalog, kpi, time.now());
  start();
  time.run_for(30s);
  EXPECT_TRUE(world.at("wellrun_kpi_value", time.now()).empty()) << "no incident, no value";
  record.incidents.push_back({.id = "inc-1",
                              .workload = "shop",
                              .opened_at = time.now() - 20min,
                              .acknowledged_at = time.now() - 10min});
  time.run_for(30s);
  const auto kept = world.at("wellrun_kpi_value", time.now());
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().value, 600);
  EXPECT_EQ(kept.front().labels.get("kpi"), "answer");
  EXPECT_EQ(domain->kpi("answer").status, "missed");
}

TEST_F(EvaluatorTest, AnSloThatCannotBeEvaluatedIsAnAlertOfItsService) {
  catalog.remove("RuleGroup", "shop", time.now());
  put(catalog, checkout_slo(), time.now());
  start();
  world.failing = true;
  time.run_for(7min);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  const auto fired = store.read({})->front().body.get<facts::AlertFired>();
  EXPECT_EQ(fired.alert, "SloNotEvaluated");
  EXPECT_EQ(fired.slo, "checkout");
  EXPECT_EQ(fired.workload, "shop");
}

TEST_F(EvaluatorTest, WhatIsNaNIsNotTakenForNoGoodEvents) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(std::nan(""), 0);
  start();
  time.run_for(1min);
  ASSERT_TRUE(evaluator->slo("checkout"));
  EXPECT_EQ(evaluator->slo("checkout")->error, "") << "of nothing, no share is known";
  good_of_all(std::nan(""), 100);
  time.run_for(4min);
  EXPECT_TRUE(evaluator->slo("checkout")->error.contains("NaN"));
  EXPECT_EQ(facts(), Strings{}) << "no burn is seen in it";
  time.run_for(5min);
  EXPECT_FALSE(evaluator->slo("checkout")->window.total);
  EXPECT_EQ(facts(), Strings{"alert.fired"}) << "that it cannot be judged is told";
}

/// Of the burn all is known: the whole window alone has NaN in it.
TEST_F(EvaluatorTest, ABudgetThatIsNotKnownDoesNotSayThatNoOutageWouldBeTold) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(100, 100);
  world.answers["sum(increase(good[4w]))"] = {{Labels{}, std::nan("")}};
  start();
  time.run_for(10min);
  EXPECT_TRUE(evaluator->slo("checkout")->error.contains("NaN"));
  EXPECT_EQ(facts(), Strings{});
  EXPECT_EQ(world.asked["sum(increase(good[4w]))"], 2) << "no more often than every five minutes";
}

/// The question that leaves NaN out reads its window several times over.
TEST_F(EvaluatorTest, WhetherASampleIsNaNIsAskedOnlyWhereTheSumIs) {
  auto slo = checkout_slo();
  slo.indicator.spec.ratio_metric->counter = false;
  put(catalog, slo, time.now());
  const auto sums = [&](double good) {
    for (const auto* window : {"30s", "10s", "4w"}) {
      world.answers[fmt::format("sum(sum_over_time(good[{}]))", window)] = {{Labels{}, good}};
      world.answers[fmt::format("sum(sum_over_time(total[{}]))", window)] = {{Labels{}, 100}};
    }
  };
  sums(99);
  start();
  time.run_for(1min);
  const auto sure = sli_queries(slo, 4 * 7 * 24h);
  EXPECT_EQ(evaluator->slo("checkout")->window.good, 99);
  EXPECT_EQ(world.asked.count(sure.good), 0U);
  sums(std::nan(""));
  for (const auto window : std::vector<Duration>{30s, 10s, 4 * 7 * 24h})
    world.answers[sli_queries(slo, window).good] = {{Labels{}, 97}};
  time.run_for(5min);
  EXPECT_EQ(evaluator->slo("checkout")->window.good, 97);
  EXPECT_EQ(world.asked.count(sure.total), 0U) << "that one is known";
  EXPECT_EQ(evaluator->slo("checkout")->error, "");
}

TEST_F(EvaluatorTest, ATotalThatIsNaNIsNotTakenForNoEvents) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(100, std::nan(""));
  start();
  time.run_for(1min);
  ASSERT_TRUE(evaluator->slo("checkout"));
  EXPECT_TRUE(evaluator->slo("checkout")->error.contains("sum(increase(total[30s])) gives NaN"));
  time.run_for(6min);
  EXPECT_EQ(facts(), Strings{"alert.fired"}) << "that it cannot be judged is told";
}

TEST_F(EvaluatorTest, AnSloThatFailsFromItsFirstEvaluationSaysWhy) {
  put(catalog, checkout_slo(), time.now());
  start();
  EXPECT_FALSE(evaluator->slo("checkout"));
  world.failing = true;
  time.run_for(10s);
  ASSERT_TRUE(evaluator->slo("checkout"));
  EXPECT_TRUE(evaluator->slo("checkout")->error.contains("too slow"));
}

/// The service fails, and then it is gone: its series end.
TEST_F(EvaluatorTest, ABurnThatFiresGoesOnWhileTheShortWindowIsEmpty) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(80, 100);
  start();
  time.run_for(15s);
  ASSERT_EQ(facts(), Strings{"alert.fired"});
  world.answers.erase("sum(increase(good[10s]))");
  world.answers.erase("sum(increase(total[10s]))");
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{"alert.fired"}) << "no traffic is no recovery";
  EXPECT_EQ(evaluator->slo("checkout")->burn_rates.front().held_back, "") << "it alerts";
  kill_and_restart();
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
  world.answers.clear();
  time.run_for(15s);
  EXPECT_EQ(facts(), (Strings{"alert.fired", "alert.resolved"}))
      << "until the long window is empty, too";
}

TEST_F(EvaluatorTest, ABurnThatMustLastIsPendingUntilThen) {
  auto slo = checkout_slo();
  slo.alerting.windows.front().for_ = 1min;
  put(catalog, slo, time.now());
  good_of_all(80, 100);
  start();
  time.run_for(55s);
  EXPECT_EQ(facts(), Strings{});
  time.run_for(15s);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

TEST_F(EvaluatorTest, APendingBurnGoesOnAfterARestart) {
  auto slo = checkout_slo();
  slo.alerting.windows.front().for_ = 1min;
  put(catalog, slo, time.now());
  good_of_all(80, 100);
  start();
  time.run_for(40s);
  kill_and_restart(10s);
  time.run_for(5s);
  EXPECT_EQ(facts(), Strings{}) << "it has burned for less than a minute";
  time.run_for(15s);
  ASSERT_EQ(facts(), Strings{"alert.fired"}) << "not a minute after the restart";
  const auto fired = store.read({})->front();
  const auto burned = fired.time - *parse_rfc3339(fired.body.get<facts::AlertFired>().active_since);
  EXPECT_GE(burned, 1min);
  EXPECT_LE(burned, 1min + 10s);
}

TEST_F(EvaluatorTest, ABurnThatWasOverBeforeTheRestartBeginsAnew) {
  auto slo = checkout_slo();
  slo.alerting.windows.front().for_ = 1min;
  put(catalog, slo, time.now());
  const auto good = [&](double count) { good_of_all(count, 100); };
  good(80);
  start();
  time.run_for(40s);
  good(100);
  time.run_for(10s);
  good(80);
  kill_and_restart();
  time.run_for(50s);
  EXPECT_EQ(facts(), Strings{});
  time.run_for(25s);
  EXPECT_EQ(facts(), Strings{"alert.fired"});
}

TEST_F(EvaluatorTest, ABudgetThatIsUsedUpTakesTheStepsOfItsPolicy) {
  put(catalog, checkout_slo(), time.now());
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{50, {"flag-deployments"}}, {100, {"refuse-deployments", "ticket"}}};
  put(catalog, policy, time.now());
  const auto used = [&](double percent) { good_of_all(1e4 - percent, 1e4); };
  used(60);
  start();
  time.run_for(10s);
  EXPECT_EQ(facts(), Strings{"budget.step_reached"});
  used(120);
  time.run_for(6min);  // the whole window is read again every five minutes
  ASSERT_EQ(facts(), (Strings{"budget.step_reached", "budget.step_reached", "alert.fired"}));
  EXPECT_EQ(store.read({})->back().body["alert"], "SloBudgetSpent");
  kill_and_restart();
  time.run_for(6min);
  EXPECT_EQ(facts().size(), 3U) << "nothing is said twice";
  used(10);
  time.run_for(6min);
  const auto all = facts();
  EXPECT_EQ(std::ranges::count(all, "budget.step_left"), 2);
  EXPECT_EQ(all.back(), "alert.resolved");
}

TEST_F(EvaluatorTest, ABudgetIsKnownAsSoonAsSomethingIsCounted) {
  for (const bool alerts : {true, false}) {
    auto slo = checkout_slo();
    if (!alerts) slo.alerting.windows.clear();
    put(catalog, slo, time.now());
    world.answers.clear();
    kill_and_restart();
    time.run_for(31s);
    ASSERT_TRUE(evaluator->slo("checkout"));
    EXPECT_FALSE(evaluator->slo("checkout")->window.total);
    good_of_all(100, 100);
    world.answers["sum(increase(total[5m]))"] = {{Labels{}, 10}};
    time.run_for(1min);
    EXPECT_EQ(evaluator->slo("checkout")->window.total, 100) << alerts;
  }
}

TEST_F(EvaluatorTest, TheWholeWindowOfAnIdleServiceIsNotReadOnEachTurn) {
  auto slo = checkout_slo();
  slo.alerting.windows.clear();
  put(catalog, slo, time.now());
  start();
  time.run_for(10min);
  EXPECT_EQ(world.asked["sum(increase(total[4w]))"], 2) << "every five minutes";
  EXPECT_EQ(world.asked["sum(increase(total[5m]))"], 18) << "on the other turns, every 30 s";
}

TEST_F(EvaluatorTest, ABudgetPolicyHoldsAtOnce) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(9880, 10'000);
  start();
  time.run_for(1min);
  EXPECT_EQ(facts(), Strings{});
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{100, {"refuse-deployments"}}};
  put(catalog, policy, time.now());
  apply();
  EXPECT_EQ(facts().back(), "budget.step_reached");
  policy.steps = {{90, {"refuse-deployments"}}};
  put(catalog, policy, time.now());
  apply();
  const auto all = facts();
  EXPECT_EQ(std::ranges::count(all, "budget.step_reached"), 2);
}

TEST_F(EvaluatorTest, AClockSetBackHoldsNoErrorBudgetUp) {
  put(catalog, checkout_slo(), time.now());
  good_of_all(100, 100);
  start();
  time.run_for(10s);
  time.set_clock(-6h);
  good_of_all(50, 100);
  time.run_for(6min);  // the whole window is read again every five minutes
  EXPECT_EQ(evaluator->slo("checkout")->window.good, 50);
}

/// A change is in the catalog at once and published when it is on disk: until then the evaluator
/// works by what the SLO was.
TEST_F(EvaluatorTest, AnSloThatChangesWhileItIsEvaluatedIsNotJudgedByOldAnswers) {
  auto slo = checkout_slo();
  put(catalog, slo, time.now());
  good_of_all(100, 100);
  start();
  time.run_for(10s);
  slo.alerting.windows.push_back({"ticket", 40s, 20s, 2});
  slo.indicator.spec.ratio_metric->total->metric_source.spec.query = "another";
  world.when_asked = [&] { put(catalog, slo, time.now()); };
  time.run_for(1min);  // and turns that would begin meanwhile
  EXPECT_EQ(facts(), Strings{});
  EXPECT_EQ(evaluator->slo("checkout")->burn_rates.size(), 1U);
}

/// One request of ten fails soon after the month began, then a second one.
TEST_F(EvaluatorTest, AFailedRequestOfAYoungMonthTakesNoStep) {
  auto slo = checkout_slo();
  slo.objectives.front().target = 0.999;
  slo.time_window = {{.duration = "1M",
                      .is_rolling = false,
                      .calendar = catalog::SloCalendar{"2026-01-01 00:00:00", "UTC"}}};
  slo.alerting.windows.clear();
  put(catalog, slo, time.now());
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{50, {"flag-deployments"}}, {100, {"refuse-deployments", "page"}}};
  put(catalog, policy, time.now());
  world.answers_to_all["sum(increase(total["] = {{Labels{}, 10}};
  world.answers_to_all["sum(increase(good["] = {{Labels{}, 9}};
  time.run_until(*parse_rfc3339("2026-04-01T01:00:00Z"));
  start();
  time.run_for(20min);
  world.answers_to_all["sum(increase(good["] = {{Labels{}, 8}};
  time.run_for(20min);
  EXPECT_EQ(facts(), Strings{}) << "two of those that the month may have";
  const auto budget = evaluator->slo("checkout");
  EXPECT_GT(budget->read_at, budget->period.start + 90min);
  world.answers_to_all["sum(increase(good["] = {{Labels{}, 0}};
  time.run_for(10min);
  const auto all = facts();
  EXPECT_EQ(std::ranges::count(all, "budget.step_reached"), 2) << "an outage";
}

TEST_F(EvaluatorTest, AFailedRequestOfARollingWindowTakesNoStep) {
  put(catalog, checkout_slo(), time.now());
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{100, {"refuse-deployments", "page"}}};
  put(catalog, policy, time.now());
  world.answers_to_all["sum(increase(total["] = {{Labels{}, 10}};
  world.answers_to_all["sum(increase(good["] = {{Labels{}, 9}};
  start();
  time.run_for(10min);
  EXPECT_EQ(facts(), Strings{});
}

/// A budget that is used up closes the gate of the workload; then its data end.
struct ClosedGateTest : EvaluatorTest {
  void SetUp() override {
    put(catalog, checkout_slo(), time.now());
    put(catalog, freeze_of("shop"), time.now());
    for (const auto* window : {"30s", "10s", "4w"}) {
      world.answers[fmt::format("sum(increase(good[{}]))", window)] = {{Labels{}, 9880}};
      world.answers[fmt::format("sum(increase(total[{}]))", window)] = {{Labels{}, 1e4}};
    }
    start();
    time.run_for(10s);
    ASSERT_TRUE(domain->budget_steps().contains("checkout/freeze/100"));
    world.answers.clear();
    time.run_for(10min);
    ASSERT_TRUE(domain->budget_steps().contains("checkout/freeze/100"));
  }

  static catalog::BudgetPolicy freeze_of(const char* workload) {
    catalog::BudgetPolicy policy;
    policy.metadata.name = "freeze";
    policy.workload.name = workload;
    policy.steps = {{100, {"refuse-deployments", "ticket"}}};
    return policy;
  }

  std::vector<facts::BudgetStepLeft> left() const {
    std::vector<facts::BudgetStepLeft> left;
    const auto read = store.read({});
    for (const auto& fact : *read) {
      if (fact.type == facts::BudgetStepLeft::kType)
        left.push_back(fact.body.get<facts::BudgetStepLeft>());
    }
    return left;
  }
};

TEST_F(ClosedGateTest, OpensWhenTheSloIsRemoved) {
  catalog.remove("Slo", "checkout", time.now());
  apply();
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left().front().workload, "shop");
  EXPECT_EQ(left().front().reason, "no longer said by the policy");
  EXPECT_TRUE(domain->budget_steps().empty());
  EXPECT_TRUE(domain->firing().empty());
}

TEST_F(ClosedGateTest, OpensWhenThePolicyIsRemovedAlthoughThereAreNoData) {
  catalog.remove("BudgetPolicy", "freeze", time.now());
  apply();
  EXPECT_EQ(left().size(), 1U);
  EXPECT_TRUE(domain->budget_steps().empty());
}

TEST_F(ClosedGateTest, OpensWhenTheSloWasRemovedWhileNobodyLooked) {
  catalog.remove("Slo", "checkout", time.now());
  kill_and_restart();
  time.run_for(1s);
  EXPECT_EQ(left().size(), 1U);
  EXPECT_TRUE(domain->budget_steps().empty());
}

TEST_F(ClosedGateTest, OpensWhenTheSloMovesToAWorkloadThatThePolicyDoesNotCover) {
  auto slo = checkout_slo();
  slo.service.name = "payments";
  put(catalog, slo, time.now());
  apply();
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left().front().workload, "shop");
  EXPECT_TRUE(domain->budget_steps().empty());
}

TEST_F(ClosedGateTest, MovesWithItsSloAndPolicyToAnotherWorkload) {
  auto slo = checkout_slo();
  slo.service.name = "payments";
  put(catalog, slo, time.now());
  put(catalog, freeze_of("payments"), time.now());
  apply();
  ASSERT_EQ(left().size(), 1U);
  EXPECT_EQ(left().front().workload, "shop");
  const auto& step = domain->budget_steps().at("checkout/freeze/100").step;
  EXPECT_EQ(step.workload, "payments");
  EXPECT_NEAR(step.used, 120, 1e-6) << "what it was reached with";
  const auto before = facts().size();
  apply();
  EXPECT_EQ(facts().size(), before + 1) << "nothing is said twice";
}

/// Over a change of the clocks: 29 March 2026, a day of 23 hours in Berlin.
TEST_F(EvaluatorTest, ACalendarWindowBeginsAnewAtItsBorder) {
  auto slo = checkout_slo();
  slo.time_window = {{.duration = "1d",
                      .is_rolling = false,
                      .calendar = catalog::SloCalendar{"2026-01-01 00:00:00", "Europe/Berlin"}}};
  put(catalog, slo, time.now());
  time.run_until(*parse_rfc3339("2026-03-29T21:50:00Z"));
  start();
  time.run_for(5min);
  const auto before = evaluator->slo("checkout")->period;
  EXPECT_EQ(format_rfc3339(before.start), "2026-03-28T23:00:00Z");
  EXPECT_EQ(before.length(), 23h);
  time.run_until(*parse_rfc3339("2026-03-29T22:00:06Z"));
  const auto after = evaluator->slo("checkout")->period;
  EXPECT_EQ(format_rfc3339(after.start), "2026-03-29T22:00:00Z") << "at once, not after minutes";
  EXPECT_EQ(after.length(), 24h);
}

/// Its data end, and then its day does.
TEST_F(EvaluatorTest, AStepIsNotTakenOverTheBorderOfACalendarWindowWithoutTraffic) {
  auto slo = checkout_slo();
  slo.time_window = {{.duration = "1d",
                      .is_rolling = false,
                      .calendar = catalog::SloCalendar{"2026-01-01 00:00:00", "UTC"}}};
  slo.alerting.windows.clear();
  put(catalog, slo, time.now());
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{100, {"refuse-deployments"}}};
  put(catalog, policy, time.now());
  time.run_until(*parse_rfc3339("2026-04-01T23:00:00Z"));
  world.answers_to_all["sum(increase(total["] = {{Labels{}, 1000}};
  world.answers_to_all["sum(increase(good["] = {{Labels{}, 100}};
  start();
  time.run_for(10min);
  ASSERT_EQ(facts(), Strings{"budget.step_reached"});
  world.answers_to_all.clear();
  time.run_until(*parse_rfc3339("2026-04-01T23:59:50Z"));
  kill_and_restart();
  time.run_until(*parse_rfc3339("2026-04-01T23:59:59Z"));
  EXPECT_EQ(facts(), Strings{"budget.step_reached"}) << "without data what stands stands";
  world.failing = true;
  time.run_until(*parse_rfc3339("2026-04-02T00:03:00Z"));
  EXPECT_EQ(facts(), Strings{"budget.step_reached"}) << "what is not known is not nothing";
  world.failing = false;
  time.run_for(6min);
  EXPECT_EQ(facts(), (Strings{"budget.step_reached", "budget.step_left"}));
}

TEST(HealthDomain, AKpiIsViewedOnceADayByNobodyInParticular) {
  HealthDomain domain;
  const auto noon = from_unix_ms(1'767'268'800'000);
  const facts::KpiViewed view{.kpi = "orders", .workload = "shop"};
  const auto look = [&](Timestamp now) {
    const auto decision = domain.view_kpi(view, now);
    for (const auto& fact : decision.facts) {
      EXPECT_EQ(fact.actor, "") << "who looked is not kept";
      domain.apply({.time = now, .type = fact.type, .body = fact.body});
    }
    return decision.facts.size();
  };
  EXPECT_EQ(look(noon), 1U);
  EXPECT_EQ(look(noon + 11h), 0U) << "the same day";
  EXPECT_EQ(look(noon + 13h), 1U) << "the next day";
  HealthDomain restored;
  ASSERT_TRUE(restored.restore(domain.snapshot()));
  EXPECT_EQ(restored.kpi("orders").viewed_at, noon + 13h);
  EXPECT_EQ(restored.view_kpi(view, noon + 14h).facts.size(), 0U);
}

TEST(HealthDomain, BoundsTransitionsInAMinuteAndPutsPagesFirst) {
  HealthDomain domain;
  std::map<std::string, facts::AlertFired> wanted;
  for (int i = 0; i < 500; ++i) {
    auto& fired = wanted[fmt::format("{:016x}", i)];
    fired.fingerprint = fmt::format("{:016x}", i);
    fired.rule = "rules/g/A";
    fired.severity = i == 499 ? "page" : "info";
  }
  const auto now = from_unix_ms(1'767'225'600'000);
  const auto decision = domain.reconcile("rules/g/", wanted, "", now);
  ASSERT_EQ(decision.facts.size(), kMaxTransitionsPerMinute);
  EXPECT_EQ(decision.facts.front().body["severity"], "page");
  for (const auto& fact : decision.facts) {
    journal::Fact applied;
    applied.time = now;
    applied.type = fact.type;
    applied.body = fact.body;
    domain.apply(applied);
  }
  EXPECT_LE(domain.reconcile("rules/g/", wanted, "", now + 59s).facts.size(), 1U)
      << "the page took no room of the others";
  EXPECT_EQ(domain.reconcile("rules/g/", wanted, "", now + 60s).facts.size(),
            kMaxTransitionsPerMinute);

  HealthDomain restored;
  ASSERT_TRUE(restored.restore(domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), domain.snapshot());
}

/// `count` alerts of one group, by fingerprints that begin with `name`.
std::map<std::string, facts::AlertFired> alerts_of(const std::string& name, int count,
                                                   const std::string& severity,
                                                   const std::string& workload) {
  std::map<std::string, facts::AlertFired> alerts;
  for (int i = 0; i < count; ++i) {
    facts::AlertFired fired;
    fired.fingerprint = fmt::format("{}{:04}", name, i);
    fired.rule = fmt::format("rules/{}/A", name);
    fired.severity = severity;
    fired.workload = workload;
    alerts.emplace(fired.fingerprint, std::move(fired));
  }
  return alerts;
}

TEST(HealthDomain, AFloodOfOneWorkloadTakesNoRoomFromThePagesOfAnother) {
  HealthDomain domain;
  const auto now = from_unix_ms(1'767'225'600'000);
  const auto record = [&](const std::string& group, const auto& wanted) {
    const auto decision = domain.reconcile("rules/" + group + "/", wanted, "", now);
    for (const auto& fact : decision.facts) {
      journal::Fact applied;
      applied.time = now;
      applied.type = fact.type;
      applied.body = fact.body;
      domain.apply(applied);
    }
    return decision.facts.size();
  };
  EXPECT_EQ(record("noise", alerts_of("noise", 500, "info", "shop")), kMaxTransitionsPerMinute);
  EXPECT_EQ(record("flood", alerts_of("flood", 500, "page", "shop")), kMaxTransitionsPerMinute);
  EXPECT_EQ(record("other", alerts_of("other", 1, "page", "payments")), 1U);
  EXPECT_EQ(record("more", alerts_of("more", 1, "page", "shop")), 0U);
  HealthDomain restored;
  ASSERT_TRUE(restored.restore(domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), domain.snapshot());
}

TEST(HealthDomain, ASnapshotOfBeforeRoomWasSharedIsRead) {
  HealthDomain domain;
  auto old = domain.snapshot();
  old["transitions"] = Json::array({1'767'225'600'000});
  EXPECT_TRUE(domain.restore(old));
}

}  // namespace
}  // namespace wellrun::health
