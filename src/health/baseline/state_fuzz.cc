// Any bytes as a stored baseline, also ones whose checksum is right: refused, or an object that
// goes on working.

#include "core/assert.h"
#include "core/bytes.h"
#include "health/baseline/state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  using namespace wellrun::health::baseline;
  std::string bytes("WRBL\x01");
  bytes.append(reinterpret_cast<const char*>(data), size);
  const auto sum = static_cast<std::uint32_t>(stable_hash(bytes));
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum >> shift & 0xff);
  auto restored = restore(bytes);
  if (!restored) return 0;
  for (int i = 0; i < 100; ++i) {
    const auto seen = restored->observe(from_unix_ms(i * 60'000), i % 7);
    WELLRUN_ASSERT(seen.score >= 0 && seen.score <= 1, "a score is within 0..1");
  }
  return 0;
}
