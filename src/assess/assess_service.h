#pragma once

// Making an assessment: reads telemetry first (asynchronously), then judges on the strand. Also its
// HTTP routes.

#include <functional>
#include <vector>

#include "assess/assess_domain.h"
#include "platform/http/router.h"
#include "telemetry/query.h"
#include "telemetry/storage.h"

namespace wellrun::assess {

class AssessService {
 public:
  /// All outlive the service.
  AssessService(Runtime runtime, journal::Ledger& ledger, AssessDomain& domain,
                const catalog::Catalog& catalog, telemetry::Querier& querier,
                const telemetry::SignalStore& signals)
      : runtime_(runtime),
        ledger_(ledger),
        domain_(domain),
        catalog_(catalog),
        querier_(querier),
        signals_(signals) {}

  /// Calls `done` on the strand with what telemetry shows now.
  void read(std::function<void(const Readings&)> done);

  /// Calls `done` on the strand with what is known now. What cannot be read is said in the
  /// Readings, and is not an error.
  void assess(std::function<void(Assessment)> done);

  /// GET /api/v1/assessment, POST /api/v1/assessment, GET /api/v1/assessment/history.
  std::vector<http::Route> routes();

 private:
  struct Reading;

  Runtime runtime_;
  journal::Ledger& ledger_;
  AssessDomain& domain_;
  const catalog::Catalog& catalog_;
  telemetry::Querier& querier_;
  const telemetry::SignalStore& signals_;
};

}  // namespace wellrun::assess
