#include "telemetry/remote_write_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto plain = wellrun::telemetry::unpack_snappy(bytes, 1U << 20);
  (void)wellrun::telemetry::decode_remote_write_1(plain ? *plain : bytes);
  (void)wellrun::telemetry::decode_remote_write_2(plain ? *plain : bytes);
  return 0;
}
