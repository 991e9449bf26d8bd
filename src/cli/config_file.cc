#include "cli/config_file.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "catalog/yaml.h"

namespace wellrun::cli {
namespace {

constexpr catalog::YamlLimits kLimits{
    .size_bytes = 256 << 10, .depth = 4, .nodes = 2000, .text_bytes = 256 << 10};

std::string place(const std::string& name, const catalog::Position& position) {
  return fmt::format("{}:{}:{}", name, position.line, position.column);
}

Error invalid(std::string message, std::string where) {
  return {ErrorCode::kInvalid, std::move(message), std::move(where)};
}

void read_map(const catalog::Node& map, const std::string& name, ConfigFile& file) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const auto& key = map.keys[i];
    const auto& value = map.items[i];
    // A key with nothing behind it is as good as absent, but for its name, which must be known.
    if (!value.is_scalar() && value.type != catalog::Node::Type::kNull) {
      file.errors.push_back(
          invalid(fmt::format("{} takes one value, not {}", key.text, catalog::described(value)),
                  place(name, value.position)));
      continue;
    }
    file.entries.push_back({key.text, value.text, place(name, key.position)});
  }
}

}  // namespace

ConfigFile parse_config_file(std::string_view text, const std::string& name) {
  const auto documents = catalog::read_yaml(text, kLimits);
  ConfigFile file;
  for (const auto& error : documents.errors)
    file.errors.push_back(invalid(error.message, place(name, error.position)));
  if (!file.errors.empty() || documents.documents.empty()) return file;
  const auto& top = documents.documents.front();
  if (documents.documents.size() > 1 || top.type != catalog::Node::Type::kMap) {
    file.errors.push_back(
        invalid("settings are one map of names to values, such as listen: "
                "127.0.0.1:7070",
                place(name, documents.documents.back().position)));
    return file;
  }
  read_map(top, name, file);
  return file;
}

Result<ConfigFile> read_config_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kLimits.size_bytes + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream && !stream.eof())
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("the settings file {} cannot be read: {}", path, std::strerror(errno)));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_config_file(text, path);
}

}  // namespace wellrun::cli
