#pragma once

// The stored form of a baseline: docs/formats/baseline.md. About 1.8 KiB, never more than 2.7 KiB.
// Profiles keep 16 bits of their range, courses 8, and histories 16-bit floats, so a restored
// baseline scores as the original within a few thousandths.

#include <string>
#include <string_view>

#include "core/result.h"
#include "health/baseline/baseline.h"

namespace wellrun::health::baseline {

inline constexpr std::uint8_t kStateVersion = 6;
/// That is still read. 1 knows no holidays; up to 2 the plain value is not remembered in its own
/// units, and is once it was learned for half as long as the rest; up to 3 no course is known; up
/// to 4 events are counted from then on; up to 5 a counter is one by its
/// numbers alone.
inline constexpr std::uint8_t kOldestStateVersion = 1;

std::string save(const Baseline& baseline);

/// Any bytes are accepted as input. kCorrupt when they are not what save() wrote (checksum);
/// kUnsupported for a version that is not known.
Result<Baseline> restore(std::string_view bytes);

}  // namespace wellrun::health::baseline
