#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace wellrun::cli {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The long names of an app's own options: "--output".
std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option :
       app.get_options([](const CLI::Option* each) { return each != nullptr; }))
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// What may follow each path of commands: "incident" is followed by "list", "show", "--help" …
void collect(const CLI::App& app, const std::string& path, std::vector<std::string> inherited,
             std::map<std::string, std::vector<std::string>>& words) {
  for (auto& name : options_of(app))
    if (std::ranges::find(inherited, name) == inherited.end()) inherited.push_back(name);
  auto& here = words[path];
  for (const auto* command : commands_of(app)) here.push_back(command->get_name());
  here.insert(here.end(), inherited.begin(), inherited.end());
  for (const auto* command : commands_of(app))
    collect(*command, path.empty() ? command->get_name() : path + " " + command->get_name(),
            inherited, words);
}

std::string bash_completion(const CLI::App& app) {
  std::map<std::string, std::vector<std::string>> words;
  collect(app, "", {}, words);
  std::string cases;
  std::string paths;
  for (const auto& [path, following] : words) {
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, fmt::join(following, " "));
    paths += fmt::format("|{}|", path);
  }
  return fmt::format(
      R"(# wellrun completion: source this, or put it into /usr/share/bash-completion/completions/wellrun
_wellrun() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" path="" words="" next word
  COMPREPLY=()
  case "$previous" in
    --output|-o) COMPREPLY=($(compgen -W "text json" -- "$current")); return ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")); return ;;
    --config|--data|--tls-cert|--tls-key|--ca-file) compopt -o default; return ;;
  esac
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    next="${{path:+$path }}$word"
    case "{}" in *"|$next|"*) path="$next" ;; esac
  done
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ "${{#COMPREPLY[@]}}" -gt 0 ] || compopt -o default
}}
complete -F _wellrun wellrun
)",
      paths, cases);
}

/// In single quotes, as fish reads them.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_options(const CLI::App& app, const std::string& condition) {
  std::string out;
  for (const auto* option :
       app.get_options([](const CLI::Option* each) { return each != nullptr; }))
    for (const auto& name : option->get_lnames())
      out += fmt::format("complete -c wellrun -n {} -l {} -d {}\n", fish_quoted(condition), name,
                         fish_quoted(option->get_description()));
  return out;
}

std::string fish_completion(const CLI::App& app) {
  std::string out = fish_options(app, "true");
  for (const auto* command : commands_of(app)) {
    const auto& name = command->get_name();
    out += fmt::format("complete -c wellrun -n __fish_use_subcommand -f -a {} -d {}\n", name,
                       fish_quoted(command->get_description()));
    const auto inside = "__fish_seen_subcommand_from " + name;
    out += fish_options(*command, inside);
    for (const auto* below : commands_of(*command)) {
      out += fmt::format("complete -c wellrun -n {} -f -a {} -d {}\n", fish_quoted(inside),
                         below->get_name(), fish_quoted(below->get_description()));
      out += fish_options(
          *below, fmt::format("{}; and __fish_seen_subcommand_from {}", inside, below->get_name()));
    }
  }
  return out;
}

}  // namespace

void add_completion(CLI::App& app, Context& context, int& exit_code) {
  auto shell = std::make_shared<std::string>();
  auto* command = app.add_subcommand("completion", "Print a completion script for your shell");
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, &context, &exit_code, shell] {
    if (*shell == "fish") {
      context.out(fish_completion(app));
    } else {
      // zsh runs bash's completions after this line.
      if (*shell == "zsh") context.out("autoload -U +X bashcompinit && bashcompinit\n");
      context.out(bash_completion(app));
    }
    exit_code = 0;
  });
}

}  // namespace wellrun::cli
