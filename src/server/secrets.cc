#include "server/secrets.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "platform/process/spawn.h"

namespace wellrun::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = 64 << 10;

bool is_below(const fs::path& path, const std::string& folder) {
  const auto relative = path.lexically_relative(folder);
  return !folder.empty() && !relative.empty() && *relative.begin() != "..";
}

/// The beginning of the file, as far as it is read.
std::string content_of(int fd) {
  std::string text(kMaxBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(fd, text.data() + size, text.size() - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

Result<std::string> read_file(const std::string& reference, const std::string& path,
                              const std::string& own_folder) {
  const auto cannot = [&](ErrorCode code, const char* why) {
    return fail(code, fmt::format("the secret {} cannot be read: {}", quote(reference), why));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) return cannot(ErrorCode::kNotFound, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return cannot(ErrorCode::kInvalid, "it is no regular file");
  std::error_code error;
  const auto opened = fs::read_symlink(fmt::format("/proc/self/fd/{}", file.get()), error);
  if (error || is_below(opened, own_folder))
    return cannot(ErrorCode::kForbidden, "the server's own data are no secrets to be handed on");
  auto value = content_of(file.get());
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  return value;
}

void add_files(const Json& json, std::vector<std::string>& files) {
  if (json.is_structured()) {
    for (const auto& inner : json) add_files(inner, files);
  } else if (json.is_string() && json.get_ref<const std::string&>().starts_with("file:/")) {
    auto path = json.get_ref<const std::string&>().substr(5);
    std::error_code error;
    if (fs::is_regular_file(path, error)) files.push_back(std::move(path));
  }
}

}  // namespace

std::vector<std::string> secret_files(const catalog::Catalog& catalog) {
  std::vector<std::string> files;
  for (const auto* resource : catalog.resources()) add_files(resource->spec(), files);
  return files;
}

Result<std::string> read_secret(const std::string& reference) {
  return read_secret_outside(reference, {});
}

Result<std::string> read_secret_outside(const std::string& reference,
                                        const std::string& own_folder) {
  if (reference.starts_with("env:")) {
    const char* value = std::getenv(reference.c_str() + 4);
    if (value == nullptr)
      return fail(
          ErrorCode::kNotFound,
          fmt::format("the secret {} is not set in the server's environment", quote(reference)));
    return std::string(value);
  }
  if (reference.starts_with("file:")) return read_file(reference, reference.substr(5), own_folder);
  // Not quoted: it may be the secret itself.
  return fail(ErrorCode::kInvalid,
              "what is given is no secret reference; write env:NAME or file:/path");
}

}  // namespace wellrun::server
