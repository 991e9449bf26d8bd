#pragma once

// The shell of findings: after each turn of a watch it asks the domain what to record of the
// watch's workload. On the strand.

#include "health/finding/finding_domain.h"
#include "health/watch/watch_service.h"

namespace wellrun::health::finding {

/// All series of the readings that are unusual, of one workload.
std::vector<Unusual> unusual_of(const std::vector<watch::WatchReadingPointer>& readings,
                                const std::string& workload, const catalog::Catalog& catalog);

class FindingService {
 public:
  /// All outlive it.
  FindingService(const catalog::Catalog& catalog, journal::Ledger& ledger,
                 const FindingDomain& domain, watch::WatchService& watches);

  /// Becomes the listener of the watches, which have started.
  void start();

 private:
  void look_at(const std::string& workload);
  void close_orphans();

  const catalog::Catalog& catalog_;
  journal::Ledger& ledger_;
  const FindingDomain& domain_;
  watch::WatchService& watches_;
  std::unique_ptr<Timer> subscription_;
};

}  // namespace wellrun::health::finding
