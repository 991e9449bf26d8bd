#include "health/evaluator.h"

#include <cmath>

#include "catalog/kinds/rule_group.h"
#include "core/bytes.h"
#include "facts/catalog.h"
#include "health/alert_fsm.h"
#include "health/rules/rule_output.h"

namespace wellrun::health {
namespace {

constexpr std::string_view kLastEvaluation = "wellrun_rule_group_last_evaluation_timestamp_seconds";
constexpr Duration kLongestOutage{3'600'000};  ///< older pending states are not taken up again

using rules::one_sample;
using rules::write_alerts;
using rules::WrittenSeries;
using telemetry::InstantResult;
using telemetry::SeriesWrite;

facts::AlertFired fired_fact(const AlertRule& rule, const ActiveAlert& alert) {
  facts::AlertFired fired;
  fired.fingerprint = alert.fingerprint;
  fired.alert = rule.alert;
  for (const auto& label : alert.labels) fired.labels[label.name] = label.value;
  fired.annotations = alert.annotations;
  fired.value = facts::number_json(alert.value);
  fired.expr = rule.expr;
  const auto workload = alert.labels.get("workload");
  fired.workload = workload.empty() ? rule.workload : std::string(workload);
  fired.severity = alert.severity();
  fired.procedure = rule.procedure;
  fired.source = rule.source;
  fired.slo = rule.slo;
  fired.kpi = rule.kpi;
  if (const auto kpi = alert.labels.get("kpi"); fired.kpi.empty()) fired.kpi = kpi;
  fired.active_since = format_rfc3339(alert.active_at);
  fired.rule = rule.key;
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
  alert.active_at = parse_rfc3339(recorded.fired.active_since).value_or(recorded.since);
  alert.fired_at = recorded.since;
  return alert;
}

AlertRule alert_rule(const catalog::RuleGroup& group, const catalog::Rule& rule) {
  AlertRule made;
  made.key = fmt::format("rules/{}/{}", group.metadata.name, rule.alert);
  made.alert = rule.alert;
  made.expr = rule.expr;
  made.hold = rule.for_;
  made.keep_firing_for = rule.keep_firing_for;
  made.labels = {rule.labels.begin(), rule.labels.end()};
  made.annotations = {rule.annotations.begin(), rule.annotations.end()};
  made.workload = group.workload.name;
  made.procedure = rule.procedure.name;
  return made;
}

/// One value out of an answer that should have one; std::nullopt for none and for NaN.
std::optional<double> single_value(const InstantResult& result) {
  if (result.series.empty() || std::isnan(result.series.front().value)) return std::nullopt;
  return result.series.front().value;
}

struct GroupRule {
  catalog::Rule declared;
  AlertRule alert;  ///< when it is one
  RuleReading reading;
  WrittenSeries written;
  RestoredStarts restored;  ///< for its first evaluation only
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
  bool restored = false;
  std::vector<GroupRule> rules;  ///< of a rule group

  KpiTrack kpi;

  SloReading slo;
  Timestamp window_read_at{};
  std::vector<ActiveAlerts> burn_alerts;  ///< one for each window of the SLO
  WrittenSeries burn_written;

  std::string key() const { return kind + "/" + name; }
};

}  // namespace

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
  void forget_removed(const std::set<std::string>& wanted);
  void resolve_orphans();
  void arm(Job& job);
  void run(Job& job, Timestamp now);

  // Asking and answering. `then` is dropped when the job is gone or was built anew meanwhile.
  using JobAnswer = std::function<void(Job&, Result<InstantResult>)>;
  void ask(Job& job, std::string promql, Timestamp at, JobAnswer then);
  void write(Job& job, std::vector<SeriesWrite> writes, std::function<void(Job&, Status)> then);
  Job* live(const std::string& key, std::uint64_t generation);

  // Rule groups.
  void restore_pending(Job& job, Timestamp now);
  void restore_rule(Job& job, std::size_t index, Timestamp last, Timestamp now);
  void run_rule(Job& job, std::size_t index, Timestamp now);
  void rule_answered(Job& job, std::size_t index, Timestamp now, std::chrono::nanoseconds began,
                     const Result<InstantResult>& result);
  void finish_group(Job& job, Timestamp now);
  void reconcile(const std::string& group, std::map<std::string, facts::AlertFired> wanted,
                 const std::string& reason);

