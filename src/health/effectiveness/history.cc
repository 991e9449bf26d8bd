#include "health/effectiveness/history.h"

#include <algorithm>

#include "facts/findings.h"
#include "facts/health.h"
#include "facts/procedures.h"
#include "facts/respond.h"
#include "facts/views.h"
#include "health/finding/finding_domain.h"

namespace wellrun::health::effectiveness {
namespace {

class Gathering {
 public:
  History of(std::span<const journal::Fact> facts, std::vector<Signal> standing) {
    for (auto& signal : standing) {
      rule_of_[signal.key] = signal.subject;
      begin(std::move(signal));
    }
    for (auto& past : rules::incidents_of(facts)) {
      auto& incident = history_.incidents.emplace_back();
      static_cast<rules::PastIncident&>(incident) = std::move(past);
      incident.acted_on = incident.noticed_at.has_value();
      index_[incident.id] = history_.incidents.size() - 1;
    }
    for (const auto& fact : facts) take(fact);
    return std::move(history_);
  }

 private:
  void take(const journal::Fact& fact) {
    const std::string_view type = fact.type;
    if (type.starts_with("alert.")) take_alert(fact);
    if (type.starts_with("kpi.")) take_kpi(fact);
    if (type.starts_with("finding.")) take_finding(fact);
    if (type.starts_with("incident.") || type == facts::RunStarted::kType ||
        type == facts::StatusPosted::kType)
      take_incident(fact);
  }

  void begin(Signal signal) {
    open_[signal.subject + " " + signal.key] = history_.signals.size();
    history_.signals.push_back(std::move(signal));
  }
  void end(const std::string& what, Timestamp at) {
    const auto found = open_.find(what);
    if (found == open_.end()) return;
    history_.signals[found->second].to = at;
    open_.erase(found);
  }

  void take_alert(const journal::Fact& fact) {
    const auto fingerprint = text_or(fact.body, "fingerprint");
    if (fact.type == facts::AlertFired::kType) {
      rule_of_[fingerprint] = text_or(fact.body, "rule");
      begin({.subject = text_or(fact.body, "rule"),
             .key = fingerprint,
             .workload = text_or(fact.body, "workload"),
             .severity = text_or(fact.body, "severity"),
             .from = fact.time,
             .to = {},
             .seq = fact.seq,
             .verdict = {}});
    } else if (fact.type == facts::AlertResolved::kType) {
      end(rule_of_[fingerprint] + " " + fingerprint, fact.time);
    } else if (fact.type == facts::AlertVerdictGiven::kType) {
      const auto given = fact.body.get<facts::AlertVerdictGiven>();
      for (auto& signal : history_.signals) {
        if (signal.seq == static_cast<journal::Sequence>(given.fired_seq))
          signal.verdict = given.verdict;
      }
    }
  }

  /// A KPI speaks when it is at risk or missed, for as long as it is.
  void take_kpi(const journal::Fact& fact) {
    const auto kpi = text_or(fact.body, "kpi");
    if (fact.type == facts::KpiReviewed::kType) {
      ++history_.reviews[kpi];
      if (!text_or(fact.body, "decision").empty()) ++history_.decisions[kpi];
      return;
    }
    if (fact.type == facts::KpiViewed::kType) {
      ++history_.views[kpi];
      return;
    }
    const auto subject = "kpis/" + kpi;
    const auto to = text_or(fact.body, "to");
    if (!speaks(to)) return end(subject + " " + kpi, fact.time);
    if (open_.contains(subject + " " + kpi)) return;
    begin({.subject = subject,
           .key = kpi,
           .workload = text_or(fact.body, "workload"),
           .severity = to,
           .from = fact.time,
           .to = {},
           .seq = fact.seq,
           .verdict = {}});
  }

  void take_finding(const journal::Fact& fact) {
    const auto finding = text_or(fact.body, "finding");
    const auto subject = "detectors/" + text_or(fact.body, "workload");
    if (fact.type == facts::FindingOpened::kType)
      begin({.subject = subject,
             .key = finding,
             .workload = text_or(fact.body, "workload"),
             .severity = {},
             .from = fact.time,
             .to = {},
             .seq = fact.seq,
             .verdict = {}});
    const auto known = open_.find(subject + " " + finding);
    if (known != open_.end() && fact.body.contains("anomalies"))
      history_.signals[known->second].scores.emplace_back(
          fact.time, finding::finding_score_of(fact.body["anomalies"]));
    if (fact.type == facts::FindingClosed::kType) end(subject + " " + finding, fact.time);
  }

  void take_incident(const journal::Fact& fact) {
    const auto known = index_.find(text_or(fact.body, "incident"));
    if (known == index_.end()) return;
    auto& incident = history_.incidents[known->second];
    const auto fingerprint = text_or(fact.body, "fingerprint");
    if (!fingerprint.empty()) incident.fingerprints.insert(fingerprint);
    static const std::set<std::string, std::less<>> kByItself = {
        facts::IncidentOpened::kType, facts::IncidentAlertAdded::kType,
        facts::IncidentAlertResolved::kType, facts::IncidentResolved::kType};
    const bool person = fact.actor.starts_with("person:") || fact.actor.starts_with("token:") ||
                        fact.actor.starts_with("link:");
    const bool run = fact.type == facts::RunStarted::kType;
    if (run || (person && !kByItself.contains(fact.type))) incident.acted_on = true;
  }

  History history_;
  std::map<std::string, std::size_t> index_, open_;
  std::map<std::string, std::string> rule_of_;
};

}  // namespace

History history_of(std::span<const journal::Fact> facts, std::vector<Signal> standing) {
  return Gathering().of(facts, std::move(standing));
}

bool speaks(std::string_view kpi_status) {
  return kpi_status == "missed" || kpi_status == "at_risk";
}

bool is_real(const Incident& incident, std::span<const Signal> signals) {
  std::size_t noise = 0, mine = 0;
  for (const auto& signal : signals) {
    if (!incident.fingerprints.contains(signal.key)) continue;
    const bool in_time = signal.from >= incident.opened_at - rules::kForesight &&
                         (!incident.resolved_at || signal.from <= *incident.resolved_at);
    if (!in_time) continue;
    if (signal.verdict == "real") return true;
    ++mine;
    if (signal.verdict == "noise") ++noise;
  }
  return incident.acted_on && (mine == 0 || noise < mine);
}

bool told(const Signal& signal, const Incident& incident, Timestamp now) {
  return signal.workload == incident.workload && rules::tells(signal.from, incident, now);
}

}  // namespace wellrun::health::effectiveness
