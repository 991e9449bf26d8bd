#include "health/evaluator.h"

#include <cmath>

#include "catalog/kinds/workload.h"
#include "core/bytes.h"
#include "facts/catalog.h"
#include "health/evaluator_state.h"
#include "health/operations/figures.h"
#include "health/refusal.h"
#include "health/slo/sli_queries.h"
#include "platform/log/log.h"
#include "platform/runtime/slots.h"

namespace wellrun::health {
namespace {

constexpr std::size_t kMostQuestions = 8;  ///< of one job that are on their way at one time

}  // namespace

using rules::write_alerts;
using telemetry::InstantResult;
using telemetry::SeriesWrite;

/// One value out of an answer that should have one; std::nullopt for none and for NaN.
std::optional<double> single_value(const InstantResult& result) {
  if (result.series.empty() || std::isnan(result.series.front().value)) return std::nullopt;
  return result.series.front().value;
}

facts::AlertFired fired_fact(const catalog::Catalog& known, const AlertRule& rule,
                             const ActiveAlert& alert) {
  facts::AlertFired fired;
  fired.fingerprint = alert.fingerprint;
  fired.alert = rule.alert;
  for (const auto& label : alert.labels) fired.labels[label.name] = label.value;
  fired.annotations = alert.annotations;
  fired.value = facts::number_json(alert.value);
  fired.expr = rule.expr;
  // Series have labels of this name that mean something else: kubernetes' are deployments.
  const std::string named(alert.labels.get("workload"));
  fired.workload = known.find<catalog::Workload>(named) != nullptr ? named : rule.workload;
  fired.severity = alert.severity();
  fired.procedure = rule.procedure;
  fired.source = rule.source;
  fired.slo = rule.slo;
  fired.kpi = rule.kpi;
  if (const auto kpi = alert.labels.get("kpi"); fired.kpi.empty()) fired.kpi = kpi;
  fired.active_since = format_rfc3339(alert.active_at);
  fired.rule = rule.key;
  fired.evidence = alert.evidence;
  return fired;
}

/// An alert that the journal knows to be firing, as the state machine would have it.
ActiveAlert from_journal(const FiringAlert& recorded) {
  ActiveAlert alert;
  alert.fingerprint = recorded.fired.fingerprint;
  std::vector<Label> labels;
  for (const auto& [name, value] : recorded.fired.labels) labels.push_back({name, value});
  alert.labels = Labels(std::move(labels));
  alert.annotations = recorded.fired.annotations;
  alert.value =
      recorded.fired.value.is_number() ? recorded.fired.value.get<double>() : std::nan("");
  alert.state = AlertState::kFiring;
  alert.evidence = recorded.fired.evidence;
  alert.active_at = parse_rfc3339(recorded.fired.active_since).value_or(recorded.since);
  alert.fired_at = recorded.since;
  alert.taken_over = true;
  return alert;
}

namespace {

/// Of each rule that has something to be recorded.
void say_unrecorded(GroupReading& group, const std::string& why) {
  for (auto& rule : group.rules) {
    if (rule.recording || rule.alerts.empty()) continue;
    rule.health = "err";
    rule.last_error = why;
  }
}

}  // namespace

Evaluator::Evaluator(Runtime runtime, const catalog::Catalog& catalog, telemetry::Querier& querier,
                     telemetry::MetricWriter& writer, journal::Ledger& ledger, HealthDomain& domain,
                     EvaluatorOptions options)
    : state_(std::make_shared<State>(runtime, catalog, querier, writer, ledger, domain,
                                     std::move(options))) {}

Evaluator::~Evaluator() = default;

void Evaluator::start() {
  state_->refresh();
  state_->look_regularly();
  state_->started = true;
  state_->started_at = state_->runtime.clock.steady();
  const auto last = state_->options.last_sample;
  state_->was_long_away = last != Timestamp{} && state_->runtime.clock.now() - last > kLookback;
  state_->subscription =
      state_->ledger.subscribe([state = state_.get()](const journal::Fact& fact) {
        if (fact.type == facts::CatalogApplied::kType) state->refresh();
      });
}

void Evaluator::stop() {
  state_->subscription.reset();
  if (state_->options.commits != nullptr) state_->options.commits->watch({}, {});
  state_->due_timer.reset();
  state_->look_timer.reset();
  state_->endings.clear();
  state_->jobs.clear();
}

std::vector<GroupReading> Evaluator::groups() const {
  std::vector<GroupReading> groups;
  for (const auto& [key, job] : state_->jobs) {
    if (job.kind != "rules") continue;
    const auto* resource = state_->catalog.resource("RuleGroup", job.name);
    GroupReading group{job.name,     resource == nullptr ? "" : resource->provenance.file,
                       job.interval, job.last_evaluation,
                       job.limit,    {}};
    for (const auto& rule : job.rules) group.rules.push_back(rule.reading);
    if (const auto why = state_->unrecorded.find(key + "/"); why != state_->unrecorded.end())
      say_unrecorded(group, why->second);
    groups.push_back(std::move(group));
  }
  return groups;
}

std::optional<KpiReading> Evaluator::kpi(const std::string& name) const {
  const auto found = state_->jobs.find("kpis/" + name);
  if (found == state_->jobs.end() || found->second.last_evaluation == Timestamp{})
    return std::nullopt;
  return KpiReading{found->second.kpi.value, found->second.kpi.error};
}

std::optional<SloReading> Evaluator::slo(const std::string& name) const {
  const auto found = state_->jobs.find("slos/" + name);
  if (found == state_->jobs.end()) return std::nullopt;
  auto reading = found->second.slo;
  if (found->second.last_evaluation == Timestamp{} && reading.error.empty()) return std::nullopt;
  if (const auto why = state_->unrecorded.find(found->first + "/"); why != state_->unrecorded.end())
    reading.error = why->second;
  return reading;
}

// ---- following the catalog ----

void Evaluator::State::refresh() {
  std::set<std::string> wanted;
  for (const auto* group : catalog.all<catalog::RuleGroup>()) {
    wanted.insert("rules/" + group->metadata.name);
    keep_job("rules", *catalog.resource("RuleGroup", group->metadata.name), group->interval);
  }
  for (const auto* kpi : catalog.all<catalog::Kpi>()) {
    wanted.insert("kpis/" + kpi->metadata.name);
    keep_job("kpis", *catalog.resource("Kpi", kpi->metadata.name), kpi->interval);
  }
  for (const auto* slo : catalog.all<catalog::Slo>()) {
    wanted.insert("slos/" + slo->metadata.name);
    keep_job("slos", *catalog.resource("Slo", slo->metadata.name), slo_interval(*slo));
  }
  forget_removed(wanted);
  resolve_orphans();
  leave_unsaid_steps();
  stand_budgets();
  watch_commits();
  pump();
}

void Evaluator::State::keep_job(std::string kind, const catalog::Resource& resource,
                                Duration interval) {
  auto& job = jobs[kind + "/" + resource.name];
  if (job.digest == resource.digest && !job.name.empty()) return;
  job.kind = std::move(kind);
  job.name = resource.name;
  job.digest = resource.digest;
  job.interval = std::clamp(interval, Duration{1000}, kLongestInterval);
  job.generation = ++generations;
  job.under_way = false;
  job.interval_passed = false;
  parts_under_way.erase(job.key());
  due.forget(job.key());
  build(job);
  arm(job);
  if (started) due_at_once(job);
}

void Evaluator::State::build(Job& job) {
  if (job.kind == "slos") {
    const auto* slo = catalog.find<catalog::Slo>(job.name);
    job.burn_alerts.assign(slo->alerting.windows.size(), {});
    job.slo = {};
    job.window_read.reset();
    job.window_unknown.clear();
    job.restored = false;
    if (job.evaluated == std::chrono::nanoseconds{}) job.evaluated = counts_as_evaluated(job);
    for (const auto& [fingerprint, recorded] : domain.firing()) {
      if (!recorded.fired.rule.starts_with(job.key() + "/")) continue;
      for (std::size_t i = 0; i < job.burn_alerts.size(); ++i) {
        const auto& window = slo->alerting.windows[i];
        const auto alert = from_journal(recorded);
        if (alert.labels.get("long_window") == format_duration(window.long_window) &&
            alert.labels.get("short_window") == format_duration(window.short_window))
          job.burn_alerts[i].emplace(fingerprint, alert);
      }
    }
  }
  if (job.kind == "rules") build_rules(job);
}

void Evaluator::State::forget_removed(const std::set<std::string>& wanted) {
  std::erase_if(jobs, [&](const auto& each) {
    if (wanted.contains(each.first)) return false;
    end_series(each.second);
    due.forget(each.first);
    parts_under_way.erase(each.first);
    unrecorded.erase(each.first + "/");
    return true;
  });
}

/// Alerts whose group or SLO was removed would fire for ever.
void Evaluator::State::resolve_orphans() {
  std::set<std::string> groups;
  for (const auto& [fingerprint, alert] : domain.firing()) {
    const auto& rule = alert.fired.rule;
    if (rule.starts_with("forecast/")) continue;  // another's: forecast/forecast_service.h
    if (rule.starts_with(kUnevaluated) || rule.starts_with(kSeriesLimits)) continue;
    const auto end = rule.find('/', rule.find('/') + 1);
    const auto group = rule.substr(0, end);
    if (!jobs.contains(group)) groups.insert(group + "/");
  }
  for (const auto& group : groups) reconcile(group, {}, "rule removed");
}

/// Nor may a gate stay closed for an SLO or a policy that is gone, which no turn will look at.
void Evaluator::State::leave_unsaid_steps() {
  const auto decide = [&domain = domain, &catalog = catalog] {
    return domain.leave_unsaid(still_said(catalog, domain.standing_steps()));
  };
  if (decide().facts.empty()) return;
  ledger.command(
      {}, [decide](Timestamp) { return Result<journal::Decision>(decide()); },
      log_refusal(ledger, "a budget step that is not said any more"));
}

void Evaluator::State::arm(Job& job) {
  const Duration offset{static_cast<std::int64_t>(
      stable_hash(job.key()) % static_cast<std::uint64_t>(job.interval.count()))};
  const auto wait = until_slot(runtime.clock.now(), job.interval, offset);
  job.timer = runtime.strand.after(wait, [this, key = job.key()] {
    const auto found = jobs.find(key);
    if (found == jobs.end()) return;
    auto& due = found->second;
    const auto time = runtime.clock.now();
    auto timer = std::move(due.timer);  // it is running: it must outlive this call
    arm(due);
    if (due.under_way)
      due.interval_passed = parts_under_way.contains(key);
    else
      run(due, time);
  });
}

void Evaluator::State::run(Job& job, Timestamp now) {
  if (drops_outdated(job)) return;
  job.under_way = true;
  if (job.kind == "kpis") return run_kpi(job, now);
  restore_pending(job, now);
}

// ---- asking and writing ----

bool Evaluator::State::drops_outdated(Job& job) const {
  const auto kind = job.kind == "kpis" ? "Kpi" : job.kind == "slos" ? "Slo" : "RuleGroup";
  const auto* resource = catalog.resource(kind, job.name);
  if (resource != nullptr && resource->digest == job.digest) return false;
  job.digest.clear();  // built anew even if the change is taken back before it is on disk
  return true;
}

Job* Evaluator::State::live(const std::string& key, std::uint64_t generation) {
  const auto found = jobs.find(key);
  if (found == jobs.end() || found->second.generation != generation) return nullptr;
  return drops_outdated(found->second) ? nullptr : &found->second;
}

void Evaluator::State::ask(Job& job, std::string promql, Timestamp at, JobAnswer then) {
  querier.instant(std::move(promql), at,
                  [weak = weak_from_this(), key = job.key(), generation = job.generation,
                   then = std::move(then)](Result<InstantResult> result) {
                    const auto state = weak.lock();
                    auto* asked = state ? state->live(key, generation) : nullptr;
                    if (asked != nullptr) then(*asked, std::move(result));
                  });
}

void Evaluator::State::ask_all(Job& job, std::vector<std::string> promql, Timestamp at,
                               EachAnswer each, std::function<void(Job&)> then) {
  struct Round {
    std::vector<std::string> asked, later;
    std::vector<std::optional<Result<InstantResult>>> answers;
    std::size_t missing = 0;
  };
  if (promql.empty()) return then(job);
  const auto count = std::min(promql.size(), kMostQuestions);
  const auto rest = promql.begin() + static_cast<std::ptrdiff_t>(count);
  auto round = std::make_shared<Round>();
  round->later.assign(std::make_move_iterator(rest), std::make_move_iterator(promql.end()));
  promql.resize(count);
  round->asked = std::move(promql);
  round->answers.resize(count);
  round->missing = count;
  const auto finish = [this, round, at, each = std::move(each),
                       then = std::move(then)](Job& asked) {
    for (std::size_t i = 0; i < round->asked.size(); ++i)
      each(asked, round->asked[i], *round->answers[i]);
    ask_all(asked, std::move(round->later), at, each, then);
  };
  for (std::size_t i = 0; i < count; ++i) {
    ask(job, round->asked[i], at, [round, i, finish](Job& asked, Result<InstantResult> result) {
      round->answers[i] = std::move(result);
      if (--round->missing == 0) finish(asked);
    });
  }
}

void Evaluator::State::write(Job& job, std::vector<SeriesWrite> writes,
                             std::function<void(Job&, Status)> then) {
  if (writes.empty()) return then(job, {});
  runtime.workers.run([weak = weak_from_this(), key = job.key(), generation = job.generation,
                       writes = std::move(writes), then = std::move(then), &writer = writer,
                       &strand = runtime.strand]() mutable {
    auto outcome = writer.write(std::move(writes));
    Status status;
    if (!outcome) {
      status = std::unexpected(outcome.error());
    } else if (outcome->rejected > 0) {
      status = fail(ErrorCode::kInvalid, fmt::format("{} samples were rejected, first: {}",
                                                     outcome->rejected, outcome->first_rejection));
    }
    strand.post([weak, key, generation, status = std::move(status), then = std::move(then)] {
      const auto state = weak.lock();
      auto* asked = state ? state->live(key, generation) : nullptr;
      if (asked != nullptr) then(*asked, status);
    });
  });
}

void Evaluator::State::reconcile(const std::string& group,
                                 std::map<std::string, facts::AlertFired> wanted,
                                 const std::string& reason) {
  if (!domain.differs(group, wanted)) {
    unrecorded.erase(group);
    return;
  }
  const auto shared =
      std::make_shared<const std::map<std::string, facts::AlertFired>>(std::move(wanted));
  ledger.command(
      {},
      [&domain = domain, group, shared, reason](Timestamp now) {
        return Result<journal::Decision>(domain.reconcile(group, *shared, reason, now));
      },
      [weak = weak_from_this(), group, shared](const Result<std::vector<journal::Fact>>& recorded) {
        if (const auto state = weak.lock()) state->reconciled(group, *shared, recorded);
      });
}

/// An alert that the journal does not have reaches nobody: that is said where the rule is looked
/// at, until a later turn has recorded it.
void Evaluator::State::reconciled(const std::string& group,
                                  const std::map<std::string, facts::AlertFired>& wanted,
                                  const Result<std::vector<journal::Fact>>& recorded) {
  const auto missing = std::ranges::count_if(
      wanted, [&](const auto& each) { return !domain.firing().contains(each.first); });
  if (recorded && missing == 0) {
    unrecorded.erase(group);
    return;
  }
  auto why = recorded ? fmt::format(
                            "{} of {} alerts that fire cannot be recorded yet: at most {} "
                            "transitions in a minute are; they follow",
                            missing, wanted.size(), kMaxTransitionsPerMinute)
                      : fmt::format("what fires and resolves cannot be recorded: {}",
                                    to_string(recorded.error()));
  log_rarely(runtime.clock.now(), Level::kError, "health/rules",
             "alerts are not recorded, so that nobody is told", {{"group", group}, {"why", why}});
  unrecorded[group] = std::move(why);
}

// ---- KPIs ----

void Evaluator::State::run_kpi(Job& job, Timestamp now) {
  const auto* kpi = catalog.find<catalog::Kpi>(job.name);
  if (kpi == nullptr) return;
  if (!kpi->operations.empty()) return run_operations_kpi(job, *kpi, now);
  ask(job, kpi->query, now, [this, now](Job& asked, const Result<InstantResult>& result) {
    asked.last_evaluation = now;
    asked.under_way = false;
    kpi_answered(asked, result);
  });
}

/// Its values are kept as a series, to be charted and watched like those of any other KPI.
void Evaluator::State::run_operations_kpi(Job& job, const catalog::Kpi& kpi, Timestamp now) {
  const auto figure = options.operations == nullptr
                          ? operations::Figure{}
                          : operations::figure(*options.operations, kpi.operations,
                                               kpi.workload.name, now, kpi.window);
  InstantResult result;
  std::vector<SeriesWrite> writes;
  if (figure.value) {
    result.series.push_back({Labels{}, *figure.value});
    writes.push_back(rules::one_sample(Labels{{"kpi", job.name}, {"workload", kpi.workload.name}},
                                       "wellrun_kpi_value", now, *figure.value));
  }
  job.last_evaluation = now;
  kpi_answered(job, result);
  write(job, std::move(writes), [](Job& asked, const Status& status) {
    if (!status) asked.kpi.error = to_string(status.error());
    asked.under_way = false;
  });
}

void Evaluator::State::kpi_answered(Job& job, const Result<InstantResult>& result) {
  const auto* kpi = catalog.find<catalog::Kpi>(job.name);
  if (kpi == nullptr) return;
  job.kpi.error = result ? "" : to_string(result.error());
  if (result && result->series.size() > 1) {
    job.kpi.error = fmt::format("the query of KPI {} gave {} series; one is needed: aggregate it",
                                job.name, result->series.size());
  }
  job.kpi.value = job.kpi.error.empty() ? single_value(*result) : std::nullopt;
  const auto status = kpi_status(*kpi, job.kpi.value);
  if (!job.kpi.observe(status) || domain.kpi(job.name).status == status) return;
  facts::KpiStatusChanged change;
  change.kpi = job.name;
  change.workload = kpi->workload.name;
  change.to = status;
  change.value = job.kpi.value ? facts::number_json(*job.kpi.value) : Json();
  change.target = kpi->target;
  ledger.command(
      {},
      [&domain = domain, change = std::move(change)](Timestamp) {
        return Result<journal::Decision>(domain.change_kpi(change));
      },
      log_refusal(ledger, "the status of a KPI"));
}

// ---- SLOs ----

namespace {

/// From the calendar's border until now, at least a second; or the rolling window.
Duration elapsed(const catalog::SloPeriod& period, Timestamp now) {
  if (period.rolling) return period.length();
  return std::chrono::ceil<std::chrono::seconds>(std::max(now - period.start, Duration{1000}));
}

const catalog::SloTimeWindow& time_window(const catalog::Slo& slo) {
  static const catalog::SloTimeWindow kDefault;
  return slo.time_window.empty() ? kDefault : slo.time_window.front();
}

using SloAnswers = std::map<std::string, std::optional<double>>;

/// NaN: it was measured, and nobody knows what it was. Not zero.
std::optional<double> measured(const InstantResult& result) {
  if (result.series.empty()) return std::nullopt;
  return result.series.front().value;
}

/// Of nothing, no share is known; of something, it ought to be. And how much there was, always.
bool is_unknown(const SliQueries& queries, const SloAnswers& answers) {
  const auto& good = answers.at(queries.good);
  const double total = answers.at(queries.total).value_or(0);
  return std::isnan(total) || (good && std::isnan(*good) && total > 0);
}

EventCounts counts_in(const SliQueries& queries, const SloAnswers& answers) {
  EventCounts counts{answers.at(queries.good), answers.at(queries.total)};
  if (!counts.total || is_unknown(queries, answers)) return {};
  if (counts.good && std::isnan(*counts.good)) counts.good.reset();
  if (queries.bad && counts.total) counts.good = *counts.total - counts.good.value_or(0);
  return counts;
}

/// All that one evaluation asks, in the same order for either `nan`.
std::vector<SliQueries> slo_questions(const catalog::Slo& slo, std::optional<Duration> whole,
                                      NanSamples nan = NanSamples::kLeftOut) {
  std::vector<SliQueries> questions;
  const auto add = [&](SliQueries queries) { questions.push_back(std::move(queries)); };
  const auto add_parts = [&](Duration over) {
    for (const auto& part : slo.parts()) {
      add(sli_queries(part, over, nan));
      add(event_queries(part, over, nan));
    }
  };
  for (const auto& window : slo.alerting.windows) {
    add(sli_queries(slo, window.long_window, nan));
    add(sli_queries(slo, window.short_window, nan));
    add_parts(window.long_window);
  }
  if (whole) {
    add(sli_queries(slo, *whole, nan));
    add_parts(*whole);
  }
  return questions;
}

/// One evaluation's questions, and what is known of them by now.
struct SloTurn {
  std::vector<SliQueries> quick;  ///< that a sample that is NaN spoils
  std::vector<SliQueries> sure;   ///< the same, however the samples are
  SloAnswers answers;
  std::string failed;

