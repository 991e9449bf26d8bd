#pragma once

// How a deployment failed and was made good again: one reading of the facts for every figure that
// is made of it (DORA in change, KPIs of operations in health). Plain data.

#include <optional>
#include <string_view>

#include "core/json.h"
#include "core/time.h"

namespace wellrun::facts {

/// Facts arrive in order of time, incidents only when this deployment is blamed for them.
struct Recovery {
  std::optional<Timestamp> failed_at;    ///< the first sign of it
  std::optional<Timestamp> restored_at;  ///< the first end of it, never before failed_at

  void incident_opened(Timestamp at) { fail(at); }
  void incident_resolved(Timestamp at) { restore(at); }
  /// `since`: from when customers had it: its first outcome, or while it has none its start. A way
  /// back that nothing else announced means that it was bad all that time.
  void finished(std::string_view outcome, Timestamp since, Timestamp at) {
    if (outcome == "failed") fail(at);
    if (outcome != "rolled_back") return;
    fail(since);
    restore(at);
  }

  /// std::nullopt while it is not restored, and when it never failed.
  std::optional<Duration> time_to_restore() const {
    if (!failed_at || !restored_at) return std::nullopt;
    return *restored_at - *failed_at;
  }

 private:
  void fail(Timestamp at) {
    if (!failed_at) failed_at = at;
  }
  void restore(Timestamp at) {
    if (!restored_at) restored_at = at;
  }
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Recovery, failed_at, restored_at)

}  // namespace wellrun::facts
