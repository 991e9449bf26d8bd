#include "platform/http/parameters.h"

#include <charconv>
#include <fmt/format.h>

namespace wellrun::http {

Result<std::size_t> limit_parameter(const Request& request, std::size_t most) {
  const auto text = request.parameter("limit");
  if (!text) return most;
  std::size_t limit = 0;
  const char* end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, limit);
  if (problem != std::errc{} || stop != end || limit < 1 || limit > most)
    return fail(ErrorCode::kInvalid, fmt::format("limit must be from 1 to {}", most), "limit");
  return limit;
}

}  // namespace wellrun::http
