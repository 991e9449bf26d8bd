#include "platform/auth/link_signer.h"

#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "core/bytes.h"
#include "core/text.h"
#include "platform/auth/secret.h"

namespace wellrun {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

std::unexpected<Error> not_valid() {
  return fail(ErrorCode::kForbidden,
              "the link is not valid: it was changed, cut off, or made by another server");
}

}  // namespace

LinkSigner::LinkSigner(std::string key) : key_(std::move(key)) {}

std::string LinkSigner::code(std::string_view purpose, std::string_view text) const {
  return to_base64url(keyed_hash(key_, fmt::format("{}:{}:{}", purpose.size(), purpose, text)));
}

std::string LinkSigner::sign(std::string_view purpose, std::string_view subject,
                             Timestamp expires) const {
  const auto text = fmt::format("{}.{}", to_base64url(subject), to_unix_ms(expires));
  return fmt::format("{}.{}", text, code(purpose, text));
}

Result<std::string> LinkSigner::verify(std::string_view purpose, std::string_view token,
                                       Timestamp now) const {
  if (token.size() > kMaxTokenBytes) return not_valid();
  const auto parts = split(token, '.');
  if (parts.size() != 3) return not_valid();
  const auto text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!is_same_secret(code(purpose, text), parts[2])) return not_valid();

  std::int64_t expires_ms = 0;
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), expires_ms);
  if (now >= from_unix_ms(expires_ms)) {
    return fail(ErrorCode::kForbidden,
                fmt::format("the link expired at {}; use the page or a newer message",
                            format_rfc3339(from_unix_ms(expires_ms))));
  }
  return from_base64(parts[0]).value_or("");
}

}  // namespace wellrun
