#include "health/effectiveness/proposals.h"

#include <algorithm>
#include <fmt/format.h>

#include "catalog/kinds/kpi.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEnoughToMerge = 3;
constexpr double kMostlyTogether = 0.8;

class Proposing {
 public:
  Proposing(const catalog::Catalog& catalog, const std::vector<Worth>& worths,
            const History& history, Timestamp from, Timestamp now)
      : catalog_(catalog), worths_(worths), history_(history), from_(from), now_(now) {
    for (const auto& incident : history.incidents) {
      if (is_real(incident, history.signals)) real_.push_back(&incident);
    }
    for (const auto& signal : history.signals) by_subject_[signal.subject].push_back(&signal);
  }

  std::vector<Proposal> all() {
    for (const auto& worth : worths_) {
      if (worth.subject.kind != "rule") continue;
      if (!propose_deleting(worth)) propose_raising(worth);
    }
    propose_merging();
    propose_adding();
    return std::move(found_);
  }

 private:
  using Signals = std::vector<const Signal*>;

  const Signals& of(const Subject& subject) { return by_subject_[subject.name]; }

  static Json rule_of(const Subject& subject, Duration hold) {
    return {{"alert", subject.name.substr(subject.name.rfind('/') + 1)},
            {"expr", subject.expr},
            {"for", format_duration(hold)}};
  }

  /// One that speaks when either would.
  static Json merged(const Subject& one, const Subject& other) {
    Subject both = one;
    both.expr = fmt::format("({}) or ({})", one.expr, other.expr);
    return rule_of(both, std::min(one.hold, other.hold));
  }

  bool propose_deleting(const Worth& worth) {
    const auto& subject = worth.subject;
    if (worth.spoke == 0 && subject.declared_at <= from_) {
      found_.push_back(
          {.what = "delete",
           .subject = subject.name,
           .text = fmt::format("{} never fired in {}, while its workload had {} "
                               "incidents: delete it, or make it able to fire",
                               subject.name, format_duration(now_ - from_), worth.incidents),
           .support = {{"fired", 0}, {"incidents", worth.incidents}},
           .now = {rule_of(subject, subject.hold)},
           .workload = subject.workload,
           .interval = subject.interval});
      deleted_.insert(subject.name);
      return true;
    }
    if (worth.spoke < kEnoughToJudge || worth.right > 0) return false;
    found_.push_back({.what = "delete",
                      .subject = subject.name,
                      .text = fmt::format("{} fired {} times and was never right: delete it, or "
                                          "have it ask for something else",
                                          subject.name, worth.spoke),
                      .support = {{"fired", worth.spoke}, {"right", 0}},
                      .now = {rule_of(subject, subject.hold)},
                      .workload = subject.workload,
                      .interval = subject.interval});
    deleted_.insert(subject.name);
    return true;
  }

  /// What would be left of its alerts had they had to hold for `longer` more.
  struct Left {
    std::size_t noise = 0;
    std::set<std::string> incidents;
  };
  Left left_after(const Signals& signals, Duration longer) const {
    Left left;
    for (const auto* signal : signals) {
      if (signal->end_or(now_) - signal->from <= longer) continue;
      auto later = *signal;
      later.from += longer;
      bool right = signal->verdict == "real";
      for (const auto* incident : real_) {
        if (signal->verdict == "noise" || !told(later, *incident, now_)) continue;
        left.incidents.insert(incident->id);
        right = true;
      }
      if (!right) ++left.noise;
    }
    return left;
  }

  void propose_raising(const Worth& worth) {
    if (worth.spoke < kEnoughToJudge || worth.noise * 2 < worth.spoke) return;
    const auto& signals = of(worth.subject);
    const auto before = left_after(signals, 0ms);
    for (const Duration longer : {Duration{1min}, Duration{2min}, Duration{5min}, Duration{10min},
                                  Duration{15min}, Duration{30min}, Duration{60min}}) {
      const auto after = left_after(signals, longer);
      if (after.incidents != before.incidents) return;  // longer still would lose it too
      if (after.noise * 2 > before.noise) continue;
      const auto hold = worth.subject.hold + longer;
      found_.push_back(
          {.what = "raise",
           .subject = worth.subject.name,
           .text = fmt::format("{} was noise {} of {} times. With `for: {}` {} of those would be "
                               "left, and all {} incidents that it told would still be told, {} "
                               "later",
                               worth.subject.name, worth.noise, worth.spoke, format_duration(hold),
                               after.noise, after.incidents.size(), format_duration(longer)),
           .support = {{"fired", worth.spoke},
                       {"noise", before.noise},
                       {"noise_left", after.noise},
                       {"incidents_told", after.incidents.size()},
                       {"for", format_duration(hold)},
                       {"later", format_duration(longer)}},
           .rule = rule_of(worth.subject, hold),
           .now = {rule_of(worth.subject, worth.subject.hold)},
           .workload = worth.subject.workload,
           .interval = worth.subject.interval});
      return;
    }
  }

