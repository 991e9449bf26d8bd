#pragma once

// The server's settings as the command line takes them: flags, then environment, then the file
// that --config or WELLRUN_CONFIG names, then defaults (platform/config/settings.h).

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/config/settings.h"
#include "server/options.h"

namespace CLI {
class App;
}

namespace wellrun::cli {

/// The process's environment, whole: for names that nobody knows.
std::vector<std::string> environment_names();
std::optional<std::string> environment_variable(const std::string& name);

/// Adds one option a setting; what is given reaches `settings` as a flag while arguments are
/// parsed. `settings` outlives the command.
void add_settings(CLI::App& command, config::Settings& settings);

/// Not moved once made: its settings point into its options.
struct ServerSettings {
  ServerSettings();
  ServerSettings(const ServerSettings&) = delete;
  ServerSettings& operator=(const ServerSettings&) = delete;

  /// Adds --config and every setting to a command.
  void add_to(CLI::App& command);
  /// Lays file and environment under the flags. Empty when all is well, options that contradict
  /// each other or open a door (server::check) included.
  std::vector<Error> load();
  /// Variables that look like misspelt settings: "WELLRUN_RETENTOIN is no setting (did you mean
  /// …)". Others that begin with WELLRUN_ may belong to somebody else's scripts.
  std::vector<std::string> suspicious_variables() const;

  server::Options options;
  config::Settings settings;
  std::string file;  ///< empty: none
};

}  // namespace wellrun::cli
