// Any bytes as lines: an answer within the limits, and every verdict that is written is one line of
// JSON.

#include "core/assert.h"
#include "core/json.h"
#include "core/text.h"
#include "health/verdict/canary_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  health::CanaryStream stream;
  const auto check = [](const std::string& line) {
    WELLRUN_ASSERT(line.find('\n') == std::string::npos, "a verdict is one line");
    const auto json = parse_json(line);
    WELLRUN_ASSERT(json && json->contains("verdict"), "a verdict is JSON with its decision");
  };
  for (const std::string_view line : split(text, '\n'))
    if (const auto said = stream.read(line); said.verdict) check(*said.verdict);
  check(stream.finish());
  return 0;
}
