// The first byte chooses the format: odd is OpenMetrics.

#include "telemetry/scrape/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry::scrape;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)parse_exposition(body, (data[0] & 1) == 0 ? Format::kPrometheus : Format::kOpenMetrics, {});
  return 0;
}
