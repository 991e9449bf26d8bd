// Any bytes as CSV: an answer or an error with its line, every score finite and within 0..1.

#include <sstream>

#include "core/assert.h"
#include "health/baseline/baseline.h"
#include "health/baseline/detect_csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  using namespace wellrun::health::baseline;
  std::istringstream in("timestamp,value\n" +
                        std::string(reinterpret_cast<const char*>(data), size));
  std::ostringstream out;
  static const auto berlin = [] {
    wellrun::catalog::Calendar declared;
    declared.time_zone = "Europe/Berlin";
    declared.holidays = {{"\"A\", day", "01-01"}};
    return Calendar::of(declared);
  }();
  const auto done = detect(
      in, out, {.explain = size % 2 == 0, .calendar = size % 3 == 0 ? *berlin : Calendar::utc()});
  WELLRUN_ASSERT(done || done.error().context.starts_with("line "), "an error names its line");

  // The same bytes as samples: nine a sample, a time step and the bits of a value.
  Baseline baseline;
  std::int64_t now = 0;
  for (std::size_t at = 0; at + 9 <= size; at += 9) {
    now += (data[at] - 32) * 10'000;
    double value = 0;
    __builtin_memcpy(&value, data + at + 1, sizeof value);
    const auto seen = baseline.observe(from_unix_ms(now), value);
    WELLRUN_ASSERT(seen.score >= 0 && seen.score <= 1, "a score is within 0..1");
  }
  return 0;
}
