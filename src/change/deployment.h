#pragma once

// A deployment and a change as this domain keeps them, and the four DORA figures. Plain data and
// pure functions.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/json.h"
#include "core/time.h"
#include "facts/change.h"
#include "facts/recovery.h"
#include "journal/fact.h"

namespace wellrun::change {

struct Deployment {
  facts::DeploymentStarted what;
  bool in_production = true;  ///< as its environment was declared when it began
  std::string gate = "open";  ///< of error budgets, when it began: open, flagged or refused
  Timestamp started_at;
  std::optional<Timestamp> finished_at;  ///< first: a later way back does not move it
  std::string state = "started";         ///< started, succeeded, failed or rolled_back
  journal::Sequence seq = 0;
  /// Failed when an incident of its workload opened within `kBlameWindow` of it, or it failed or
  /// was rolled back; restored when that incident was resolved, or the way back succeeded.
  facts::Recovery recovery;
  std::string incident;

  bool caused_failure() const { return recovery.failed_at.has_value(); }
};

struct Change {
  facts::ChangeRecorded what;
  Timestamp at;
  journal::Sequence seq = 0;
};

/// An incident that opens this soon after a deployment to its workload counts against that
/// deployment.
inline constexpr Duration kBlameWindow{3'600'000};

Json to_json(const Deployment& deployment);
Json to_json(const Change& change);

/// The four figures over a window. Source: the DORA research programme's definitions. A figure
/// without data is nullopt.
struct Dora {
  std::size_t deployments = 0;  ///< to production, finished
  std::size_t failures = 0;
  double deployments_per_day = 0;
  std::optional<Duration> lead_time_median;        ///< facts::lead_time of those that arrived
  std::optional<double> change_failure_rate;       ///< failures / deployments
  std::optional<Duration> time_to_restore_median;  ///< failure to restored
};

/// Over the deployments finished in [now - window, now] that are in production environments; all
/// when `workload` is empty.
Dora dora(const std::deque<Deployment>& deployments, const std::string& workload, Timestamp now,
          Duration window);
Json to_json(const Dora& dora, Duration window);

/// The middle of `values` (mean of the two middle ones for an even count); nullopt for none.
std::optional<Duration> median(std::vector<Duration> values);

}  // namespace wellrun::change