  /// How many of `signals` were there while one of `others` was.
  std::size_t together(const Signals& signals, const Signals& others) const {
    return static_cast<std::size_t>(std::ranges::count_if(signals, [&](const Signal* signal) {
      return std::ranges::any_of(others, [&](const Signal* other) {
        return signal->from <= other->end_or(now_) && other->from <= signal->end_or(now_);
      });
    }));
  }

  static bool mostly(std::size_t part, std::size_t all) {
    return all >= kEnoughToMerge &&
           static_cast<double>(part) >= kMostlyTogether * static_cast<double>(all);
  }

  void propose_merging() {
    for (std::size_t i = 0; i < worths_.size(); ++i) {
      for (std::size_t k = i + 1; k < worths_.size(); ++k) propose_merging(worths_[i], worths_[k]);
    }
  }

  void propose_merging(const Worth& one, const Worth& other) {
    const bool rules = one.subject.kind == "rule" && other.subject.kind == "rule";
    if (!rules || one.subject.workload != other.subject.workload) return;
    if (deleted_.contains(one.subject.name) || deleted_.contains(other.subject.name)) return;
    const auto &first = of(one.subject), &second = of(other.subject);
    const auto of_first = together(first, second), of_second = together(second, first);
    if (!mostly(of_first, first.size()) || !mostly(of_second, second.size())) return;
    found_.push_back({.what = "merge",
                      .subject = one.subject.name,
                      .text = fmt::format(
                          "{} and {} speak together: {} of {} and {} of {} times. Merge them, or "
                          "let one inhibit the other",
                          one.subject.name, other.subject.name, of_first, first.size(), of_second,
                          second.size()),
                      .support = {{"with", other.subject.name},
                                  {"together", of_first},
                                  {"fired", first.size()},
                                  {"other_together", of_second},
                                  {"other_fired", second.size()}},
                      .rule = merged(one.subject, other.subject),
                      .now = {rule_of(one.subject, one.subject.hold),
                              rule_of(other.subject, other.subject.hold)},
                      .workload = one.subject.workload,
                      .interval = std::max(one.subject.interval, other.subject.interval)});
  }

  /// Did anything but a KPI say so before the person?
  bool was_told(const Incident& incident) const {
    return std::ranges::any_of(history_.signals, [&](const Signal& signal) {
      return !signal.subject.starts_with("kpis/") && told(signal, incident, now_) &&
             (!incident.noticed_at || signal.from <= *incident.noticed_at);
    });
  }

  /// The KPI of the workload that spoke first around the incident.
  const Signal* kpi_that_spoke(const Incident& incident) const {
    const Signal* first = nullptr;
    for (const auto& signal : history_.signals) {
      if (!signal.subject.starts_with("kpis/") || !told(signal, incident, now_)) continue;
      if (first == nullptr || signal.from < first->from) first = &signal;
    }
    return first;
  }

  void propose_adding() {
    std::map<std::string, std::vector<std::string>> by_kpi, by_workload;
    for (const auto* incident : real_) {
      if (was_told(*incident)) continue;
      const auto* spoke = kpi_that_spoke(*incident);
      (spoke == nullptr ? by_workload[incident->workload] : by_kpi[spoke->key])
          .push_back(incident->id);
    }
    for (const auto& [name, incidents] : by_kpi) propose_adding_for(name, incidents);
    for (const auto& [workload, incidents] : by_workload) {
      found_.push_back(
          {.what = "add",
           .subject = "workloads/" + workload,
           .text = fmt::format("people noticed {} of {} first, and neither an alert nor a KPI said "
                               "anything: what did they see that is not measured?",
                               fmt::join(incidents, ", "), workload),
           .support = {{"incidents", incidents}},
           .rule = {},
           .workload = workload});
    }
  }

