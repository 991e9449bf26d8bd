#pragma once

// Findings, as the journal knows them: per workload at most one that is open, which all of its
// unusual series belong to. A functional core: the service says what is unusual now, and what is
// already recorded is not recorded again. docs/findings.md.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "facts/findings.h"
#include "health/finding/causes.h"
#include "journal/ledger.h"

namespace wellrun::health::finding {

/// A single series opens a finding from the workload's findingScore on; two series, a KPI or an SLI
/// from this much below.
inline constexpr double kTogether = 0.1;
inline constexpr double kUsualFindingScore = 0.6;

/// One series that is unusual now.
struct Unusual {
  std::string baseline;  ///< its id
  std::string watch;
  std::string metric;
  std::string component;
  Timestamp since{};
  double score = 0;
  std::string why;
};

struct Finding {
  std::string id;
  std::string workload;
  std::string summary;
  Timestamp since{};
  Timestamp opened_at{};
  Timestamp changed_at{};
  std::optional<Timestamp> closed_at;
  std::string closed_because;
  Json anomalies = Json::array();
  int anomaly_count = 0;
  Json causes = Json::array();
  journal::Sequence seq = 0;  ///< of its finding.opened
};

/// The highest findingScore at which these open a finding; 0: at none.
double finding_score_of(const std::vector<Unusual>& unusual);
/// Likewise, of a fact's list of anomalies.
double finding_score_of(const Json& anomalies);

/// Why a finding ends when none of its series is unusual any more.
inline constexpr std::string_view kAsUsualAgain = "as usual again";

class FindingDomain final : public journal::Domain {
 public:
  std::string_view name() const override { return "finding"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// Oldest first; of those that are closed the last 200.
  const std::map<std::string, Finding>& findings() const { return findings_; }
  const Finding* open_of(const std::string& workload) const;

  /// What is to be recorded when exactly `unusual` is unusual in `workload`: nothing, or that a
  /// finding opened, grew, or ended because of `reason`. A finding changes at most once a minute,
  /// and one that is kAsUsualAgain ends no sooner: what flaps does not fill the journal.
  /// `finding_score`: the workload's.
  journal::Decision decide(const std::string& workload, std::vector<Unusual> unusual,
                           const Topology& topology, const std::string& reason, Timestamp now,
                           double finding_score = kUsualFindingScore) const;

 private:
  void note_change(RecentChange change);
  void forget_old();

  std::map<std::string, Finding> findings_;  ///< ids sort by age
  int count_ = 0;
  std::deque<RecentChange> changes_;  ///< of the last hours
};

}  // namespace wellrun::health::finding
