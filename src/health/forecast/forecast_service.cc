#include "health/forecast/forecast_service.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>

#include "facts/catalog.h"
#include "health/refusal.h"

namespace wellrun::health::forecast {
namespace {

using telemetry::SeriesWrite;

constexpr Duration kEvery{1'800'000};
constexpr Duration kSoon{20'000};                 ///< after a start or an apply: others come first
constexpr Duration kLongest{300'000};             ///< that the questions of one round may take
constexpr std::string_view kRules = "forecast/";  ///< what the rule of each alert begins with
constexpr int kInARow = 2;

const char* alert_name(const Subject& subject) {
  if (subject.kind == "kpi") return "WillMissTarget";
  if (subject.kind == "budget") return "BudgetWillBeSpent";
  if (subject.kind == "disk") return "DiskWillBeFull";
  return "CertificateWillExpire";
}

Labels labels_of(const Subject& subject) {
  Labels labels;
  for (const auto& label : subject.labels)
    if (label.name != kMetricNameLabel) labels.set(label.name, label.value);
  labels.set("forecast", subject.key);
  labels.set("workload", subject.workload);
  const auto name = subject.key.substr(subject.key.find('/') + 1);
  if (subject.kind == "kpi") labels.set("kpi", name);
  if (subject.kind == "budget") labels.set("slo", name);
  return labels;
}

SeriesWrite sample_of(const Subject& subject, const char* what, Timestamp now, double value) {
  SeriesWrite write;
  write.labels = labels_of(subject);
  write.labels.set(kMetricNameLabel, std::string("wellrun:forecast:") + what);
  write.samples.push_back({to_unix_ms(now), value});
  return write;
}

/// Seconds until the bound is crossed as expected (+Inf: not foretold), and how far off it was on
/// the past.
std::vector<SeriesWrite> metrics_of(const std::vector<Outlook>& outlooks, Timestamp now) {
  std::vector<SeriesWrite> writes;
  for (const auto& each : outlooks) {
    if (!each.error.empty()) continue;
    const bool known =
        each.crossing.expected && (!each.forecast || is_credible(*each.forecast, each.crossing));
    const double seconds = each.is_beyond ? 0
                           : known        ? to_seconds(*each.crossing.expected - now)
                                          : std::numeric_limits<double>::infinity();
    writes.push_back(sample_of(each.subject, "seconds_until_bound", now, seconds));
    if (each.forecast)
      writes.push_back(sample_of(each.subject, "error", now, each.forecast->error));
  }
  return writes;
}

std::string rule_of(const Subject& subject) {
  return fmt::format("{}{}/{}", kRules, subject.key, alert_name(subject));
}

/// Of the subject that the alert is about.
std::string key_of(const facts::AlertFired& alert) {
  return alert.rule.substr(kRules.size(), alert.rule.rfind('/') - kRules.size());
}

/// Which of them there are is known from answers alone, in which each may be missing once. KPIs and
/// budgets are declared.
bool is_found_by_asking(const std::string& key) {
  return key.starts_with("disk/") || key.starts_with("certificate/");
}

bool has_outlook(const std::vector<Outlook>& outlooks, const std::string& key) {
  return std::ranges::any_of(outlooks, [&](const Outlook& each) {
    return each.subject.key == key || each.stands_for(key);
  });
}

}  // namespace

facts::AlertFired alert_of(const Outlook& outlook, Timestamp now) {
  const auto& subject = outlook.subject;
  facts::AlertFired fired;
  fired.alert = alert_name(subject);
  auto labels = labels_of(subject);
  labels.set("alertname", fired.alert);
  labels.set("severity", "ticket");
  for (const auto& label : labels) fired.labels[label.name] = label.value;
  fired.rule = rule_of(subject);
  fired.fingerprint = fingerprint_of({.key = fired.rule}, labels);
  fired.annotations["summary"] = outlook.text;
  if (outlook.forecast) {
    fired.annotations["method"] = name_of(outlook.forecast->method);
    fired.annotations["backtest"] = fmt::format(
        "mean error {:.4g} over {} tries; {:.4g} had it stayed as it was", outlook.forecast->error,
        outlook.forecast->tries, outlook.forecast->stays_error);
  }
  fired.value = outlook.now ? facts::number_json(*outlook.now) : Json();
  fired.workload = subject.workload;
  fired.severity = "ticket";
  fired.source = "forecast";
  const auto name = subject.key.substr(subject.key.find('/') + 1);
  if (subject.kind == "kpi") fired.kpi = name;
  if (subject.kind == "budget") fired.slo = name;
  fired.active_since = format_rfc3339(now);
  return fired;
}

bool WarningTrack::decide(const std::string& key, bool fires, bool warns) {
  auto& disagreed = disagreed_[key];
  disagreed = fires == warns ? 0 : disagreed + 1;
  if (disagreed < kInARow) return fires;
  disagreed = 0;
  return warns;
}

void WarningTrack::keep_only(const std::vector<Outlook>& outlooks,
                             const std::vector<facts::AlertFired>& firing) {
  std::erase_if(disagreed_, [&](const auto& followed) {
    return !has_outlook(outlooks, followed.first) &&
           std::ranges::find(firing, followed.first, key_of) == firing.end();
  });
}

std::map<std::string, facts::AlertFired> warnings(const std::vector<Outlook>& outlooks,
                                                  const std::vector<facts::AlertFired>& firing,
                                                  WarningTrack& track, Timestamp made_at) {
  std::map<std::string, facts::AlertFired> firing_by_rule, wanted;
  for (const auto& alert : firing) firing_by_rule.emplace(alert.rule, alert);
  const auto want = [&](facts::AlertFired alert) {
    wanted.emplace(alert.fingerprint, std::move(alert));
  };
  for (const auto& each : outlooks) {
    for (const auto& [rule, alert] : firing_by_rule)
      if (each.stands_for(rule.substr(kRules.size()))) want(alert);
    const auto known = firing_by_rule.find(rule_of(each.subject));
    const bool fires = known != firing_by_rule.end();
    const bool to_fire =
        each.error.empty() ? track.decide(each.subject.key, fires, each.warns) : fires;
    if (to_fire) want(fires ? known->second : alert_of(each, made_at));
  }
  for (const auto& alert : firing) {
    const auto key = key_of(alert);
    if (is_found_by_asking(key) && !has_outlook(outlooks, key) && track.decide(key, true, false))
      want(alert);
  }
  return wanted;
}

struct ForecastService::State : std::enable_shared_from_this<State> {
  State(Runtime runtime_in, const catalog::Catalog& catalog_in, journal::Ledger& ledger_in,
        const HealthDomain& domain_in, const telemetry::promql::Engine& engine_in,
        telemetry::MetricWriter& writer_in)
      : runtime(runtime_in),
        catalog(catalog_in),
        ledger(ledger_in),
        domain(domain_in),
        engine(engine_in),
        writer(writer_in) {}

  void arm(Duration wait);
  void applied();
  void make();
  void made(std::vector<Outlook> fresh);
  void record();

  Runtime runtime;
  const catalog::Catalog& catalog;
  journal::Ledger& ledger;
  const HealthDomain& domain;
  const telemetry::promql::Engine& engine;
  telemetry::MetricWriter& writer;
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<const std::vector<Outlook>> outlooks =
      std::make_shared<const std::vector<Outlook>>();
  Timestamp made_at{};
  WarningTrack track;
  bool under_way = false;
  bool applied_meanwhile = false;  ///< what is under way knows nothing of it
  std::unique_ptr<Timer> timer;
  std::unique_ptr<Timer> subscription;
};

void ForecastService::State::arm(Duration wait) {
  timer = runtime.strand.after(wait, [this] {
    const auto running = std::move(timer);  // must outlive this call
    make();
  });
}

void ForecastService::State::applied() {
  if (under_way)
    applied_meanwhile = true;
  else
    arm(kSoon);
}

void ForecastService::State::make() {
  if (under_way || stopping->load()) return;
  under_way = true;
  runtime.workers.run([plan = plan_of(catalog), &engine = engine, &writer = writer,
                       &clock = runtime.clock, now = runtime.clock.now(), stopping = stopping,
                       weak = weak_from_this(), &strand = runtime.strand] {
    telemetry::promql::QueryLimits limits;
    limits.cancelled = [stopping] { return stopping->load(); };
    limits.timed_out = [&clock, until = clock.steady() + kLongest] {
      return clock.steady() > until;
    };
    auto fresh = forecast::outlooks(plan, engine, limits, now);
    if (stopping->load()) return;
    if (auto metrics = metrics_of(fresh, now); !metrics.empty())
      (void)writer.write(std::move(metrics));
    strand.post([weak, fresh = std::move(fresh)]() mutable {
      if (const auto state = weak.lock(); state && !state->stopping->load())
        state->made(std::move(fresh));
    });
  });
}

void ForecastService::State::made(std::vector<Outlook> fresh) {
  under_way = false;
  made_at = runtime.clock.now();
  outlooks = std::make_shared<const std::vector<Outlook>>(std::move(fresh));
  record();
  arm(std::exchange(applied_meanwhile, false) ? kSoon : kEvery);
}

/// What is not foretold any more ends.
void ForecastService::State::record() {
  std::vector<facts::AlertFired> firing;
  for (const auto& [fingerprint, alert] : domain.firing())
    if (alert.fired.rule.starts_with(kRules)) firing.push_back(alert.fired);
  track.keep_only(*outlooks, firing);
  auto wanted = warnings(*outlooks, firing, track, made_at);
  if (!domain.differs(std::string(kRules), wanted)) return;
  ledger.command(
      {},
      [&domain = domain, wanted = std::move(wanted)](Timestamp now) {
        return Result<journal::Decision>(
            domain.reconcile(std::string(kRules), wanted, "no longer foretold", now));
      },
      log_refusal(ledger, "a warning of a forecast"));
}

ForecastService::ForecastService(Runtime runtime, const catalog::Catalog& catalog,
                                 journal::Ledger& ledger, const HealthDomain& domain,
                                 const telemetry::promql::Engine& engine,
                                 telemetry::MetricWriter& writer)
    : state_(std::make_shared<State>(runtime, catalog, ledger, domain, engine, writer)) {}

ForecastService::~ForecastService() = default;

void ForecastService::start() {
  state_->arm(kSoon);
  state_->subscription =
      state_->ledger.subscribe([state = state_.get()](const journal::Fact& fact) {
        if (fact.type == facts::CatalogApplied::kType) state->applied();
      });
}

void ForecastService::stop() {
  state_->stopping->store(true);
  state_->subscription.reset();
  state_->timer.reset();
}

std::shared_ptr<const std::vector<Outlook>> ForecastService::outlooks() const {
  return state_->outlooks;
}

Timestamp ForecastService::made_at() const {
  return state_->made_at;
}

}  // namespace wellrun::health::forecast
