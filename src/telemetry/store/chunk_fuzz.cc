#include "telemetry/store/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<wellrun::telemetry::Sample> samples;
  if (wellrun::telemetry::store::decode_floats(bytes, samples).has_value() && samples.empty())
    __builtin_trap();
  std::vector<wellrun::telemetry::HistogramSample> histograms;
  (void)wellrun::telemetry::store::decode_histograms(bytes, histograms);
  return 0;
}
