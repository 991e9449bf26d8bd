// Any bytes as OTLP/JSON of each signal: the protobuf that is made of it is one that the decoders
// take, or there is an error.

#include "telemetry/otlp/otlp_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::telemetry::otlp;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto signal : {Signal::kMetrics, Signal::kLogs, Signal::kTraces})
    (void)json_to_protobuf(signal, text);
  return 0;
}
