// The first byte chooses the format.

#include "telemetry/scrape/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry::scrape;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr Format kFormats[] = {Format::kPrometheus, Format::kOpenMetrics, Format::kProtobuf};
  (void)parse_exposition(body, kFormats[data[0] % 3], {}, /*keep_classic=*/(data[0] & 4) != 0);
  return 0;
}
