// Any bytes as a request's target and as a form body: decoded text or an error.

#include "platform/http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wellrun::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto target = parse_target(text); target && target->path.size() > size)
    __builtin_trap();
  Parameters parameters;
  (void)parse_form(text, parameters);
  return 0;
}
