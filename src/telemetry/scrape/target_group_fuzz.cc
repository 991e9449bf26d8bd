#include "telemetry/scrape/target_group.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry::scrape;
  const auto groups = parse_target_groups({reinterpret_cast<const char*>(data), size});
  if (groups) (void)resolve_targets({}, *groups);
  return 0;
}