  // KPIs and SLOs.
  void run_kpi(Job& job, Timestamp now);
  void kpi_answered(Job& job, const Result<InstantResult>& result);
  using Counts = std::map<Duration, EventCounts>;
  void run_slo(Job& job, Timestamp now);
  void ask_counts(Job& job, std::vector<Duration> windows, std::size_t index, Counts counts,
                  Timestamp now);
  void slo_answered(Job& job, const Counts& counts, Timestamp now);

  EvaluationContext context_at(Timestamp now) const {
    return {.now = now,
            .external_labels = options.external_labels,
            .external_url = options.external_url,
            .restored = {}};
  }

  Runtime runtime;
  const catalog::Catalog& catalog;
  telemetry::Querier& querier;
  telemetry::MetricWriter& writer;
  journal::Ledger& ledger;
  HealthDomain& domain;
  EvaluatorOptions options;

  std::map<std::string, Job> jobs;
  std::uint64_t generations = 0;
  std::unique_ptr<Timer> subscription;
};

Evaluator::Evaluator(Runtime runtime, const catalog::Catalog& catalog, telemetry::Querier& querier,
                     telemetry::MetricWriter& writer, journal::Ledger& ledger, HealthDomain& domain,
                     EvaluatorOptions options)
    : state_(std::make_shared<State>(runtime, catalog, querier, writer, ledger, domain,
                                     std::move(options))) {}

Evaluator::~Evaluator() = default;

void Evaluator::start() {
  state_->refresh();
  state_->subscription =
      state_->ledger.subscribe([state = state_.get()](const journal::Fact& fact) {
        if (fact.type == facts::CatalogApplied::kType) state->refresh();
      });
}

void Evaluator::stop() {
  state_->subscription.reset();
  state_->jobs.clear();
}

