#pragma once

// The settings' YAML file: a flat map of keys to scalars.

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "platform/config/settings.h"

namespace wellrun::cli {

struct ConfigFile {
  std::vector<config::FileEntry> entries;
  std::vector<Error> errors;  ///< what is not YAML, not a map, or not a scalar, each with its place
};

/// `name` is how messages call the file.
ConfigFile parse_config_file(std::string_view text, const std::string& name);

/// kNotFound or kIo: the file cannot be read.
Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace wellrun::cli