  /// Takes the quick answers for the sure ones. Returns the sure questions whose quick ones were
  /// spoilt: NaN, or nothing, as of a comparison with NaN.
  std::vector<std::string> take_quick() {
    std::set<std::string> spoilt;
    const auto take = [&](const std::string& asked, const std::string& wanted) {
      if (asked == wanted) return;
      const auto answer = answers.at(asked);
      if (!answer || std::isnan(*answer)) spoilt.insert(wanted);
      answers[wanted] = answer;
    };
    for (std::size_t i = 0; i < quick.size(); ++i) {
      take(quick[i].good, sure[i].good);
      take(quick[i].total, sure[i].total);
    }
    return {spoilt.begin(), spoilt.end()};
  }
};

/// Each once.
std::vector<std::string> texts_of(const std::vector<SliQueries>& questions) {
  std::set<std::string> texts;
  for (const auto& each : questions) texts.insert({each.good, each.total});
  return {texts.begin(), texts.end()};
}

/// What of it is not known, although something was counted or may have been; empty when all is.
std::string unknown_words(const std::vector<SliQueries>& questions, const SloAnswers& answers) {
  const auto found = std::ranges::find_if(
      questions, [&](const SliQueries& each) { return is_unknown(each, answers); });
  if (found == questions.end()) return {};
  const double total = *answers.at(found->total);
  if (std::isnan(total))
    return fmt::format("{} gives NaN: make its query give numbers", found->total);
  return fmt::format("{} gives NaN, where {} were counted: make its query give numbers",
                     found->good, total);
}

/// Of each objective what `queries` asks for over a time.
std::vector<EventCounts> counts_of_parts(const catalog::Slo& slo,
                                         SliQueries (*queries)(const catalog::Slo&, Duration),
                                         Duration over, const SloAnswers& answers) {
  std::vector<EventCounts> counts;
  for (const auto& part : slo.parts()) counts.push_back(counts_in(queries(part, over), answers));
  return counts;
}

/// Nothing was counted when the whole window was read last, as far as is known.
bool was_empty(const Job& job) {
  return job.slo.window.total.value_or(0) == 0 && job.window_unknown.empty();
}

/// In a burn window of the last turn something was counted.
bool has_burn(const Job& job) {
  return std::ranges::any_of(job.slo.burn_rates,
                             [](const BurnRate& burn) { return burn.long_rate.has_value(); });
}

/// What was counted of late: long enough for a few samples, and for a slice.
std::string newest_total(const catalog::Slo& slo) {
  Duration length{300'000};
  if (const auto slice = slo.slice(); slo.by_slices() && slice) length = std::max(length, *slice);
  return sli_queries(slo, length).total;
}

}  // namespace

void Evaluator::State::run_slo(Job& job, Timestamp now) {
  const auto* slo = catalog.find<catalog::Slo>(job.name);
  if (slo == nullptr) return;
  // The whole window is long and moves slowly: it is read again after a 200th of it.
  const auto slow = std::clamp(slo->window() / 200, job.interval, Duration{300'000});
  const auto period = catalog::period_at(time_window(*slo), now);
  const bool new_period = !period.rolling && period.start != job.slo_period.start;
  const auto steady = runtime.clock.steady();
  const bool is_due = new_period || !job.window_read || steady - *job.window_read >= slow;
  if (is_due || !was_empty(job)) return ask_slo(job, *slo, is_due, now);
  if (!slo->alerting.windows.empty()) return ask_slo(job, *slo, has_burn(job), now);
  ask(job, newest_total(*slo), now, [this, now](Job& asked, const Result<InstantResult>& answer) {
    const auto* idle = catalog.find<catalog::Slo>(asked.name);
    if (idle == nullptr) return;
    if (answer) return ask_slo(asked, *idle, measured(*answer).value_or(0) > 0, now);
    asked.slo.error = to_string(answer.error());
    asked.under_way = false;
  });
}

void Evaluator::State::ask_slo(Job& job, const catalog::Slo& slo, bool whole, Timestamp now) {
  const auto period = catalog::period_at(time_window(slo), now);
  if (whole) job.slo_period = period;
  const auto over = whole ? std::optional(elapsed(period, now)) : std::nullopt;
  auto turn = std::make_shared<SloTurn>();
  turn->quick = slo_questions(slo, over, NanSamples::kSpoil);
  turn->sure = slo_questions(slo, over);
  const auto take = [turn](Job&, const std::string& promql, const Result<InstantResult>& answer) {
    turn->answers[promql] = answer ? measured(*answer) : std::nullopt;
    if (!answer && turn->failed.empty()) turn->failed = to_string(answer.error());
  };
  const auto decide = [this, turn, whole, now](Job& asked) {
    if (turn->failed.empty()) return slo_answered(asked, turn->answers, whole, now);
    asked.slo.error = turn->failed;  // not known is not zero: nothing is decided on this turn
    asked.under_way = false;
  };
  ask_all(job, texts_of(turn->quick), now, take, [this, turn, take, decide, now](Job& asked) {
    if (!turn->failed.empty()) return decide(asked);
    ask_all(asked, turn->take_quick(), now, take, decide);
  });
}

void Evaluator::State::slo_answered(Job& job, const SloAnswers& answers, bool whole,
                                    Timestamp now) {
  const auto* slo = catalog.find<catalog::Slo>(job.name);
  if (slo == nullptr) return;
  job.last_evaluation = now;
  const auto steady = runtime.clock.steady();
  if (whole) {
    job.slo.period = job.slo_period;
    const auto length = elapsed(job.slo_period, now);
    job.slo.window = counts_in(sli_queries(*slo, length), answers);
    job.slo.read_at = now;
    job.window_read = steady;
    job.window_unknown = unknown_words({sli_queries(*slo, length)}, answers);
    if (slo->is_composite()) job.slo.parts = counts_of_parts(*slo, sli_queries, length, answers);
    job.slo.use = budget_use(*slo, job.slo.period, job.slo.window,
                             counts_of_parts(*slo, event_queries, length, answers), now);
    stand_budget(*slo, job);
  }
  // What is known is judged all the same; but a turn that could not tell everything about the burn
  // told too little. A budget that is not known hides no outage.
  job.slo.error = unknown_words(slo_questions(*slo, std::nullopt), answers);
  if (job.slo.error.empty()) {
    job.evaluated = steady;
    job.slo.error = job.window_unknown;
  }
  std::vector<SeriesWrite> writes;
  judge_windows(job, *slo, answers, now, writes);
  job.burn_written.finish(writes, now);
  if (burns_wait(*slo)) writes.push_back(evaluation_mark(job, now));
  write(job, std::move(writes), [](Job& asked, const Status& status) {
    if (!status) asked.slo.error = to_string(status.error());
    asked.under_way = false;
  });
}

/// A policy that is new or says something else holds at once, by what was read of the budget last.
void Evaluator::State::stand_budgets() {
  const auto now = runtime.clock.now();
  for (const auto& [key, job] : jobs) {
    const auto* slo = job.kind == "slos" ? catalog.find<catalog::Slo>(job.name) : nullptr;
    const auto& period = job.slo.period;
    if (slo != nullptr && job.window_read && (period.rolling || now < period.end))
      stand_budget(*slo, job);
  }
}

namespace {

BudgetSteps reached_since(const HealthDomain& domain, const std::string& slo, Timestamp start) {
  BudgetSteps steps;
  for (const auto& [key, standing] : domain.budget_steps()) {
    if (standing.step.slo == slo && standing.since >= start) steps.emplace(key, standing.step);
  }
  return steps;
}

}  // namespace

/// Without data nothing is decided: what stands goes on standing, but not beyond its calendar
/// window. Of the next one nothing is used until something happens.
void Evaluator::State::stand_budget(const catalog::Slo& slo, const Job& job) {
  const auto& reading = job.slo;
  const bool is_empty = !reading.period.rolling && reading.window.total.value_or(0) == 0;
  if (!reading.use && !is_empty) return;
  const auto& name = slo.metadata.name;
  auto wanted = reading.use ? steps_for(catalog, slo, *reading.use, domain.standing_steps())
                            : reached_since(domain, name, reading.period.start);
  const double used = reading.use ? reading.use->percent : 0;
  if (domain.stand_budget(name, wanted, used).facts.empty()) return;
  ledger.command(
      {},
      [&domain = domain, name, wanted = std::move(wanted), used](Timestamp) {
        return Result<journal::Decision>(domain.stand_budget(name, wanted, used));
      },
      log_refusal(ledger, "a step of an error budget"));
}

/// The alerts of the steps that stand; what the journal knows of them already is left as it is.
void Evaluator::State::budget_alerts(const Job& job, const catalog::Slo& slo, Timestamp now,
                                     std::map<std::string, facts::AlertFired>& wanted) const {
  for (const auto& [key, standing] : domain.budget_steps()) {
    if (standing.step.slo != job.name) continue;
    const auto rule = budget_alert_rule(slo, standing.step);
    if (!rule) continue;
    const auto alerts = evaluate(*rule, {}, {{Labels{}, standing.step.used}}, context_at(now));
    if (!alerts) continue;
    for (auto [fingerprint, alert] : alerts->alerts) {
      alert.active_at = standing.since;
      wanted.emplace(fingerprint, fired_fact(catalog, *rule, alert));
    }
  }
}

namespace {

/// What fires goes on while the long window burns and the short one is empty: that nothing is heard
/// of a service any more does not mean that it is well.
bool goes_on(const ActiveAlerts& alerts, const BurnRate& burn) {
  return !burn.short_rate && burn.long_rate && *burn.long_rate > burn.window.burn_rate &&
         std::ranges::any_of(
             alerts, [](const auto& each) { return each.second.state == AlertState::kFiring; });
}

}  // namespace

void Evaluator::State::judge_windows(Job& job, const catalog::Slo& slo, const SloAnswers& answers,
                                     Timestamp now, std::vector<SeriesWrite>& writes) {
  job.slo.burn_rates.clear();
  std::map<std::string, facts::AlertFired> wanted;
  for (std::size_t i = 0; i < slo.alerting.windows.size(); ++i) {
    const auto& window = slo.alerting.windows[i];
    const auto over = window.long_window;
    const auto burn = judge(slo, window,
                            {.in_long = counts_in(sli_queries(slo, over), answers),
                             .in_short = counts_in(sli_queries(slo, window.short_window), answers),
                             .events = counts_of_parts(slo, event_queries, over, answers),
                             .parts = counts_of_parts(slo, sli_queries, over, answers)});
    const bool lasts = goes_on(job.burn_alerts[i], burn);
    job.slo.burn_rates.push_back(burn);
    if (lasts) job.slo.burn_rates.back().held_back.clear();  // it alerts
    const auto rule = slo_alert_rule(slo, burn);
    std::vector<telemetry::InstantSeries> series;
    if (burn.firing || lasts) series.push_back({Labels{}, *burn.long_rate});
    auto context = context_at(now);
    context.restored = job.burns_restored;
    context.keeps_taken_over = false;  // what it knows is in its counts: goes_on()
    auto alerts = evaluate(rule, job.burn_alerts[i], series, context);
    if (!alerts) {
      job.slo.error = to_string(alerts.error());
      continue;
    }
    job.burn_alerts[i] = std::move(alerts->alerts);
    for (const auto& [fingerprint, alert] : job.burn_alerts[i]) {
      if (alert.state == AlertState::kFiring)
        wanted.emplace(fingerprint, fired_fact(catalog, rule, alert));
    }
    write_alerts(job.burn_alerts[i], now, writes);
  }
  job.burns_restored.clear();
  budget_alerts(job, slo, now, wanted);
  reconcile(job.key() + "/", std::move(wanted), "no longer true");
}

}  // namespace wellrun::health
