#include "telemetry/model.h"

#include <bit>

namespace wellrun::telemetry {

bool is_stale_marker(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleNanBits;
}
double stale_marker() {
  return std::bit_cast<double>(kStaleNanBits);
}

}  // namespace wellrun::telemetry
