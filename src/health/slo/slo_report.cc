#include "health/slo/slo_report.h"

#include <algorithm>
#include <fmt/format.h>

#include "catalog/kinds/budget_policy.h"
#include "catalog/slo_feasibility.h"
#include "health/slo/sli_queries.h"

namespace wellrun::health {
namespace {

constexpr std::int64_t kBins = 100;

Json number_or_null(const std::optional<double>& value) {
  return value ? facts::number_json(*value) : Json();
}
Json time_or_null(Timestamp time) {
  return time == Timestamp{} ? Json() : Json(format_rfc3339(time));
}

Json burn_json(const BurnRate& burn) {
  return {{"long", format_duration(burn.window.long_window)},
          {"short", format_duration(burn.window.short_window)},
          {"severity", burn.window.severity},
          {"threshold", burn.window.burn_rate},
          {"long_rate", number_or_null(burn.long_rate)},
          {"short_rate", number_or_null(burn.short_rate)},
          {"events", burn.events},
          {"bad_events", burn.bad_events},
          {"objective_rates", burn.part_rates},
          {"firing", burn.firing},
          {"held_back", burn.held_back}};
}

/// The kind of indicator.
const char* indicator_words(const catalog::Slo& slo) {
  if (slo.is_composite()) return "composite";
  const auto& indicator = slo.indicator.spec;
  if (indicator.latency_metric) return "latency";
  if (indicator.threshold_metric) return "threshold";
  return indicator.ratio_metric && indicator.ratio_metric->raw ? "raw ratio" : "ratio";
}

/// Said in this order: what burns now, what is used up, what is fine, what cannot be known.
const char* status_of(const SloReading& reading, const Budget& budget) {
  if (std::ranges::any_of(reading.burn_rates, &BurnRate::firing)) return "at_risk";
  if (!budget.remaining) return "no_data";
  return *budget.remaining < 0 ? "missed" : "on_target";
}

/// Of a composite, each as it stands by itself.
Json objectives_json(const catalog::Slo& slo, const SloReading& reading) {
  Json objectives = Json::array();
  if (!slo.is_composite()) return objectives;
  const auto parts = slo.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto counts = i < reading.parts.size() ? reading.parts[i] : EventCounts{};
    const auto budget = budget_of(parts[i], reading.period, counts, reading.read_at);
    objectives.push_back({{"name", parts[i].objective().display_name},
                          {"target", parts[i].target()},
                          {"weight", parts[i].objective().composite_weight},
                          {"indicator", indicator_words(parts[i])},
                          {"unit", unit_of(parts[i])},
                          {"sli", number_or_null(sli(counts))},
                          {"total", number_or_null(counts.total)},
                          {"bad", budget.bad},
                          {"budget_remaining", number_or_null(budget.remaining)},
                          {"ratio_query", ratio_query(parts[i], chart_length(parts[i]))}});
  }
  return objectives;
}

/// Why a step is not reached although so much of the budget is used; empty when it is, or that much
/// is not.
std::string held_back(const std::optional<BudgetUse>& use, double at, bool stands) {
  return stands || !use || use->percent < at ? std::string() : use->held_back;
}

Json steps_json(const catalog::Catalog& catalog, const catalog::Slo& slo,
                const std::map<std::string, BudgetStanding>& standing,
                const std::optional<BudgetUse>& use) {
  Json steps = Json::array();
  for (const auto* policy : catalog.all<catalog::BudgetPolicy>()) {
    if (!policy->covers(slo.metadata.name, slo.service.name)) continue;
    for (const auto& step : policy->steps) {
      const auto found = standing.find(
          fmt::format("{}/{}/{:g}", slo.metadata.name, policy->metadata.name, step.at));
      const bool stands = found != standing.end();
      steps.push_back({{"policy", policy->metadata.name},
                       {"at", step.at},
                       {"then", step.then},
                       {"reached", stands},
                       {"held_back", held_back(use, step.at, stands)},
                       {"since", stands ? Json(format_rfc3339(found->second.since)) : Json()}});
    }
  }
  return steps;
}

Json feasibility_json(const catalog::Feasibility& found) {
  Json dependencies = Json::array();
  for (const auto& each : found.dependencies)
    dependencies.push_back({{"workload", each.workload},
                            {"slo", each.slo},
                            {"target", each.slo.empty() ? Json() : Json(each.target)}});
  return {{"possible", found.possible},
          {"best", found.best},
          {"arithmetic", found.arithmetic},
          {"dependencies", std::move(dependencies)}};
}

/// Out of facts about one kind of thing: those that began in time, with their end.
class Past {
 public:
  Past(const catalog::Slo& slo, Timestamp from) : slo_(slo), from_(from) {}

