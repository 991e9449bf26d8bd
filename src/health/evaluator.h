#pragma once

// The shell of health: evaluates rule groups, KPIs and SLOs of the catalog at their intervals,
// writes what is telemetry (results of recording rules, ALERTS, ALERTS_FOR_STATE), and has recorded
// what is a fact. Everything on the strand.
//
// Evaluations are staggered by a hash of the group's name, and one that is still under way when the
// next is due makes that one be skipped. After a restart firing alerts go on from the journal,
// pending ones from ALERTS_FOR_STATE as it was at the group's last evaluation, so that they fire at
// their original due time.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "health/health_domain.h"
#include "health/kpi.h"
#include "health/slo/budget.h"
#include "platform/runtime/runtime.h"
#include "telemetry/commit_watch.h"
#include "telemetry/query.h"
#include "telemetry/storage.h"

namespace wellrun::health {

namespace operations {
struct OperationsRecord;
}

struct EvaluatorOptions {
  /// Tells which metrics were committed, so that alerting rules become due besides their interval;
  /// null: they do not. Outlives the evaluator.
  telemetry::CommitWatch* commits = nullptr;
  /// What KPIs of operations are computed from; null: they have no data. Outlives the evaluator.
  const operations::OperationsRecord* operations = nullptr;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
  /// The newest that was stored before the start; zero: it is not known. Older than the look-back,
  /// alerts that were taken over have no answer until they are measured again.
  Timestamp last_sample{};
};

/// One rule as /api/v1/rules shows it.
struct RuleReading {
  bool recording = false;
  std::string name, expr;
  Duration hold{0}, keep_firing_for{0};
  std::map<std::string, std::string> labels, annotations;
  std::string health = "unknown";  ///< ok, err or unknown
  std::string last_error;
  Timestamp last_evaluation{};
  std::chrono::nanoseconds evaluation_time{0};
  ActiveAlerts alerts;
};

struct GroupReading {
  std::string name;
  std::string file;  ///< that it was applied from
  Duration interval{0};
  Timestamp last_evaluation{};
  int limit = 0;  ///< as declared; 0: none
  std::vector<RuleReading> rules;
};

struct KpiReading {
  std::optional<double> value;
  std::string error;
};

struct SloReading {
  catalog::SloPeriod period;  ///< that `window` was counted in, as far as it had come
  EventCounts window;         ///< over the SLO's whole window, or the calendar's until `read_at`
  /// Of a composite: over the same, what each objective counted.
  std::vector<EventCounts> parts = {};
  std::optional<BudgetUse> use = {};  ///< of `window`, as budget policies take it
  Timestamp read_at{};                ///< when `window` was counted
  std::vector<BurnRate> burn_rates;
  std::string error;
};

class Evaluator {
 public:
  /// All references outlive it.
  Evaluator(Runtime runtime, const catalog::Catalog& catalog, telemetry::Querier& querier,
            telemetry::MetricWriter& writer, journal::Ledger& ledger, HealthDomain& domain,
            EvaluatorOptions options = {});
  ~Evaluator();

  /// After Ledger::start(), on the strand. Follows the catalog from then on.
  void start();
  /// On the strand. Answers that are still on their way are dropped.
  void stop();

  std::vector<GroupReading> groups() const;
  /// std::nullopt before its first evaluation.
  std::optional<KpiReading> kpi(const std::string& name) const;
  /// std::nullopt before it was evaluated or could not be; in the latter case there is no more than
  /// `error`.
  std::optional<SloReading> slo(const std::string& name) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< answers on their way hold it weakly
};

}  // namespace wellrun::health
