#pragma once

// The evaluator's insides, shared by evaluator.cc (following the catalog, KPIs, SLOs),
// evaluator_build.cc (what the rules of a group are), evaluator_rules.cc (their evaluation),
// evaluator_unevaluated.cc (what could not be evaluated) and evaluator_series_limits.cc (whose new
// series are refused).
// Included by nobody else. Everything on the strand.

#include <functional>
#include <set>

#include "catalog/kinds/rule_group.h"
#include "health/alert_fsm.h"
#include "health/alert_template.h"
#include "health/evaluator.h"
#include "health/rules/due_queue.h"
#include "health/rules/rule_inputs.h"
#include "health/rules/rule_output.h"

namespace wellrun::health {

/// What the rules of alerts begin with that say that rules or SLOs are not evaluated.
inline constexpr std::string_view kUnevaluated = "unevaluated/";
/// And of those that say whose new series are refused.
inline constexpr std::string_view kSeriesLimits = "series_limit/";

struct GroupRule {
  catalog::Rule declared;
  AlertRule alert;  ///< when it is one
  rules::RuleInputs inputs;
  RuleReading reading;
  rules::WrittenSeries written;
  RestoredStarts restored;               ///< for its first evaluation only
  std::optional<Error> left_out;         ///< of its last: more series than are followed
  std::chrono::nanoseconds evaluated{};  ///< its alerts were decided last, or it was declared
};

/// An evaluation of a group that is under way: all of its rules at the interval, or those that
/// became due in between.
struct GroupEvaluation {
  Timestamp now;
  std::vector<std::size_t> rules;  ///< ascending
  std::size_t at = 0;              ///< index into `rules` of the one being evaluated
  bool whole = true;
  bool changed = false;  ///< an alert changed its state
  /// By expression, what was asked in advance.
  std::map<std::string, Result<telemetry::InstantResult>> answers = {};
};

struct Job {
  std::string kind;  ///< rules, kpis or slos
  std::string name;
  std::string digest;  ///< of its resource: another one means to build it anew
  Duration interval{0};
  std::unique_ptr<Timer> timer;
  bool under_way = false;
  std::uint64_t generation = 0;  ///< an answer for an earlier one is dropped

  Timestamp last_evaluation{};
  std::chrono::nanoseconds evaluated{};  ///< a whole turn was decided and written, or declared
  std::string unwritten;                 ///< why the last turn's results were not taken, or empty

  // Of a rule group, and of an SLO.
  bool restored = false;  ///< pending alerts of before a restart have been taken up

  // Of a rule group.
  Duration query_offset{0};
  int limit = 0;
  std::vector<GroupRule> rules;
  std::set<Labels> dropped;  ///< what rules wrote that are gone: it ends at the next whole turn
  GroupEvaluation evaluation;
  bool interval_passed = false;  ///< while rules were evaluated in between: all of them are next

  KpiTrack kpi;

  SloReading slo;
  catalog::SloPeriod slo_period;
  std::optional<std::chrono::nanoseconds> window_read;  ///< when the whole window was, steady
  std::string window_unknown;                           ///< what of it gave NaN, or empty
  std::vector<ActiveAlerts> burn_alerts;                ///< one for each window of the SLO
  RestoredStarts burns_restored;                        ///< for its first evaluation only
  rules::WrittenSeries burn_written;

