#include "telemetry/store/wal.h"
#include "telemetry/store/wal_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  wellrun::telemetry::store::WalReader reader(bytes, "fuzz");
  for (std::string_view payload; reader.next(payload);)
    if (payload.size() > bytes.size()) __builtin_trap();
  (void)wellrun::telemetry::store::read_float_record(
      bytes, [](std::uint32_t, wellrun::telemetry::Sample) {});
  if (bytes.empty()) return 0;
  (void)wellrun::telemetry::store::read_series_record(bytes,
                                                      [](std::uint32_t, std::string_view) {});
  (void)wellrun::telemetry::store::read_histogram_record(
      bytes, [](std::uint32_t, wellrun::telemetry::HistogramSample) {});
  return 0;
}