std::vector<GroupReading> Evaluator::groups() const {
  std::vector<GroupReading> groups;
  for (const auto& [key, job] : state_->jobs) {
    if (job.kind != "rules") continue;
    GroupReading group{job.name, job.interval, job.last_evaluation, {}};
    for (const auto& rule : job.rules) group.rules.push_back(rule.reading);
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
  if (found == state_->jobs.end() || found->second.last_evaluation == Timestamp{})
    return std::nullopt;
  return found->second.slo;
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
}

void Evaluator::State::keep_job(std::string kind, const catalog::Resource& resource,
                                Duration interval) {
  auto& job = jobs[kind + "/" + resource.name];
  if (job.digest == resource.digest && !job.name.empty()) return;
  job.kind = std::move(kind);
  job.name = resource.name;
  job.digest = resource.digest;
  job.interval = std::max(interval, Duration{1000});
  job.generation = ++generations;
  job.under_way = false;
  build(job);
  arm(job);
}

void Evaluator::State::build(Job& job) {
  if (job.kind == "slos") {
    const auto* slo = catalog.find<catalog::Slo>(job.name);
    job.burn_alerts.assign(slo->alerting.windows.size(), {});
    job.slo = {};
    job.window_read_at = {};
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
  if (job.kind != "rules") return;

  const auto* group = catalog.find<catalog::RuleGroup>(job.name);
  auto before = std::exchange(job.rules, {});
  std::set<std::string> taken;  ///< fingerprints that a rule has already gone on with
  for (const auto& declared : group->rules) {
    GroupRule rule;
    rule.declared = declared;
    if (declared.is_alert()) rule.alert = alert_rule(*group, declared);
    rule.reading.recording = !declared.is_alert();
    rule.reading.name = declared.is_alert() ? declared.alert : declared.record;
    rule.reading.expr = declared.expr;
    rule.reading.hold = declared.for_;
    rule.reading.keep_firing_for = declared.keep_firing_for;
    rule.reading.labels = {declared.labels.begin(), declared.labels.end()};
    rule.reading.annotations = {declared.annotations.begin(), declared.annotations.end()};
    // What it followed before goes on: the old alerts of this name, and what the journal says
    // fires.
    for (auto& old : before) {
      if (old.reading.name != rule.reading.name ||
          old.reading.recording != rule.reading.recording ||
          old.reading.labels != rule.reading.labels)
        continue;
      rule.written = std::move(old.written);
      rule.reading.alerts = std::move(old.reading.alerts);
      for (const auto& [fingerprint, alert] : rule.reading.alerts) taken.insert(fingerprint);
      break;
    }
    for (const auto& [fingerprint, recorded] : domain.firing()) {
      if (!declared.is_alert() || recorded.fired.rule != rule.alert.key ||
          recorded.fired.severity != declared.severity() || !taken.insert(fingerprint).second)
        continue;
      rule.reading.alerts.emplace(fingerprint, from_journal(recorded));
    }
    job.rules.push_back(std::move(rule));
  }
}

void Evaluator::State::forget_removed(const std::set<std::string>& wanted) {
  std::erase_if(jobs, [&](const auto& each) { return !wanted.contains(each.first); });
}

/// Alerts whose group or SLO was removed would fire for ever.
void Evaluator::State::resolve_orphans() {
  std::set<std::string> groups;
  for (const auto& [fingerprint, alert] : domain.firing()) {
    const auto& rule = alert.fired.rule;
    const auto end = rule.find('/', rule.find('/') + 1);
    const auto group = rule.substr(0, end);
    if (!jobs.contains(group)) groups.insert(group + "/");
  }
  for (const auto& group : groups) reconcile(group, {}, "rule removed");
}

void Evaluator::State::arm(Job& job) {
  const auto now = to_unix_ms(runtime.clock.now());
  const auto interval = job.interval.count();
  const auto offset =
      static_cast<std::int64_t>(stable_hash(job.key()) % static_cast<std::uint64_t>(interval));
  const auto slot = (now - offset) / interval * interval + offset + interval;
  job.timer = runtime.strand.at(from_unix_ms(slot), [this, key = job.key()] {
    const auto found = jobs.find(key);
    if (found == jobs.end()) return;
    auto& due = found->second;
    const auto time = runtime.clock.now();
    auto timer = std::move(due.timer);  // it is running: it must outlive this call
    arm(due);
    if (!due.under_way) run(due, time);
  });
}

void Evaluator::State::run(Job& job, Timestamp now) {
  job.under_way = true;
  if (job.kind == "rules") {
    restore_pending(job, now);
  } else if (job.kind == "kpis") {
    run_kpi(job, now);
  } else {
    run_slo(job, now);
  }
}

// ---- asking and writing ----

Job* Evaluator::State::live(const std::string& key, std::uint64_t generation) {
  const auto found = jobs.find(key);
  return found == jobs.end() || found->second.generation != generation ? nullptr : &found->second;
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

// ---- rule groups ----

/// Pending alerts of before a restart: first when the group was last evaluated, then who was
/// pending at that moment.
void Evaluator::State::restore_pending(Job& job, Timestamp now) {
  const bool waits = std::ranges::any_of(job.rules, [](const GroupRule& rule) {
    return rule.declared.is_alert() && rule.alert.hold > Duration::zero();
  });
  if (job.restored || !waits) {
    job.restored = true;
    return run_rule(job, 0, now);
  }
  auto promql = fmt::format("last_over_time({}{{rule_group=\"{}\"}}[{}])", kLastEvaluation,
                            job.name, format_duration(kLongestOutage));
  ask(job, std::move(promql), now, [this, now](Job& asked, const Result<InstantResult>& result) {
    const auto last = result ? single_value(*result) : std::nullopt;
    if (!result) {  // without the past nothing may be decided: ask again at the next turn
      for (auto& rule : asked.rules) rule.reading.last_error = to_string(result.error());
      asked.under_way = false;
      return;
    }
    asked.restored = true;
    if (!last) return run_rule(asked, 0, now);
    restore_rule(asked, 0, from_unix_ms(std::llround(*last * 1000)), now);
  });
}

void Evaluator::State::restore_rule(Job& job, std::size_t index, Timestamp last, Timestamp now) {
  while (index < job.rules.size() &&
         (!job.rules[index].declared.is_alert() || job.rules[index].alert.hold == Duration::zero()))
    ++index;
  if (index == job.rules.size()) return run_rule(job, 0, now);
  auto promql = fmt::format("ALERTS_FOR_STATE{{alertname=\"{}\"}}", job.rules[index].alert.alert);
  ask(job, std::move(promql), last,
      [this, index, last, now](Job& asked, const Result<InstantResult>& result) {
        if (!result) {
          asked.rules[index].reading.last_error = to_string(result.error());
          asked.restored = false;
          asked.under_way = false;
          return;
        }
        for (const auto& series : result->series) {
          auto labels = series.labels;
          labels.remove(kMetricNameLabel);
          if (std::isfinite(series.value))
            asked.rules[index].restored[labels] = from_unix_ms(std::llround(series.value * 1000));
        }
        restore_rule(asked, index + 1, last, now);
      });
}

void Evaluator::State::run_rule(Job& job, std::size_t index, Timestamp now) {
  if (index == job.rules.size()) return finish_group(job, now);
  const auto began = runtime.clock.steady();
  ask(job, job.rules[index].declared.expr, now,
      [this, index, now, began](Job& asked, const Result<InstantResult>& result) {
        rule_answered(asked, index, now, began, result);
      });
}

void Evaluator::State::rule_answered(Job& job, std::size_t index, Timestamp now,
                                     std::chrono::nanoseconds began,
                                     const Result<InstantResult>& result) {
  auto& rule = job.rules[index];
  rule.reading.last_evaluation = now;
  rule.reading.evaluation_time =
      std::chrono::duration_cast<Duration>(runtime.clock.steady() - began);
  std::vector<SeriesWrite> writes;
  std::optional<Error> error;
  if (!result) {
    error = result.error();
  } else if (!rule.declared.is_alert()) {
    const rules::Recording recording{rule.declared.record,
                                     {rule.declared.labels.begin(), rule.declared.labels.end()}};
    auto recorded = rules::recorded_series(recording, *result, now);
    if (recorded)
      writes = std::move(*recorded);
    else
      error = recorded.error();
  } else {
    auto context = context_at(now);
    context.restored = rule.restored;
    auto alerts = evaluate(rule.alert, rule.reading.alerts, result->series, context);
    if (alerts) {
      rule.reading.alerts = std::move(*alerts);
      rule.restored.clear();
    } else {
      error = alerts.error();
    }
    write_alerts(rule.reading.alerts, now, writes);
  }
  rule.reading.health = error ? "err" : "ok";
  rule.reading.last_error = error ? to_string(*error) : "";
  if (!error) rule.written.finish(writes, now);
  write(job, std::move(writes), [this, index, now](Job& asked, const Status& status) {
    if (!status) {
      asked.rules[index].reading.health = "err";
      asked.rules[index].reading.last_error = to_string(status.error());
    }
    run_rule(asked, index + 1, now);
  });
}

void Evaluator::State::finish_group(Job& job, Timestamp now) {
  job.last_evaluation = now;
  std::map<std::string, facts::AlertFired> wanted;
  for (const auto& rule : job.rules) {
    for (const auto& [fingerprint, alert] : rule.reading.alerts) {
      if (alert.state == AlertState::kFiring)
        wanted.emplace(fingerprint, fired_fact(rule.alert, alert));
    }
  }
  reconcile(job.key() + "/", std::move(wanted), "no longer true");
  std::vector<SeriesWrite> writes;
  writes.push_back(
      one_sample(Labels{{"rule_group", job.name}}, kLastEvaluation, now, to_unix_seconds(now)));
  write(job, std::move(writes), [](Job& asked, const Status&) { asked.under_way = false; });
}

void Evaluator::State::reconcile(const std::string& group,
                                 std::map<std::string, facts::AlertFired> wanted,
                                 const std::string& reason) {
  if (!domain.differs(group, wanted)) return;
  ledger.command(
      {},
      [&domain = domain, group, wanted = std::move(wanted), reason](Timestamp now) {
        return Result<journal::Decision>(domain.reconcile(group, wanted, reason, now));
      },
      [](const Result<std::vector<journal::Fact>>&) {});
}

// ---- KPIs ----

void Evaluator::State::run_kpi(Job& job, Timestamp now) {
  const auto* kpi = catalog.find<catalog::Kpi>(job.name);
  if (kpi == nullptr) return;
  ask(job, kpi->query, now, [this, now](Job& asked, const Result<InstantResult>& result) {
    asked.last_evaluation = now;
    asked.under_way = false;
    kpi_answered(asked, result);
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
      [](const Result<std::vector<journal::Fact>>&) {});
}

// ---- SLOs ----

void Evaluator::State::run_slo(Job& job, Timestamp now) {
  const auto* slo = catalog.find<catalog::Slo>(job.name);
  if (slo == nullptr) return;
  std::set<Duration> windows;
  for (const auto& window : slo->alerting.windows) {
    windows.insert(window.long_window);
    windows.insert(window.short_window);
  }
  // The whole window is long and moves slowly: it is read again after a 200th of it.
  const auto slow = std::clamp(slo->window() / 200, job.interval, Duration{300'000});
  if (now - job.window_read_at >= slow) windows.insert(slo->window());
  ask_counts(job, {windows.begin(), windows.end()}, 0, {}, now);
}

void Evaluator::State::ask_counts(Job& job, std::vector<Duration> windows, std::size_t index,
                                  Counts counts, Timestamp now) {
  const auto* slo = catalog.find<catalog::Slo>(job.name);
  if (slo == nullptr) return;
  if (index == windows.size() * 2) return slo_answered(job, counts, now);
  const bool good = index % 2 == 0;
  const auto window = windows[index / 2];
  auto promql = increase_query(good ? slo->good_query() : slo->total_query(), window);
  ask(job, std::move(promql), now,
      [this, windows = std::move(windows), index, good, window, counts = std::move(counts), now](
          Job& asked, const Result<InstantResult>& result) mutable {
        if (!result) {  // not known is not zero: nothing is decided on this turn
          asked.slo.error = to_string(result.error());
          asked.under_way = false;
          return;
        }
        auto& counted = counts[window];
        (good ? counted.good : counted.total) = single_value(*result);
        ask_counts(asked, windows, index + 1, counts, now);
      });
}

void Evaluator::State::slo_answered(Job& job, const Counts& counts, Timestamp now) {
  const auto* slo = catalog.find<catalog::Slo>(job.name);
  if (slo == nullptr) return;
  job.last_evaluation = now;
  job.slo.error.clear();
  job.slo.burn_rates.clear();
  if (const auto whole = counts.find(slo->window()); whole != counts.end()) {
    job.slo.window = whole->second;
    job.window_read_at = now;
  }
  std::map<std::string, facts::AlertFired> wanted;
  std::vector<SeriesWrite> writes;
  for (std::size_t i = 0; i < slo->alerting.windows.size(); ++i) {
    const auto& window = slo->alerting.windows[i];
    const auto burn = judge(window, counts.at(window.long_window), counts.at(window.short_window),
                            slo->target(), slo->alerting.minimum_events);
    job.slo.burn_rates.push_back(burn);
    const auto rule = slo_alert_rule(*slo, burn);
    std::vector<telemetry::InstantSeries> series;
    if (burn.firing) series.push_back({Labels{}, *burn.long_rate});
    auto alerts = evaluate(rule, job.burn_alerts[i], series, context_at(now));
    if (!alerts) {
      job.slo.error = to_string(alerts.error());
      continue;
    }
    job.burn_alerts[i] = std::move(*alerts);
    for (const auto& [fingerprint, alert] : job.burn_alerts[i])
      wanted.emplace(fingerprint, fired_fact(rule, alert));
    write_alerts(job.burn_alerts[i], now, writes);
  }
  reconcile(job.key() + "/", std::move(wanted), "no longer true");
  job.burn_written.finish(writes, now);
  write(job, std::move(writes), [](Job& asked, const Status& status) {
    if (!status) asked.slo.error = to_string(status.error());
    asked.under_way = false;
  });
}

}  // namespace wellrun::health