  void propose_adding_for(const std::string& name, const std::vector<std::string>& incidents) {
    const auto* kpi = catalog_.find<catalog::Kpi>(name);
    if (kpi == nullptr) return;
    Json rule{{"alert", "KpiMissed"},
              {"expr", fmt::format("({}) {} {}", kpi->promql(),
                                   kpi->direction == "lower" ? ">" : "<", kpi->target)},
              {"for", format_duration(kpi->interval)}};
    found_.push_back({.what = "add",
                      .subject = "kpis/" + name,
                      .text = fmt::format(
                          "people noticed {} first, while the KPI {} had left its target: add an "
                          "alert on it",
                          fmt::join(incidents, ", "), name),
                      .support = {{"incidents", incidents}},
                      .rule = std::move(rule),
                      .workload = kpi->workload.name});
  }

  const catalog::Catalog& catalog_;
  const std::vector<Worth>& worths_;
  const History& history_;
  Timestamp from_, now_;
  std::vector<const Incident*> real_;
  std::map<std::string, Signals> by_subject_;
  std::set<std::string> deleted_;  ///< rules that are proposed to go
  std::vector<Proposal> found_;
};

std::size_t count_of(const Json& summary, const char* key) {
  return static_cast<std::size_t>(number_or(summary, key, 0));
}

/// "fires 12 times, 11 of them without an incident, and tells of 1 of 2 incidents".
std::string words_of(const Json& summary) {
  const auto firings = count_of(summary, "firings");
  const auto told = fmt::format("tells of {} of {} incidents", count_of(summary, "incidents_told"),
                                count_of(summary, "incidents"));
  if (firings == 0) return "never fires, and " + told;
  return fmt::format("fires {}, {} of them without an incident, and {}",
                     firings == 1 ? "once" : fmt::format("{} times", firings),
                     count_of(summary, "firings_without_incident"), told);
}

/// All rules as they are, together: each fires for itself, and an incident that one tells is told.
Json together_now(const std::vector<Json>& now) {
  std::size_t firings = 0, without = 0, told = 0, incidents = 0;
  for (const auto& each : now) {
    firings += count_of(each, "firings");
    without += count_of(each, "firings_without_incident");
    told = std::max(told, count_of(each, "incidents_told"));
    incidents = std::max(incidents, count_of(each, "incidents"));
  }
  return {{"firings", firings},
          {"firings_without_incident", without},
          {"incidents_told", told},
          {"incidents", incidents}};
}

std::optional<bool> is_supported(const std::string& what, const Json& proposed, const Json& now) {
  const auto told = count_of(proposed, "incidents_told");
  if (what == "add") {
    if (count_of(proposed, "incidents") == 0) return std::nullopt;
    return told > 0 &&
           count_of(proposed, "firings_without_incident") * 2 <= count_of(proposed, "firings");
  }
  if (what == "delete") {
    if (count_of(now, "firings") + count_of(now, "incidents") == 0) return std::nullopt;
    return count_of(now, "incidents_told") == 0;
  }
  if (count_of(now, "firings") == 0) return std::nullopt;
  const char* fewer = what == "raise" ? "firings_without_incident" : "firings";
  return told >= count_of(now, "incidents_told") &&
         count_of(proposed, fewer) < count_of(now, fewer);
}

}  // namespace

Json support_by(const Proposal& proposal, const Tried& tried) {
  const auto now = together_now(tried.now);
  const auto supports = is_supported(proposal.what, tried.proposed, now);
  std::string text;
  if (!tried.now.empty())
    text = (tried.now.size() > 1 ? "apart, each as it is: " : "as it is: ") + words_of(now);
  if (!tried.proposed.is_null())
    text += (text.empty() ? "as proposed: " : "; as proposed: ") + words_of(tried.proposed);
  return {{"supports", supports ? Json(*supports) : Json()}, {"text", std::move(text)}};
}

std::vector<Proposal> proposals(const catalog::Catalog& catalog, const std::vector<Worth>& worths,
                                const History& history, Timestamp from, Timestamp now) {
  return Proposing(catalog, worths, history, from, now).all();
}

Json to_json(const Proposal& proposal) {
  return {{"what", proposal.what}, {"subject", proposal.subject}, {"workload", proposal.workload},
          {"text", proposal.text}, {"support", proposal.support}, {"rule", proposal.rule},
          {"now", proposal.now},   {"backtest", Json()}};
}

}  // namespace wellrun::health::effectiveness
