#include "health/forecast/outlook.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "catalog/slo_window.h"
#include "core/bytes.h"
#include "health/slo/budget.h"
#include "health/slo/sli_queries.h"

namespace wellrun::health::forecast {
namespace {

namespace promql = telemetry::promql;

constexpr Duration kHour{3'600'000};
constexpr Duration kDay = kHour * 24;
constexpr Duration kHistory = kDay * 21;
constexpr Duration kHorizon = kDay * 7;
constexpr Duration kWarnOutcome = kDay * 7;
constexpr Duration kWarnDisk = kDay * 4;
constexpr Duration kWarnCertificate = kDay * 21;
constexpr Duration kLongestBudget = kDay * 45;  ///< of history that a budget is counted from
constexpr Duration kFineStep{600'000};          ///< for what is younger than two days
constexpr std::size_t kEnoughHours = 48;
/// What was not measured for longer is taken to be gone, not to go on as it did. An outage of the
/// measuring is mostly shorter.
constexpr Duration kLongestSilence = kHour * 6;
constexpr std::size_t kMostSeries = 500;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr auto kDisks =
    R"(node_filesystem_avail_bytes{fstype!~"tmpfs|devtmpfs|ramfs|overlay|squashfs|iso9660|erofs|fuse.*"})";
/// The end of a certificate does not age: one probe that failed hides none.
constexpr auto kCertificates =
    "last_over_time(probe_ssl_earliest_cert_expiry[1h]) or last_over_time(x509_cert_not_after[1h])";

Timestamp floor_to(Timestamp time, Duration step) {
  return from_unix_ms(to_unix_ms(time) / step.count() * step.count());
}

std::string number_text(double value, const std::string& unit) {
  if (unit == "ratio") return fmt::format("{:.4g} %", value * 100);
  if (unit == "bytes") return fmt::format("{:.3g} GiB", value / (1 << 30));
  return unit.empty() ? fmt::format("{:.4g}", value) : fmt::format("{:.4g} {}", value, unit);
}

/// What crossing the bound means for each kind.
std::string fate_of(const Subject& subject) {
  if (subject.kind == "budget") return "will be used up";
  if (subject.kind == "disk") return "will be full";
  return fmt::format("will miss its target {}", number_text(subject.bound, subject.unit));
}

std::string minute_text(Timestamp time) {
  return format_rfc3339(floor_to(time, Duration{60'000}));
}

std::string trust_text(const Forecast& forecast, const std::string& unit) {
  return fmt::format(
      "by its {}, which was off by {} on average in {} tries on the past ({} had it "
      "stayed as it was)",
      name_of(forecast.method), number_text(forecast.error, unit), forecast.tries,
      number_text(forecast.stays_error, unit));
}

std::string text_of(const Outlook& outlook) {
  const auto& subject = outlook.subject;
  if (!outlook.error.empty()) return subject.what + ": " + outlook.error;
  if (outlook.is_beyond)
    return fmt::format("{} is beyond {} already", subject.what,
                       number_text(subject.bound, subject.unit));
  if (!outlook.forecast) return subject.what + ": too little history to say";
  const auto& forecast = *outlook.forecast;
  if (!is_credible(forecast, outlook.crossing)) {
    const auto end = forecast.points.empty() ? Timestamp{} : forecast.points.back().time;
    return fmt::format("{} is not expected to cross {} before {}", subject.what,
                       number_text(subject.bound, subject.unit), minute_text(end));
  }
  const auto& crossing = outlook.crossing;
  return fmt::format("{} {} by {} (between {} and {}), {}", subject.what, fate_of(subject),
                     minute_text(*crossing.expected), minute_text(*crossing.earliest),
                     crossing.latest ? minute_text(*crossing.latest) : "later than is foretold",
                     trust_text(forecast, subject.unit));
}

struct Measured {
  Timestamp at;
  double value;
};

std::optional<Measured> last_of(const History& history) {
  for (auto i = history.values.size(); i > 0; --i)
    if (std::isfinite(history.values[i - 1]))
      return Measured{history.time_of(i - 1), history.values[i - 1]};
  return std::nullopt;
}

/// A target that is reached exactly is met; a budget or a disk of which nothing is left is gone.
double nearest_value_beyond(const Subject& subject) {
  if (subject.kind != "kpi") return subject.bound;
  const double infinity = std::numeric_limits<double>::infinity();
  return std::nextafter(subject.bound, subject.falling ? -infinity : infinity);
}

Outlook failed(Subject subject, std::string error) {
  Outlook outlook;
  outlook.subject = std::move(subject);
  outlook.error = std::move(error);
  outlook.text = text_of(outlook);
  return outlook;
}

/// Values by step, NaN where there is none; leading ones without a value are left out.
History history_of(const promql::ResultSeries& series, Timestamp start, Timestamp end,
                   Duration step) {
  History history{.start = start, .step = step, .values = {}};
  if (series.samples.empty()) return history;
  const auto first = from_unix_ms(series.samples.front().time_ms);
  history.start = first;
  const auto count = static_cast<std::size_t>((end - first) / step) + 1;
  history.values.assign(count, kNone);
  for (const auto& sample : series.samples) {
    const auto index = (from_unix_ms(sample.time_ms) - first) / step;
    history.values[static_cast<std::size_t>(index)] = sample.value;
  }
  return history;
}

struct Asked {
  const promql::Engine& engine;
  const promql::QueryLimits& limits;
  Timestamp now;

  Result<promql::QueryResult> range(const std::string& query, Duration length,
                                    Duration step) const {
    const auto end = floor_to(now, step);
    return engine.range(query, end - length, end, step, limits);
  }
  History history(const promql::ResultSeries& series, Duration length, Duration step) const {
    const auto end = floor_to(now, step);
    return history_of(series, end - length, end, step);
  }
};

/// What goes on under other labels (a new version, another instance) is still the one series.
Result<promql::ResultSeries> one_series(const promql::QueryResult& result) {
  std::map<std::int64_t, double> values;
  for (const auto& series : result.series) {
    for (const auto& sample : series.samples) {
      if (std::isnan(sample.value) || values.emplace(sample.time_ms, sample.value).second) continue;
      return fail(ErrorCode::kInvalid,
                  fmt::format("its query gives several of {} series at {}; one is needed",
                              result.series.size(), format_rfc3339(from_unix_ms(sample.time_ms))));
    }
  }
  promql::ResultSeries one;
  for (const auto& [time_ms, value] : values) one.samples.push_back({time_ms, value});
  return one;
}

Result<History> kpi_history(const catalog::Kpi& kpi, const Asked& asked, Duration length,
                            Duration step) {
  TRY(const auto result, asked.range(kpi.promql(), length, step));
  TRY(const auto series, one_series(result));
  return asked.history(series, length, step);
}

Outlook kpi_outlook(const catalog::Kpi& kpi, const Asked& asked) {
  Subject subject{.key = "kpi/" + kpi.metadata.name,
                  .kind = "kpi",
                  .workload = kpi.workload.name,
                  .what = "KPI " + kpi.metadata.name,
                  .unit = kpi.unit,
                  .labels = {},
                  .bound = kpi.target,
                  .falling = kpi.direction != "lower",
                  .warn_within = kWarnOutcome};
  auto history = kpi_history(kpi, asked, kHistory, kHour);
  if (history && history->values.size() < kEnoughHours)
    history = kpi_history(kpi, asked, kDay * 2, kFineStep);
  if (!history) return failed(std::move(subject), to_string(history.error()));
  return outlook_of(std::move(subject), std::move(*history), asked.now);
}

/// By hour: how many were good, and how many there were.
struct HourlyCounts {
  Timestamp first{};
  std::vector<double> good, total;
};

std::vector<double> by_hour(const promql::QueryResult& result, Timestamp first, std::size_t count) {
  std::vector<double> values(count, 0);
  if (result.series.empty()) return values;
  for (const auto& sample : result.series.front().samples) {
    const auto index = (from_unix_ms(sample.time_ms) - first) / kHour;
    if (std::isfinite(sample.value)) values[static_cast<std::size_t>(index)] = sample.value;
  }
  return values;
}

Result<HourlyCounts> hourly_counts(const catalog::Slo& slo, const Asked& asked, Duration length) {
  const auto queries = sli_queries(slo, kHour);
  TRY(const auto good, asked.range(queries.good, length, kHour));
  TRY(const auto total, asked.range(queries.total, length, kHour));
  HourlyCounts counts;
  counts.first = floor_to(asked.now, kHour) - length;
  const auto count = static_cast<std::size_t>(length / kHour) + 1;
  counts.good = by_hour(good, counts.first, count);
  counts.total = by_hour(total, counts.first, count);
  if (queries.bad)
    for (std::size_t i = 0; i < count; ++i) counts.good[i] = counts.total[i] - counts.good[i];
  return counts;
}

/// What was left of the budget at each hour, from the first that has events in its window; of a
/// calendar's period only since it began.
History remaining_by_hour(const catalog::Slo& slo, const HourlyCounts& counts, Timestamp now) {
  History history{.start = now, .step = kHour, .values = {}};
  const auto period = catalog::period_at(
      slo.time_window.empty() ? catalog::SloTimeWindow{} : slo.time_window.front(), now);
  const auto window = static_cast<std::size_t>(std::max<std::int64_t>(1, period.length() / kHour));
  double good = 0, total = 0;
  for (std::size_t i = 0; i < counts.total.size(); ++i) {
    const auto time = counts.first + kHour * static_cast<std::int64_t>(i);
    if (!period.rolling && time <= period.start) continue;
    good += counts.good[i];
    total += counts.total[i];
    if (period.rolling && i >= window) {
      good -= counts.good[i - window];
      total -= counts.total[i - window];
    }
    const bool has_events = total > 0;
    if (time + kHistory < now || (history.values.empty() && !has_events)) continue;
    if (history.values.empty()) history.start = time;
    const auto budget = budget_of(slo, period, {std::max(0.0, good), total}, time);
    history.values.push_back(has_events ? budget.remaining.value_or(1) : kNone);
  }
  return history;
}

Outlook budget_outlook(const catalog::Slo& slo, const Asked& asked) {
  Subject subject{.key = "budget/" + slo.metadata.name,
                  .kind = "budget",
                  .workload = slo.service.name,
                  .what = "the error budget of " + slo.metadata.name,
                  .unit = "ratio",
                  .labels = {},
                  .bound = 0,
                  .falling = true,
                  .warn_within = kWarnOutcome};
  const auto length = std::min(slo.window() + kHistory, kLongestBudget) / kHour * kHour;
  const auto counts = hourly_counts(slo, asked, length);
  if (!counts) return failed(std::move(subject), to_string(counts.error()));
  return outlook_of(std::move(subject), remaining_by_hour(slo, *counts, asked.now), asked.now);
}

std::string label_or(const Labels& labels, std::initializer_list<const char*> names) {
  for (const auto* name : names)
    if (labels.has(name)) return std::string(labels.get(name));
  return "unknown";
}

std::string id_of(const Labels& labels) {
  return fmt::format("{:016x}", stable_hash(labels));
}

void add_disks(std::vector<Outlook>& all, const Asked& asked) {
  const auto result = asked.range(kDisks, kHistory, kHour);
  if (!result) {
    all.push_back(
        failed({.key = "disk/all", .kind = "disk", .what = "disks"}, to_string(result.error())));
    return;
  }
  for (std::size_t i = 0; i < std::min(result->series.size(), kMostSeries); ++i) {
    const auto& series = result->series[i];
    Subject subject{.key = "disk/" + id_of(series.labels),
                    .kind = "disk",
                    .workload = std::string(series.labels.get("workload")),
                    .what = fmt::format("disk {} of {}", label_or(series.labels, {"mountpoint"}),
                                        label_or(series.labels, {"instance", "host"})),
                    .unit = "bytes",
                    .labels = series.labels,
                    .bound = 0,
                    .falling = true,
                    .warn_within = kWarnDisk};
    all.push_back(
        outlook_of(std::move(subject), asked.history(series, kHistory, kHour), asked.now));
  }
}

/// A certificate's end needs no forecast: it is written in it.
Outlook certificate_outlook(const promql::ResultSeries& series, Timestamp now) {
  Outlook outlook;
  const double seconds = series.samples.front().value;
  const auto end = from_unix_ms(static_cast<std::int64_t>(seconds * 1000));
  outlook.subject = {.key = "certificate/" + id_of(series.labels),
                     .kind = "certificate",
                     .workload = std::string(series.labels.get("workload")),
                     .what = "the certificate of " +
                             label_or(series.labels, {"instance", "subject_CN", "filepath"}),
                     .unit = "s",
                     .labels = series.labels,
                     .bound = 0,
                     .falling = true,
                     .warn_within = kWarnCertificate};
  outlook.now = to_seconds(end - now);
  outlook.is_beyond = end <= now;
  outlook.crossing = {.expected = end, .earliest = end, .latest = end};
  outlook.warns = end - now < kWarnCertificate;
  outlook.text = fmt::format("{} {} {}", outlook.subject.what,
                             outlook.is_beyond ? "expired at" : "expires at", minute_text(end));
  return outlook;
}

void add_certificates(std::vector<Outlook>& all, const Asked& asked) {
  const auto result = asked.engine.instant(kCertificates, asked.now, asked.limits);
  if (!result) {
    all.push_back(failed({.key = "certificate/all", .kind = "certificate", .what = "certificates"},
                         to_string(result.error())));
    return;
  }
  for (std::size_t i = 0; i < std::min(result->series.size(), kMostSeries); ++i) {
    const auto& series = result->series[i];
    // A target without TLS answers 0 or a time long before there were certificates.
    if (series.samples.empty() || !(series.samples.front().value > 1e9) ||
        series.samples.front().value > 1e11)
      continue;
    all.push_back(certificate_outlook(series, asked.now));
  }
}

}  // namespace

std::string Outlook::id() const {
  return fmt::format("{:016x}", stable_hash(subject.key));
}

bool Outlook::stands_for(std::string_view key) const {
  return subject.key == subject.kind + "/all" && key.starts_with(subject.kind + "/");
}

Outlook outlook_of(Subject subject, History history, Timestamp now) {
  Outlook outlook;
  outlook.subject = std::move(subject);
  outlook.history = std::move(history);
  const auto last = last_of(outlook.history);
  if (last && last->at + std::max(kLongestSilence, outlook.history.step * 2) < now) {
    outlook.text = fmt::format("{}: nothing was measured since {}", outlook.subject.what,
                               minute_text(last->at));
    return outlook;
  }
  if (last) outlook.now = last->value;
  const double beyond = nearest_value_beyond(outlook.subject);
  const bool falling = outlook.subject.falling;
  if (outlook.now) outlook.is_beyond = falling ? *outlook.now <= beyond : *outlook.now >= beyond;
  outlook.forecast = forecast(outlook.history, kHorizon);
  if (outlook.forecast) {
    outlook.crossing = crossing(*outlook.forecast, beyond, falling);
    outlook.warns = !outlook.is_beyond && is_credible(*outlook.forecast, outlook.crossing) &&
                    *outlook.crossing.expected <= now + outlook.subject.warn_within;
  }
  outlook.text = text_of(outlook);
  return outlook;
}

Plan plan_of(const catalog::Catalog& catalog) {
  Plan plan;
  for (const auto* kpi : catalog.all<catalog::Kpi>()) plan.kpis.push_back(*kpi);
  for (const auto* slo : catalog.all<catalog::Slo>()) plan.slos.push_back(*slo);
  return plan;
}

std::vector<Outlook> outlooks(const Plan& plan, const promql::Engine& engine,
                              const promql::QueryLimits& limits, Timestamp now) {
  const Asked asked{engine, limits, now};
  std::vector<Outlook> all;
  for (const auto& kpi : plan.kpis) all.push_back(kpi_outlook(kpi, asked));
  for (const auto& slo : plan.slos) all.push_back(budget_outlook(slo, asked));
  add_disks(all, asked);
  add_certificates(all, asked);
  std::ranges::sort(all, {}, [](const Outlook& each) { return each.subject.key; });
  return all;
}

}  // namespace wellrun::health::forecast