  std::string key() const { return kind + "/" + name; }
};

/// When a job with pending alerts was last evaluated as a whole: what ALERTS_FOR_STATE is read at
/// after a restart. Its label is the group of the alerts: a rule group's name, or slos/NAME.
telemetry::SeriesWrite evaluation_mark(const Job& job, Timestamp now);

/// One value out of an answer that should have one; std::nullopt for none and for NaN.
std::optional<double> single_value(const telemetry::InstantResult& result);
/// `known`: of it are the workloads that a label may name.
facts::AlertFired fired_fact(const catalog::Catalog& known, const AlertRule& rule,
                             const ActiveAlert& alert);
/// An alert that the journal knows to be firing, as the state machine would have it.
ActiveAlert from_journal(const FiringAlert& recorded);

/// How long after its last sample a series is read.
constexpr Duration kLookback{300'000};

struct Evaluator::State : std::enable_shared_from_this<State> {
  State(Runtime runtime_in, const catalog::Catalog& catalog_in, telemetry::Querier& querier_in,
        telemetry::MetricWriter& writer_in, journal::Ledger& ledger_in, HealthDomain& domain_in,
        EvaluatorOptions options_in)
      : runtime(runtime_in),
        catalog(catalog_in),
        querier(querier_in),
        writer(writer_in),
        ledger(ledger_in),
        domain(domain_in),
        options(std::move(options_in)) {}

  // Following the catalog.
  void refresh();
  void keep_job(std::string kind, const catalog::Resource& resource, Duration interval);
  void build(Job& job);
  void build_rules(Job& job);  ///< evaluator_build.cc
  void forget_removed(const std::set<std::string>& wanted);
  void end_series(const Job& removed);
  std::vector<telemetry::SeriesWrite> ends_of(std::set<Labels> series, Timestamp time) const;
  void resolve_orphans();
  void leave_unsaid_steps();
  void arm(Job& job);
  void run(Job& job, Timestamp now);

  // Asking and answering. `then` is dropped when the job is gone or was built anew meanwhile.
  using JobAnswer = std::function<void(Job&, Result<telemetry::InstantResult>)>;
  void ask(Job& job, std::string promql, Timestamp at, JobAnswer then);
  /// A few at a time; `each` gets every answer, in order, before `then` is called.
  using EachAnswer =
      std::function<void(Job&, const std::string& promql, const Result<telemetry::InstantResult>&)>;
  void ask_all(Job& job, std::vector<std::string> promql, Timestamp at, EachAnswer each,
               std::function<void(Job&)> then);
  void write(Job& job, std::vector<telemetry::SeriesWrite> writes,
             std::function<void(Job&, Status)> then);
  /// Null when it is gone, was built anew, or is about to be.
  Job* live(const std::string& key, std::uint64_t generation);
  /// True between a change of its resource, which the catalog has at once, and refresh(), which
  /// follows when the change is on disk: what the job holds is of another resource then.
  bool drops_outdated(Job& job) const;

  // Rule groups: evaluator_rules.cc.
  void restore_pending(Job& job, Timestamp now);
  void restore_alerts(Job& job, Timestamp last, Timestamp now);
  void begin_restored(Job& job, Timestamp now);
  void give_up_restoring(Job& job, const Error& error);
  void evaluate_all(Job& job, Timestamp now);
  void evaluate_part(Job& job, std::vector<std::size_t> rules, Timestamp now);
  void next_rule(Job& job);
  struct RuleTurn {  ///< one rule of the evaluation under way
    std::size_t index = 0;
    std::chrono::nanoseconds began{};
  };
  void rule_answered(Job& job, RuleTurn turn, Result<telemetry::InstantResult> result);
  void decide_alerts(Job& job, RuleTurn turn,
                     const std::shared_ptr<const telemetry::InstantResult>& result,
                     const std::shared_ptr<TemplateQueries>& queries);
  void alerts_decided(Job& job, RuleTurn turn, ActiveAlerts alerts);
  void explain(Job& job, RuleTurn turn, const std::vector<std::string>& fired);
  void write_alert_rule(Job& job, RuleTurn turn, bool changed);
  void record(const Job& job);
  void finish_rule(Job& job, RuleTurn turn, std::vector<telemetry::SeriesWrite> writes,
                   const std::optional<Error>& error);
  void finish_group(Job& job);
  void group_done(Job& job);
  void reconcile(const std::string& group, std::map<std::string, facts::AlertFired> wanted,
                 const std::string& reason);
  void reconciled(const std::string& group, const std::map<std::string, facts::AlertFired>& wanted,
                  const Result<std::vector<journal::Fact>>& recorded);

  // What nobody declared a rule for, looked for every minute: evaluator_unevaluated.cc (rules and
  // SLOs that cannot be evaluated) and evaluator_series_limits.cc.
  void look_regularly();
  void look_for_unevaluated();
  void look_for_series_limits();
  std::chrono::nanoseconds counts_as_evaluated(const Job& job) const;

  // Rules that are due besides their interval.
  void watch_commits();
  void due_at_once(const Job& job);
  void take_commits();
  void plan_ahead(const Job& job, std::size_t index);
  void pump();
  bool may_evaluate_part(const std::string& group) const;

  // KPIs and SLOs.
  void run_kpi(Job& job, Timestamp now);
  void run_operations_kpi(Job& job, const catalog::Kpi& kpi, Timestamp now);
  void kpi_answered(Job& job, const Result<telemetry::InstantResult>& result);
  /// What was asked for an SLO, by PromQL.
  using SloAnswers = std::map<std::string, std::optional<double>>;
  /// The whole window is read when it is due, and as soon as something is counted in an empty one.
  void run_slo(Job& job, Timestamp now);
  void ask_slo(Job& job, const catalog::Slo& slo, bool whole, Timestamp now);
  void slo_answered(Job& job, const SloAnswers& answers, bool whole, Timestamp now);
  void stand_budget(const catalog::Slo& slo, const Job& job);
  void stand_budgets();
  void budget_alerts(const Job& job, const catalog::Slo& slo, Timestamp now,
                     std::map<std::string, facts::AlertFired>& wanted) const;
  void judge_windows(Job& job, const catalog::Slo& slo, const SloAnswers& answers, Timestamp now,
                     std::vector<telemetry::SeriesWrite>& writes);

  /// Of the steady clock, for what waits.
  Duration moment() const { return std::chrono::floor<Duration>(runtime.clock.steady()); }

  EvaluationContext context_at(Timestamp now) const {
    return {.now = now,
            .external_labels = options.external_labels,
            .external_url = options.external_url,
            .restored = {},
            .keeps_taken_over = was_long_away && runtime.clock.steady() - started_at < kLookback};
  }

  Runtime runtime;
  const catalog::Catalog& catalog;
  telemetry::Querier& querier;
  telemetry::MetricWriter& writer;
  journal::Ledger& ledger;
  HealthDomain& domain;
  EvaluatorOptions options;

  std::map<std::string, Job> jobs;
  /// Why the journal does not have what fires of a group, by the group.
  std::map<std::string, std::string> unrecorded;
  bool started = false;  ///< what the catalog had at the start has been taken over
  std::chrono::nanoseconds started_at{};
  bool was_long_away = false;  ///< for longer than the look-back nothing was measured
  std::uint64_t generations = 0;
  std::unique_ptr<Timer> subscription, look_timer;
  std::map<std::uint64_t, std::unique_ptr<Timer>> endings;  ///< of what removed jobs wrote

  rules::DueQueue due;
  /// Groups of which some rules are being evaluated, and since when.
  std::map<std::string, std::chrono::nanoseconds> parts_under_way;
  Duration rests_until{0};              ///< no part begins before, on the steady clock
  std::chrono::nanoseconds unrested{};  ///< worked, and not rested for yet
  std::unique_ptr<Timer> due_timer;
  std::vector<std::vector<rules::RuleId>> readers;  ///< by index of the watched name
  std::vector<rules::RuleId> readers_of_anything;
};

}  // namespace wellrun::health