  void take(const journal::Fact& fact) {
    if (fact.type == "alert.fired" && text_or(fact.body, "slo") == slo_.metadata.name)
      begin(text_or(fact.body, "fingerprint"), fact, alerts_,
            {{"alert", text_or(fact.body, "alert")},
             {"severity", text_or(fact.body, "severity")},
             {"fingerprint", text_or(fact.body, "fingerprint")},
             {"summary", text_or(fact.body.value("annotations", Json::object()), "summary")}});
    if (fact.type == "alert.resolved") end(text_or(fact.body, "fingerprint"), fact, alerts_);
    if (fact.type == "incident.opened" && text_or(fact.body, "workload") == slo_.service.name)
      begin(text_or(fact.body, "incident"), fact, incidents_,
            {{"id", text_or(fact.body, "incident")},
             {"title", text_or(fact.body, "title")},
             {"severity", fact.body.value("severity", 3)}});
    if (fact.type == "incident.resolved") end(text_or(fact.body, "incident"), fact, incidents_);
  }

  Json alerts() const { return alerts_; }
  Json incidents() const { return incidents_; }

 private:
  void begin(const std::string& key, const journal::Fact& fact, Json& list, Json item) {
    item["from"] = format_rfc3339(fact.time);
    item["to"] = nullptr;
    open_[key] = list.size();
    list.push_back(std::move(item));
  }

  void end(const std::string& key, const journal::Fact& fact, Json& list) {
    const auto found = open_.find(key);
    if (found == open_.end() || found->second >= list.size()) return;
    list[found->second]["to"] = format_rfc3339(fact.time);
    open_.erase(found);
  }

  const catalog::Slo& slo_;
  Timestamp from_;
  std::map<std::string, std::size_t> open_;
  Json alerts_ = Json::array(), incidents_ = Json::array();
};

}  // namespace

Json slo_json(const catalog::Slo& slo, const SloReading& reading) {
  const auto budget = budget_of(slo, reading.period, reading.window, reading.read_at);
  const auto queries = sli_queries(slo, slo.window());
  Json burns = Json::array();
  for (const auto& burn : reading.burn_rates) burns.push_back(burn_json(burn));
  const auto window = slo.time_window.empty() ? catalog::SloTimeWindow{} : slo.time_window.front();
  return {{"name", slo.metadata.name},
          {"workload", slo.service.name},
          {"description", slo.description},
          {"target", slo.target()},
          {"window", window.duration},
          {"rolling", window.is_rolling},
          {"period_start", time_or_null(reading.period.start)},
          {"period_end", time_or_null(reading.period.end)},
          {"objective", slo.is_composite() ? "" : slo.objective().display_name},
          {"indicator", indicator_words(slo)},
          {"budgeting_method", slo.budgeting_method},
          {"unit", unit_of(slo)},
          {"sli", number_or_null(sli(reading.window))},
          {"total", number_or_null(reading.window.total)},
          {"bad", budget.bad},
          {"allowed_bad", budget.allowed},
          {"budget_remaining", number_or_null(budget.remaining)},
          {"budget_held_back", held_back(reading.use, 100, false)},
          {"objectives", objectives_json(slo, reading)},
          {"burn_rates", std::move(burns)},
          {"status", status_of(reading, budget)},
          {"error", reading.error},
          {"kpi", slo.kpi.name},
          {"procedure", slo.procedure.name},
          {"minimum_events", slo.alerting.minimum_events},
          {"ratio_query", ratio_query(slo, chart_length(slo))},
          {"good_query", queries.good},
          {"total_query", queries.total}};
}

