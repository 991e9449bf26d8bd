#include "platform/auth/auth_file.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "core/bytes.h"
#include "core/json.h"
#include "platform/auth/secret.h"

namespace wellrun {
namespace {

constexpr off_t kMaxFileBytes = 4 << 20;

class File {
 public:
  File(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  File(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> io_error(std::string_view what, const std::string& path, int error) {
  const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo;
  return fail(code, fmt::format("cannot {}: {}", what, std::generic_category().message(error)),
              path);
}

std::unexpected<Error> corrupt(const std::string& path, std::string_view found) {
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}; restore it from a backup, or remove it to start over with a new "
                          "administrator token",
                          found),
              path);
}

Result<std::string> read_text(const std::string& path, const File& file) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return io_error("look at the tokens", path, errno);
  if ((status.st_mode & 077) != 0) {
    return fail(ErrorCode::kForbidden,
                "others may read this server's key and tokens; run: chmod 600 " + path, path);
  }
  if (status.st_size > kMaxFileBytes) return corrupt(path, "larger than any file of tokens");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const auto size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) return io_error("read the tokens", path, errno);
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<StoredToken> token_from(const Json& json) {
  StoredToken token;
  token.name = text_or(json, "name");
  token.hash = from_hex(text_or(json, "hash")).value_or("");
  const auto role = http::role_named(text_or(json, "role"));
  const auto created_at = parse_rfc3339(text_or(json, "created_at"));
  if (token.name.empty() || token.hash.size() != 32 || !role || !created_at) return std::nullopt;
  token.role = *role;
  token.created_at = *created_at;
  if (json.contains("expires_at")) {
    const auto expires_at = parse_rfc3339(text_or(json, "expires_at"));
    if (!expires_at) return std::nullopt;
    token.expires_at = *expires_at;
  }
  return token;
}

Json json_of(const StoredToken& token) {
  Json json{{"name", token.name},
            {"role", http::name_of(token.role)},
            {"hash", to_hex(token.hash)},
            {"created_at", format_rfc3339(token.created_at)}};
  if (token.expires_at) json["expires_at"] = format_rfc3339(*token.expires_at);
  return json;
}

std::string text_of(const AuthFile& file) {
  Json tokens = Json::array();
  for (const auto& token : file.tokens) tokens.push_back(json_of(token));
  return to_text(Json{{"version", 1}, {"key", to_hex(file.key)}, {"tokens", tokens}}) + "\n";
}

Status write_all(const File& file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto size = ::write(file.get(), text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return io_error("write the tokens", path, errno);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  if (::fsync(file.get()) != 0) return io_error("write the tokens", path, errno);
  return {};
}

}  // namespace

Result<std::optional<AuthFile>> read_auth_file(const std::string& path) {
  const File descriptor(path, O_RDONLY);
  if (descriptor.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return io_error("read the tokens", path, errno);
  }
  TRY(const auto text, read_text(path, descriptor));
  const auto json = parse_json(text);
  if (!json) return corrupt(path, "not JSON: " + json.error().message);
  if (number_or(*json, "version", 0) != 1) return corrupt(path, "its version is not 1");
  AuthFile file;
  file.key = from_hex(text_or(*json, "key")).value_or("");
  if (file.key.size() != kKeyBytes) return corrupt(path, "it holds no key of 32 bytes");
  if (!json->contains("tokens") || !json->at("tokens").is_array()) {
    return corrupt(path, "it holds no list of tokens");
  }
  for (const auto& entry : json->at("tokens")) {
    auto token = token_from(entry);
    if (!token) return corrupt(path, "a token lacks name, role, hash or created_at");
    file.tokens.push_back(std::move(*token));
  }
  return file;
}

Status write_auth_file(const std::string& path, const AuthFile& file) {
  const auto draft = path + ".new";
  ::unlink(draft.c_str());  // of a crash; made anew so that its mode is ours
  {
    const File descriptor(draft, O_WRONLY | O_CREAT | O_EXCL);
    if (descriptor.get() < 0) return io_error("write the tokens", draft, errno);
    TRY_STATUS(write_all(descriptor, text_of(file), draft));
  }
  if (::rename(draft.c_str(), path.c_str()) != 0)
    return io_error("replace the tokens", path, errno);
  const File directory(std::filesystem::path(path).parent_path().string(), O_RDONLY | O_DIRECTORY);
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return io_error("make the tokens durable", path, errno);
  }
  return {};
}

}  // namespace wellrun
