#pragma once

// Limits of series per workload: tells the store whose series are whose, as the catalog says, and
// records in the journal who reached its limit and who is below it again. Lives on the strand; the
// store is asked on workers.

#include <map>
#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "platform/runtime/runtime.h"
#include "server/control_plane.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// A job is part of a workload when a Scrape of that name has a component of it, or a component's
/// service has its name.
telemetry::OwnerRules owner_rules(const catalog::Catalog& catalog, std::size_t default_max_series);

/// What of `usage` is news to those who know that the `known` are at their limits. An owner reaches
/// its limit when it was refused something since `looked_ms`; it is below again when it was refused
/// nothing for ten minutes, or has no series any more.
struct LimitNews {
  std::vector<telemetry::OwnerUsage> reached, cleared;
};
LimitNews limit_news(const std::vector<telemetry::OwnerUsage>& usage,
                     const std::vector<health::LimitedOwner>& known, std::int64_t looked_ms,
                     std::int64_t now_ms);

class SeriesLimits {
 public:
  /// References outlive it.
  SeriesLimits(Runtime runtime, ControlPlane& plane, telemetry::EmbeddedStore& store,
               std::size_t default_max_series);
  ~SeriesLimits();

  /// Before anybody writes: what is stored is counted on this thread.
  void start();
  /// After each apply.
  void catalog_changed();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wellrun::server
