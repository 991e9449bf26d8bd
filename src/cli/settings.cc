#include "cli/settings.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/config_file.h"
#include "cli/version.h"
#include "core/text.h"

namespace wellrun::cli {
namespace {

constexpr std::string_view kPrefix = "WELLRUN_";

void add_value(CLI::App& command, config::Settings& settings, const config::Setting& setting) {
  const auto name = setting.name;
  command
      .add_option_function<std::string>(
          setting.flag(),
          [&settings, name](const std::string& value) {
            if (const auto taken = settings.apply_flag(name, value); !taken)
              throw CLI::ValidationError("--" + taken.error().message);
          },
          setting.help)
      ->type_name(setting.kind)
      ->default_str(setting.shown());
}

void add_flag(CLI::App& command, config::Settings& settings, const config::Setting& setting) {
  const auto name = setting.name;
  command.add_flag_callback(
      setting.flag(), [&settings, name] { (void)settings.apply_flag(name, "true"); }, setting.help);
}

}  // namespace

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    names.emplace_back(entry.substr(0, entry.find('=')));
  }
  return names;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

void add_settings(CLI::App& command, config::Settings& settings) {
  for (const auto& setting : settings.all()) {
    if (setting.is_flag) {
      add_flag(command, settings, setting);
    } else {
      add_value(command, settings, setting);
    }
  }
}

ServerSettings::ServerSettings() {
  options.version = kVersion;
  options.revision = kCommit;
  options.build_date = kBuildDate;
  server::declare(settings, options);
}

void ServerSettings::add_to(CLI::App& command) {
  command.add_option("--config", file, "YAML file of settings (WELLRUN_CONFIG)")->type_name("file");
  add_settings(command, settings);
}

std::vector<Error> ServerSettings::load() {
  if (file.empty()) file = environment_variable("WELLRUN_CONFIG").value_or("");
  std::vector<Error> errors;
  options.config_file = file;
  if (!file.empty()) {
    auto read = read_config_file(file);
    if (!read) return {std::move(read).error()};
    errors = std::move(read->errors);
    for (auto& error : settings.apply_file(read->entries)) errors.push_back(std::move(error));
  }
  if (auto taken = settings.apply_environment(environment_variable); !taken)
    errors.push_back(std::move(taken).error());
  if (!errors.empty()) return errors;
  if (auto checked = server::check(options); !checked) errors.push_back(std::move(checked).error());
  return errors;
}

std::vector<std::string> ServerSettings::suspicious_variables() const {
  std::vector<std::string> known{"CONFIG", "SERVER", "TOKEN", "CA_FILE"};
  for (const auto& setting : settings.all())
    known.push_back(setting.environment().substr(kPrefix.size()));
  std::vector<std::string> notes;
  for (const auto& name : environment_names()) {
    if (!name.starts_with(kPrefix)) continue;
    const auto rest = name.substr(kPrefix.size());
    const auto meant = nearest(rest, known);
    if (meant && *meant != rest)
      notes.push_back(fmt::format("{} is no setting; did you mean {}{}?", name, kPrefix, *meant));
  }
  return notes;
}

}  // namespace wellrun::cli
