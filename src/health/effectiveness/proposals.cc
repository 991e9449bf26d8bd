#include "health/effectiveness/proposals.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "health/finding/finding_domain.h"
#include "health/watch/watched_series.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEnoughToMerge = 3;
constexpr double kMostlyTogether = 0.8;

class Proposing {
 public:
  Proposing(const std::vector<Worth>& worths, const History& history, Timestamp from, Timestamp now)
      : worths_(worths), history_(history), from_(from), now_(now) {
    for (const auto& incident : history.incidents) {
      if (is_real(incident, history.signals)) real_.push_back(&incident);
    }
    for (const auto& signal : history.signals) by_subject_[signal.subject].push_back(&signal);
  }

  std::vector<Proposal> all() {
    for (const auto& worth : worths_) {
      if (worth.subject.kind == "kpi") propose_deleting_kpi(worth);
      if (worth.subject.kind == "rule" && !propose_deleting(worth)) propose_raising(worth);
      if (worth.subject.kind == "detector" && !propose_raising_score(worth))
        propose_lowering_score(worth);
      if (worth.subject.kind == "slo" && !propose_raising(worth)) propose_burning_longer(worth);
    }
    propose_merging();
    propose_adding();
    return std::move(found_);
  }

 private:
  using Signals = std::vector<const Signal*>;

  const Signals& of(const Subject& subject) { return by_subject_[subject.name]; }

  static Json rule_of(const Subject& subject, Duration hold) {
    const auto& key = subject.rule.empty() ? subject.name : subject.rule;
    Json rule{{"alert", key.substr(key.rfind('/') + 1)},
              {"expr", subject.expr},
              {"for", format_duration(hold)}};
    if (subject.keep > 0s) rule["keep_firing_for"] = format_duration(subject.keep);
    return rule;
  }

  /// A KPI's as an alert on it.
  static Json kpi_rule_of(const Subject& subject) {
    auto rule = rule_of(subject, subject.hold);
    rule["alert"] = "KpiMissed";
    return rule;
  }

  /// One that speaks when either would.
  static Json merged(const Subject& one, const Subject& other) {
    Subject both = one;
    both.keep = std::max(one.keep, other.keep);
    both.expr = fmt::format("({}) or ({})", one.expr, other.expr);
    return rule_of(both, std::min(one.hold, other.hold));
  }

  void propose_to_delete(const Worth& worth, std::string text, Json support, Json rule) {
    const auto& subject = worth.subject;
    found_.push_back({.what = "delete",
                      .subject = subject.name,
                      .text = std::move(text),
                      .support = std::move(support),
                      .now = {std::move(rule)},
                      .workload = subject.workload,
                      .interval = subject.interval});
    deleted_.insert(subject.name);
  }

  bool propose_deleting(const Worth& worth) {
    const auto& subject = worth.subject;
    const bool never_fired = worth.spoke == 0 && subject.declared_at <= from_;
    const bool never_right = worth.spoke >= kEnoughToJudge && worth.right == 0;
    if (never_fired)
      propose_to_delete(worth,
                        fmt::format("{} never fired in {}, while its workload had {} "
                                    "incidents: delete it, or make it able to fire",
                                    subject.name, format_duration(now_ - from_), worth.incidents),
                        {{"fired", 0}, {"incidents", worth.incidents}},
                        rule_of(subject, subject.hold));
    if (never_right)
      propose_to_delete(worth,
                        fmt::format("{} fired {} times and was never right: delete it, or "
                                    "have it ask for something else",
                                    subject.name, worth.spoke),
                        {{"fired", worth.spoke}, {"right", 0}}, rule_of(subject, subject.hold));
    return never_fired || never_right;
  }

