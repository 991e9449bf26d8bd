#include "telemetry/store/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<wellrun::telemetry::Sample> samples;
  if (wellrun::telemetry::store::decode_floats(bytes, samples).has_value() && samples.empty())
    __builtin_trap();
  if (!samples.empty()) {
    const auto middle = samples[samples.size() / 2].time_ms;
    std::vector<wellrun::telemetry::Sample> part;
    if (!wellrun::telemetry::store::decode_floats(bytes, {middle, middle}, part) ||
        part.size() != 1)
      __builtin_trap();
  }
  std::vector<wellrun::telemetry::HistogramSample> histograms;
  (void)wellrun::telemetry::store::decode_histograms(bytes, histograms);
  return 0;
}
