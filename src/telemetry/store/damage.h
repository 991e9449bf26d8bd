#pragma once

#include <string>

namespace wellrun::telemetry::store {

/// One stretch of stored bytes that is not what was written.
struct Damage {
  std::string where;  ///< "wal/00000003.log at byte 4711"
  std::string what;

  bool operator==(const Damage&) const = default;
};

}  // namespace wellrun::telemetry::store
