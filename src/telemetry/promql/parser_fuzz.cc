#include <cstdint>

#include "core/assert.h"
#include "telemetry/promql/parser.h"

// Whatever parses is printed to text that parses to the same text again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry::promql;
  const auto expr = parse({reinterpret_cast<const char*>(data), size});
  if (!expr) return 0;
  const auto text = to_string(**expr);
  const auto again = parse(text);
  WELLRUN_ASSERT(again.has_value(), text);
  WELLRUN_ASSERT(to_string(**again) == text, text);
  return 0;
}
