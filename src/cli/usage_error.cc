#include "cli/usage_error.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::cli {
namespace {

/// The commands that were understood, outermost first: wellrun, incident, ack.
std::vector<const CLI::App*> understood(const CLI::App& app) {
  std::vector<const CLI::App*> path{&app};
  for (auto below = app.get_subcommands(); !below.empty(); below = below.front()->get_subcommands())
    path.push_back(below.front());
  return path;
}

std::string spoken(const std::vector<const CLI::App*>& path) {
  std::vector<std::string> names;
  for (const auto* command : path) names.push_back(command->get_name());
  return fmt::format("{}", fmt::join(names, " "));
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// With dashes, those of the commands around included: they are taken anywhere on the line.
std::vector<std::string> options_of(const std::vector<const CLI::App*>& path) {
  std::vector<std::string> names;
  for (const auto* command : path) {
    for (const auto* option : command->get_options([](const CLI::Option*) { return true; }))
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// What was not understood of a word on the line; options before arguments, which may be theirs.
std::string about_leftover(const std::vector<const CLI::App*>& path,
                           const std::vector<std::string>& leftover) {
  const auto option = std::ranges::find_if(
      leftover, [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); });
  if (option != leftover.end()) {
    const auto name = option->substr(0, option->find('='));
    return fmt::format("{} has no option {}{}", spoken(path), quote(name),
                       did_you_mean(name, options_of(path)));
  }
  const auto& word = leftover.front();
  const auto commands = commands_of(*path.back());
  if (!commands.empty())
    return fmt::format("{} has no command {}{}", spoken(path), quote(word),
                       did_you_mean(word, commands));
  return fmt::format("{} takes no further argument; it got {}", spoken(path), quote(word));
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto path = understood(app);
  const auto leftover = app.remaining(true);
  if (leftover.empty() && !commands_of(*path.back()).empty()) return app.help();
  const auto what = leftover.empty() ? fmt::format("{}: {}", spoken(path), error.what())
                                     : about_leftover(path, leftover);
  return fmt::format("{}\n{} --help says what there is\n", what, spoken(path));
}

}  // namespace wellrun::cli
