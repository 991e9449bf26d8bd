#include "health/finding/finding_service.h"

#include "catalog/kinds/workload.h"
#include "facts/catalog.h"
#include "health/refusal.h"

namespace wellrun::health::finding {

std::vector<Unusual> unusual_of(const std::vector<watch::WatchReadingPointer>& readings,
                                const std::string& workload, const catalog::Catalog& catalog) {
  std::vector<Unusual> unusual;
  for (const auto& reading : readings) {
    if (reading->watch.workload != workload || reading->catching_up) continue;
    for (const auto& series : reading->series) {
      const auto* anomaly = series.open_anomaly();
      if (anomaly == nullptr) continue;
      unusual.push_back({.baseline = series.id,
                         .watch = reading->watch.key,
                         .metric = std::string(series.identity.get("metric")),
                         .component = component_of(catalog, workload, series.identity),
                         .since = anomaly->from,
                         .score = anomaly->score,
                         .why = anomaly->why});
    }
  }
  return unusual;
}

FindingService::FindingService(const catalog::Catalog& catalog, journal::Ledger& ledger,
                               const FindingDomain& domain, watch::WatchService& watches)
    : catalog_(catalog), ledger_(ledger), domain_(domain), watches_(watches) {}

void FindingService::start() {
  watches_.on_reading([this](const watch::WatchReading& reading) {
    look_at(reading.watch.workload);
    close_orphans();
  });
  // With the last watch gone there are no more turns.
  subscription_ = ledger_.subscribe([this](const journal::Fact& fact) {
    if (fact.type == facts::CatalogApplied::kType) close_orphans();
  });
}

/// While a watch has not had its turn since the start, its series are not known to be usual: an
/// open finding waits for all of them.
void FindingService::look_at(const std::string& workload) {
  if (!watches_.has_read_all(workload)) return;
  auto unusual = unusual_of(watches_.readings(), workload, catalog_);
  if (unusual.empty() && domain_.open_of(workload) == nullptr) return;
  ledger_.command(
      {},
      [&domain = domain_, &catalog = catalog_, workload,
       unusual = std::move(unusual)](Timestamp now) {
        const auto* declared = catalog.find<catalog::Workload>(workload);
        return Result<journal::Decision>(
            domain.decide(workload, unusual, Topology(catalog), std::string(kAsUsualAgain), now,
                          declared == nullptr ? kUsualFindingScore : declared->finding_score));
      },
      log_refusal(ledger_, "a finding"));
}

/// Findings of workloads that are not watched any more would stay open for ever.
void FindingService::close_orphans() {
  for (const auto& [id, each] : domain_.findings()) {
    if (each.closed_at || watches_.watches_any(each.workload)) continue;
    ledger_.command(
        {},
        [&domain = domain_, workload = each.workload](Timestamp now) {
          static const Topology kNone{catalog::Catalog{}};
          return Result<journal::Decision>(
              domain.decide(workload, {}, kNone, "no longer watched", now));
        },
        log_refusal(ledger_, "a finding"));
  }
}

}  // namespace wellrun::health::finding