  void propose_deleting_kpi(const Worth& worth) {
    const auto& subject = worth.subject;
    if (worth.looked_at || worth.changed_something || subject.declared_at > from_) return;
    const auto name = subject.name.substr(subject.name.find('/') + 1);
    const auto spoke = worth.spoke == 0 ? std::string("never left its target")
                                        : fmt::format("left its target {} times", worth.spoke);
    propose_to_delete(
        worth,
        fmt::format("in {} nobody looked at the KPI {} and it changed nothing: it {}, of {} "
                    "incidents it told of {}. Review it (wellrun kpi review {}), or delete it",
                    format_duration(now_ - from_), name, spoke, worth.incidents, worth.told, name),
        {{"fired", worth.spoke}, {"incidents", worth.incidents}, {"told", worth.told}},
        kpi_rule_of(subject));
  }

  /// Nothing where there is no rule to be tried.
  static std::vector<Json> as_it_is(const Subject& subject) {
    if (subject.expr.empty()) return {};
    return {rule_of(subject, subject.hold)};
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

  /// Of a composite SLO, whose alert is no rule that could be tried, what it said is all that is
  /// counted.
  bool propose_raising(const Worth& worth) {
    if (worth.spoke < kEnoughToJudge || worth.noise * 2 < worth.spoke) return false;
    const bool is_rule = worth.subject.kind == "rule";
    const auto& signals = of(worth.subject);
    const auto before = left_after(signals, 0ms);
    for (const Duration longer : {Duration{1min}, Duration{2min}, Duration{5min}, Duration{10min},
                                  Duration{15min}, Duration{30min}, Duration{60min}}) {
      const auto after = left_after(signals, longer);
      if (after.incidents != before.incidents) return false;  // longer still would lose it too
      if (after.noise * 2 > before.noise) continue;
      const auto hold = worth.subject.hold + longer;
      found_.push_back(
          {.what = "raise",
           .subject = worth.subject.name,
           .text = fmt::format("{} was noise {} of {} times. With for: {}{} {} of those would be "
                               "left, and all {} incidents that it told would still be told, {} "
                               "later",
                               worth.subject.name, worth.noise, worth.spoke, format_duration(hold),
                               is_rule ? "" : " more in its alerting windows", after.noise,
                               after.incidents.size(), format_duration(longer)),
           .support = {{"fired", worth.spoke},
                       {"noise", before.noise},
                       {"noise_left", after.noise},
                       {"incidents_told", after.incidents.size()},
                       {"for", format_duration(hold)},
                       {"later", format_duration(longer)}},
           .rule = worth.subject.expr.empty() ? Json() : rule_of(worth.subject, hold),
           .now = as_it_is(worth.subject),
           .workload = worth.subject.workload,
           .interval = worth.subject.interval});
      return true;
    }
    return false;
  }

  /// What would be left of a detector's findings at a higher findingScore.
  Left left_at(const Signals& signals, double score) const {
    Left left;
    for (const auto* signal : signals) {
      const auto first = std::ranges::find_if(
          signal->scores, [&](const auto& each) { return each.second >= score; });
      if (first == signal->scores.end()) continue;
      auto later = *signal;
      later.from = first->first;
      const bool right = std::ranges::any_of(
          real_, [&](const Incident* incident) { return told(later, *incident, now_); });
      if (!right) ++left.noise;
      for (const auto* incident : real_)
        if (told(later, *incident, now_)) left.incidents.insert(incident->id);
    }
    return left;
  }

  void propose_score(const Worth& worth, const char* what, double score, std::string text,
                     Json support) {
    const auto& subject = worth.subject;
    support["finding_score"] = score;
    found_.push_back({.what = what,
                      .subject = subject.name,
                      .text = std::move(text),
                      .support = std::move(support),
                      .rule = finding_rule_of(subject.workload, score),
                      .now = {finding_rule_of(subject.workload, subject.finding_score)},
                      .workload = subject.workload});
  }

  bool propose_raising_score(const Worth& worth) {
    if (worth.spoke < kEnoughToJudge || worth.noise * 2 < worth.spoke) return false;
    const auto& signals = of(worth.subject);
    const auto before = left_at(signals, 0);
    for (const double score : {0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95}) {
      if (score <= worth.subject.finding_score) continue;
      const auto after = left_at(signals, score);
      if (after.incidents != before.incidents) return false;  // a higher one would lose it too
      if (after.noise * 2 > before.noise) continue;
      propose_score(worth, "raise", score,
                    fmt::format("{} was noise {} of {} times. With findingScore: {} of its "
                                "workload (now {}) {} of those would be left, and all {} "
                                "incidents that it told would still be told",
                                worth.subject.name, worth.noise, worth.spoke, score,
                                worth.subject.finding_score, after.noise, after.incidents.size()),
                    {{"fired", worth.spoke},
                     {"noise", before.noise},
                     {"noise_left", after.noise},
                     {"incidents_told", after.incidents.size()}});
      return true;
    }
    return false;
  }

  /// What it would have said besides is not in the journal: the back-test says it.
  void propose_lowering_score(const Worth& worth) {
    constexpr double kLowest = 0.5, kStep = 0.1;
    const double now = worth.subject.finding_score;
    const auto missed = worth.incidents - std::min(worth.incidents, worth.told);
    if (missed == 0 || now <= kLowest || worth.noise * 2 > worth.spoke) return;
    const double score = std::max(kLowest, std::round(100 * (now - kStep)) / 100);
    propose_score(worth, "lower", score,
                  fmt::format("{} told of {} of {} incidents, and was noise {} of {} times: a "
                              "findingScore: {} of its workload (now {}) lets it speak sooner",
                              worth.subject.name, worth.told, worth.incidents, worth.noise,
                              worth.spoke, score, now),
                  {{"fired", worth.spoke},
                   {"noise", worth.noise},
                   {"incidents", worth.incidents},
                   {"incidents_told", worth.told}});
  }

  void propose_burning_longer(const Worth& worth) {
    if (worth.spoke < kEnoughToJudge || worth.right > 0) return;
    auto faster = worth.subject;
    faster.expr = faster.faster_expr;
    found_.push_back({.what = "raise",
                      .subject = worth.subject.name,
                      .text = fmt::format("{} fired {} times and was never right: raise the burn "
                                          "rates of its alerting windows{}, or promise less",
                                          worth.subject.name, worth.spoke,
                                          faster.expr.empty() ? "" : ", say to twice as much"),
                      .support = {{"fired", worth.spoke}, {"right", 0}},
                      .rule = faster.expr.empty() ? Json() : rule_of(faster, faster.hold),
                      .now = as_it_is(worth.subject),
                      .workload = worth.subject.workload,
                      .interval = worth.subject.interval});
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
    const bool rules = one.subject.kind == "rule" && other.subject.kind == "rule" &&
                       one.subject.name != other.subject.name;
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

  /// KPIs and detectors know, and tell nobody.
  static bool is_quiet(const Signal& signal) {
    return signal.subject.starts_with("kpis/") || signal.subject.starts_with("detectors/");
  }

  /// Did an alert say so before the person?
  bool was_told(const Incident& incident) const {
    return std::ranges::any_of(history_.signals, [&](const Signal& signal) {
      return !is_quiet(signal) && told(signal, incident, now_) && came_first(signal, incident);
    });
  }

  static bool came_first(const Signal& signal, const Incident& incident) {
    return !incident.noticed_at || signal.from <= *incident.noticed_at;
  }

  /// Who of the quiet ones knew before the person: a KPI rather than a detector, the first of them.
  const Worth* who_knew(const Incident& incident) const {
    const Signal* first = nullptr;
    const auto rank = [](const Signal& signal) {
      return std::pair(signal.subject.starts_with("detectors/"), signal.from);
    };
    for (const auto& signal : history_.signals) {
      if (!is_quiet(signal) || !told(signal, incident, now_) || !came_first(signal, incident) ||
          worth_named(signal.subject) == nullptr)
        continue;
      if (first == nullptr || rank(signal) < rank(*first)) first = &signal;
    }
    return first == nullptr ? nullptr : worth_named(first->subject);
  }

  const Worth* worth_named(const std::string& subject) const {
    const auto found =
        std::ranges::find(worths_, subject, [](const Worth& worth) { return worth.subject.name; });
    return found == worths_.end() ? nullptr : &*found;
  }

  void propose_adding() {
    std::map<const Worth*, std::vector<std::string>> by_knower;
    std::map<std::string, std::vector<std::string>> by_workload;
    for (const auto* incident : real_) {
      if (was_told(*incident)) continue;
      const auto* knew = who_knew(*incident);
      (knew == nullptr ? by_workload[incident->workload] : by_knower[knew]).push_back(incident->id);
    }
    for (const auto& worth : worths_) {
      const auto found = by_knower.find(&worth);
      if (found != by_knower.end()) propose_adding_for(worth.subject, found->second);
    }
    for (const auto& [workload, incidents] : by_workload) {
      found_.push_back(
          {.what = "add",
           .subject = "workloads/" + workload,
           .text = fmt::format("people noticed {} of {} first, and no alert, KPI or detector said "
                               "anything: what did they see that is not measured?",
                               fmt::join(incidents, ", "), workload),
           .support = {{"incidents", incidents}},
           .rule = {},
           .workload = workload});
    }
  }

  void propose_adding_for(const Subject& subject, const std::vector<std::string>& incidents) {
    const bool is_kpi = subject.kind == "kpi";
    const auto knew =
        is_kpi ? fmt::format("the KPI {} had left its target: add an alert on it",
                             subject.name.substr(subject.name.find('/') + 1))
               : fmt::format(
                     "the detector of {} had found something unusual: add an alert on what "
                     "is normal",
                     subject.workload);
    found_.push_back(
        {.what = "add",
         .subject = subject.name,
         .text = fmt::format("people noticed {} first, while {}", fmt::join(incidents, ", "), knew),
         .support = {{"incidents", incidents}},
         .rule = is_kpi ? kpi_rule_of(subject) : unusual_rule_of(subject.workload),
         .workload = subject.workload,
         .interval = is_kpi ? subject.interval : Duration{1min}});
  }

  /// As docs/baselines.md has it.
  static Json unusual_rule_of(const std::string& workload) {
    return {{"alert", "Unusual"},
            {"expr",
             fmt::format("max(max_over_time(wellrun:baseline:score{{workload=\"{}\"}}[5m])) >= 0.6",
                         workload)},
            {"for", "0s"}};
  }

  /// When there would have been a finding, out of the scores as they were written; as
  /// finding::finding_score_of() has it.
  static Json finding_rule_of(const std::string& workload, double score) {
    const auto scores = [&](const char* more) {
      return fmt::format("max_over_time(wellrun:baseline:score{{workload=\"{}\"{}}}[5m])", workload,
                         more);
    };
    const double together =
        std::max(watch::kAlarmScore, std::round(100 * (score - finding::kTogether)) / 100);
    return {{"alert", "Finding"},
            {"expr", fmt::format("max({}) >= {} or count({} >= {}) >= 2 or max({}) >= {}",
                                 scores(""), score, scores(""), together,
                                 scores(", baseline=~\"(kpi|sli)/.*\""), together)},
            {"for", "0s"}};
  }

  const std::vector<Worth>& worths_;
  const History& history_;
  Timestamp from_, now_;
  std::vector<const Incident*> real_;
  std::map<std::string, Signals> by_subject_;
  std::set<std::string> deleted_;  ///< rules that are proposed to go
  std::vector<Proposal> found_;
};

}  // namespace

std::vector<Proposal> proposals(const std::vector<Worth>& worths, const History& history,
                                Timestamp from, Timestamp now) {
  return Proposing(worths, history, from, now).all();
}

Json to_json(const Proposal& proposal) {
  return {{"what", proposal.what}, {"subject", proposal.subject}, {"workload", proposal.workload},
          {"text", proposal.text}, {"support", proposal.support}, {"rule", proposal.rule},
          {"now", proposal.now},   {"backtest", Json()}};
}

}  // namespace wellrun::health::effectiveness
