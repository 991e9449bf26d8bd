// Any bytes as a stored baseline, also ones whose checksum is right: refused, or an object that
// goes on working.

#include "core/assert.h"
#include "core/bytes.h"
#include "health/baseline/state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  using namespace wellrun::health::baseline;
  std::string bytes("WRBL");
  bytes += static_cast<char>(size % 2 == 0 ? kStateVersion : kOldestStateVersion);
  bytes.append(reinterpret_cast<const char*>(data), size);
  const auto sum = static_cast<std::uint32_t>(stable_hash(bytes));
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum >> shift & 0xff);
  static const auto calendar = [] {
    wellrun::catalog::Calendar declared;
    declared.holidays = {{"A day", "1970-01-01"}};
    return Calendar::of(declared);
  }();
  auto restored = restore(bytes);
  if (!restored) return 0;
  for (int i = 0; i < 100; ++i) {
    const auto seen = restored->observe(from_unix_ms(i * 600'000), i % 7, *calendar);
    WELLRUN_ASSERT(seen.score >= 0 && seen.score <= 1, "a score is within 0..1");
  }
  return 0;
}
