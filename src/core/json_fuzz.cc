// Any bytes: JSON within the depth, or an error; what is read can be written and read again.

#include "core/assert.h"
#include "core/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  const auto read = parse_json({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  const auto again = parse_json(to_text(*read));
  WELLRUN_ASSERT(again && *again == *read, "written JSON must read as the same");
  return 0;
}