Duration bin_length(const catalog::Slo& slo, const catalog::SloPeriod& period) {
  const auto hundredth = std::max(period.length() / kBins, Duration{1000});
  const auto slice = slo.slice();
  const Duration unit = slo.by_slices() && slice        ? *slice
                        : hundredth >= Duration{60'000} ? Duration{60'000}
                                                        : Duration{1000};
  return (hundredth + unit - Duration{1}) / unit * unit;
}

Json burn_down(const catalog::Slo& slo, const catalog::SloPeriod& period,
               std::span<const BudgetBin> bins) {
  EventCounts all{0, 0};
  for (const auto& bin : bins) {
    *all.good += bin.counts.good.value_or(0);
    *all.total += bin.counts.total.value_or(0);
  }
  const auto until = bins.empty() ? period.end : bins.back().end;
  const double allowed = budget_of(slo, period, all, until).allowed;
  Json points = Json::array();
  double used = 0;
  for (const auto& bin : bins) {
    const double total = bin.counts.total.value_or(0);
    const double bad = std::max(0.0, total - bin.counts.good.value_or(0));
    used += bad;
    points.push_back({{"time", format_rfc3339(bin.end)},
                      {"remaining", allowed > 0 ? Json(1 - used / allowed) : Json()},
                      {"bad", bad},
                      {"total", total}});
  }
  return points;
}

Json counted_since(const Json& burn_down) {
  const auto first = std::ranges::find_if(
      burn_down, [](const Json& bin) { return number_or(bin, "total", 0) > 0; });
  return first == burn_down.begin() || first == burn_down.end() ? Json()
                                                                : (*std::prev(first))["time"];
}

std::optional<Duration> exhausted_in(const catalog::Slo& slo, const SloReading& reading) {
  const auto remaining = budget_of(slo, reading.period, reading.window, reading.read_at).remaining;
  const auto longest = std::ranges::max_element(
      reading.burn_rates, {}, [](const BurnRate& burn) { return burn.window.long_window; });
  if (!remaining || *remaining <= 0 || longest == reading.burn_rates.end()) return std::nullopt;
  const auto rate = longest->long_rate;
  if (!rate || !(*rate > 0)) return std::nullopt;
  const double seconds = *remaining * to_seconds(reading.period.length()) / *rate;
  constexpr double kLongest = 10 * 365 * 86'400.0;
  if (seconds > kLongest) return std::nullopt;
  return Duration{static_cast<std::int64_t>(seconds * 1000)};
}

std::optional<Timestamp> earliest_start(const std::map<std::string, SloReading>& readings) {
  std::optional<Timestamp> earliest;
  for (const auto& [name, reading] : readings) {
    const auto start = reading.period.start;
    if (start == Timestamp{}) continue;
    earliest = std::min(earliest.value_or(start), start);
  }
  return earliest;
}

Json report_json(const catalog::Catalog& catalog, const catalog::Slo& slo,
                 const SloReading& reading, const std::map<std::string, BudgetStanding>& steps,
                 std::span<const journal::Fact> facts) {
  Json report = slo_json(slo, reading);
  const auto soon = exhausted_in(slo, reading);
  report["exhausted_in_s"] = soon ? Json(to_seconds(*soon)) : Json();
  report["steps"] = steps_json(catalog, slo, steps, reading.use);
  report["feasibility"] = feasibility_json(catalog::feasibility(catalog, slo));
  Past past(slo, reading.period.start);
  const bool evaluated = reading.period.start != Timestamp{};
  for (const auto& fact : facts) {
    if (evaluated && fact.time >= reading.period.start) past.take(fact);
  }
  report["alerts"] = past.alerts();
  report["incidents"] = past.incidents();
  return report;
}

}  // namespace wellrun::health
