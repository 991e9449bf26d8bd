#pragma once

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as iSCSI and RocksDB use it. Source: RFC
// 3720, appendix B.4.

#include <cstdint>
#include <string_view>

namespace wellrun::telemetry::store {

/// Of `bytes`, 0 for none; of what `before` is the sum of and `bytes`, one after the other. Uses
/// the processor's instruction where there is one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace wellrun::telemetry::store
