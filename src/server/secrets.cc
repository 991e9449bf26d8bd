#include "server/secrets.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>

#include "core/text.h"

namespace wellrun::server {

Result<std::string> read_secret(const std::string& reference) {
  constexpr std::size_t kMaxBytes = 64 << 10;
  if (reference.starts_with("env:")) {
    const char* value = std::getenv(reference.c_str() + 4);
    if (value == nullptr)
      return fail(
          ErrorCode::kNotFound,
          fmt::format("the secret {} is not set in the server's environment", quote(reference)));
    return std::string(value);
  }
  if (reference.starts_with("file:")) {
    std::ifstream file(reference.substr(5), std::ios::binary);
    if (!file)
      return fail(ErrorCode::kNotFound,
                  fmt::format("the secret {} cannot be read", quote(reference)));
    std::string value(kMaxBytes, '\0');
    file.read(value.data(), static_cast<std::streamsize>(value.size()));
    value.resize(static_cast<std::size_t>(file.gcount()));
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
    return value;
  }
  return fail(
      ErrorCode::kInvalid,
      fmt::format("{} is no secret reference; write env:NAME or file:/path", quote(reference)));
}

}  // namespace wellrun::server
