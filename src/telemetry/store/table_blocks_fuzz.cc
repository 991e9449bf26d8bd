// Bytes as two blocks with checksums that are right: what is found lies within them, in order, and
// can be indexed.

#include "telemetry/store/table_blocks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto first = bytes.substr(2, data[0]);
  const auto table =
      wellrun::telemetry::store::stored_block(first, data[1] % 2 != 0) +
      wellrun::telemetry::store::stored_block(bytes.substr(2 + first.size()), data[1] % 4 > 1);
  const auto blocks = wellrun::telemetry::store::find_row_blocks(table, "\xff\xff");
  std::uint64_t end = 0;
  for (const auto& block : blocks) {
    if (block.offset < end || block.end() > table.size() || block.first_key.empty())
      __builtin_trap();
    end = block.end();
  }
  (void)wellrun::telemetry::store::index_of_size(blocks, data[1] % 8 > 3, data[0]);
  const auto whole = table.size() + 4096;
  const auto tail = wellrun::telemetry::store::table_tail(blocks, {1, "family"}, whole);
  if (!tail || end + tail->size() != whole) __builtin_trap();
  return 0;
}
