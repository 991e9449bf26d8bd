// The first byte chooses the encoding: odd is OTLP/JSON.

#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/records.h"

namespace {

const wellrun::telemetry::otlp::DecodeLimits kLimits;

void decode(std::string_view bytes) {
  (void)decode_logs(bytes, wellrun::from_unix_ms(1), kLimits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0) {
    decode(body);
  } else if (const auto bytes = json_to_protobuf(wellrun::telemetry::otlp::Signal::kLogs, body)) {
    decode(*bytes);
  }
  return 0;
}
