#pragma once

// What rules, KPIs and detectors said, what really happened, and what people said of it: out of
// facts. Pure.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "health/rules/backtest.h"
#include "journal/fact.h"

namespace wellrun::health::effectiveness {

/// One time that something said that an outcome is at risk: an alert fired, a KPI left its target,
/// a detector opened a finding.
struct Signal {
  std::string
      subject;  ///< "rules/shop/High", "slos/orders/SloBurnRate", "kpis/orders", "detectors/shop"
  std::string key;  ///< fingerprint, KPI or finding
  std::string workload, severity;
  Timestamp from;
  std::optional<Timestamp> to;
  journal::Sequence seq = 0;
  std::string verdict;  ///< a person's: real, noise or none
  /// Of a finding, as it grew: since when it would have been one at which findingScore.
  std::vector<std::pair<Timestamp, double>> scores = {};

  Timestamp end_or(Timestamp now) const { return to.value_or(now); }
};

/// Whether a KPI of that status is off its target.
bool speaks(std::string_view kpi_status);

struct Incident : rules::PastIncident {
  std::set<std::string> fingerprints;  ///< of its alerts
  bool acted_on =
      false;  ///< a person acknowledged, escalated, mitigated, wrote, or a run was started
};

struct History {
  std::vector<Signal> signals;                   ///< in order of beginning
  std::vector<Incident> incidents;               ///< in order of opening
  std::map<std::string, std::size_t> reviews;    ///< of each KPI
  std::map<std::string, std::size_t> decisions;  ///< of those, with a decision
  std::map<std::string, std::size_t> views;      ///< of each KPI: days on which somebody looked
};

/// `facts`: alert.*, incident.*, kpi.*, finding.*, run.started, status.posted, in order.
/// `standing`: what began before the first of them and goes on, in order of beginning: no fact
/// tells of it.
History history_of(std::span<const journal::Fact> facts, std::vector<Signal> standing = {});

/// An incident is real when somebody acted on it or opened it by hand, or called one of its alerts
/// real; not when all of its alerts were called noise.
bool is_real(const Incident& incident, std::span<const Signal> signals);

/// Whether the signal was there between an hour before the incident's opening and its end.
bool told(const Signal& signal, const Incident& incident, Timestamp now);

}  // namespace wellrun::health::effectiveness
