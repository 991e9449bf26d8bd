#include "cli/offline_commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "catalog/catalog_cli.h"
#include "catalog/load.h"
#include "cli/git.h"
#include "server/languages.h"

namespace wellrun::cli {
namespace {

Error nothing_in(const std::string& directory) {
  return {
      ErrorCode::kNotFound,
      fmt::format("no *.yaml below {}; `wellrun init {}` writes an example", directory, directory),
      {}};
}

/// The body of plan and apply: the folder's files and where they come from.
Result<Json> catalog_body(const std::string& directory, bool prune) {
  TRY(const auto files, catalog::read_directory(directory));
  if (files.empty()) return std::unexpected(nothing_in(directory));
  const auto info = catalog::read_provenance(
      [&](const std::vector<std::string>& arguments) { return run_git(directory, arguments); });
  return Json{{"files", files},
              {"commit", info.commit},
              {"author", info.author},
              {"dirty", info.dirty},
              {"prune", prune}};
}

int run_init(Context& context, const std::string& directory) {
  const auto written = catalog::init(directory);
  if (!written) return report(context, written.error());
  if (context.json) {
    context.out(Json{{"written", *written}}.dump(2) + "\n");
    return 0;
  }
  for (const auto& path : *written) context.out("wrote " + path + "\n");
  context.out(fmt::format(
      "\nnext: edit them, then\n  wellrun check {0}\n  wellrun plan {0}\n  wellrun apply {0}\n",
      directory));
  return 0;
}

int run_check(Context& context, const std::string& directory) {
  const auto check = catalog::check_directory(directory, server::languages());
  if (!check) return report(context, check.error());
  if (check->file_count == 0) return report(context, nothing_in(directory));
  context.out(context.json ? catalog::check_json(*check).dump(2) + "\n"
                           : catalog::render_check(*check, context.terminal.colour));
  return check->checked.ok() ? 0 : 1;
}

int show_problems(const Context& context, const Json& problems) {
  for (const auto& problem : problems) {
    const auto hint = text_or(problem, "hint");
    context.err(fmt::format("{}:{}:{}: {}{}\n", text_or(problem, "file"),
                            static_cast<int>(number_or(problem, "line", 0)),
                            static_cast<int>(number_or(problem, "column", 0)),
                            text_or(problem, "message"),
                            hint.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", hint)));
  }
  return 1;
}

/// Of an answer: worth knowing, nothing wrong.
void show_notes(const Context& context, const Json& answer) {
  for (const auto& note : answer.value("notes", Json::array()))
    context.err(fmt::format("{}:{}: note: {}\n", text_or(note, "file"),
                            static_cast<int>(number_or(note, "line", 0)),
                            text_or(note, "message")));
}

int run_plan(Context& context, const std::string& directory, bool prune) {
  auto body = catalog_body(directory, prune);
  if (!body) return report(context, body.error());
  Api api(context.api);
  auto answer = api.send("POST", "/api/v1/catalog/plan", *body);
  if (!answer) return report(context, answer.error());
  const auto problems = answer->value("problems", Json::array());
  if (context.json) {
    context.out(answer->dump(2) + "\n");
    return problems.empty() ? 0 : 1;
  }
  if (!problems.empty()) return show_problems(context, problems);
  const auto plan = catalog::plan_from_json(*answer);
  if (!plan) return report(context, plan.error());
  context.out(catalog::render_plan(*plan, context.terminal.colour));
  show_notes(context, *answer);
  return 0;
}

int run_apply(Context& context, const std::string& directory, bool prune) {
  // Problems are shown where they stand in the files before anything is sent.
  const auto check = catalog::check_directory(directory, server::languages());
  if (!check) return report(context, check.error());
  if (!check->checked.ok() && prune) {
    context.err(catalog::render_check(*check, context.terminal.colour));
    return 1;
  }
  auto body = catalog_body(directory, prune);
  if (!body) return report(context, body.error());
  if (body->at("dirty").get<bool>())
    context.err(
        text_or(*body, "commit").empty()
            ? "note: the folder is in no git repository; the apply is recorded without a commit\n"
            : "note: the tree has changes that are not committed; the apply is recorded as "
              "dirty\n");
  Api api(context.api);
  auto answer = api.send("POST", "/api/v1/catalog/apply", *body);
  if (!answer) {
    // A server that was reached has named the problems that there are against what is applied.
    if (!check->checked.ok() && exit_code_of(answer.error().code) == 3)
      context.err(catalog::render_check(*check, context.terminal.colour));
    return report(context, answer.error());
  }
  if (context.json) {
    context.out(answer->dump(2) + "\n");
    return 0;
  }
  const auto count = [&](const char* what) {
    return static_cast<int>(number_or(*answer, what, 0));
  };
  const auto id = text_or(*answer, "apply", text_or(*answer, "id"));
  if (count("created") + count("changed") + count("deleted") == 0)
    context.out(fmt::format("applied {}: nothing changed\n", id));
  else
    context.out(fmt::format("applied {}: {} created, {} changed, {} deleted\n", id,
                            count("created"), count("changed"), count("deleted")));
  show_notes(context, *answer);
  return 0;
}

int run_export(Context& context) {
  Api api(context.api);
  if (context.json) {
    const auto resources = api.get("/api/v1/resources");
    if (!resources) return report(context, resources.error());
    context.out(resources->dump(2) + "\n");
    return 0;
  }
  auto answer = api.get_text("/api/v1/catalog/export");
  if (!answer) return report(context, answer.error());
  context.out(*answer);
  if (answer->empty()) context.err("note: nothing is applied yet\n");
  return 0;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The kind that "workload", "slos" or "EscalationPolicies" mean; what means none stays as it is,
/// for the server to say which is near.
std::string kind_meant(Api& api, const std::string& said) {
  const auto kinds = api.get("/api/v1/catalog/kinds");
  if (!kinds) return said;
  const auto word = lower(said);
  for (const auto& item : kinds->value("items", Json::array())) {
    const auto kind = text_or(item, "kind");
    const auto one = lower(kind);
    const auto many = one.ends_with('y') ? one.substr(0, one.size() - 1) + "ies" : one + "s";
    if (word == one || word == many) return kind;
  }
  return said;
}

/// As one would write it in a file, and where it came from.
int show_resource(Context& context, Api& api, const std::string& kind, const std::string& name) {
  const auto known = api.get("/api/v1/resources/" + url_encode(kind) + "/" + url_encode(name));
  if (!known) return report(context, known.error());
  const auto yaml =
      api.get_text("/api/v1/catalog/export?kind=" + url_encode(kind) + "&name=" + url_encode(name));
  if (!yaml) return report(context, yaml.error());
  std::string origin = "# applied " + text_or(*known, "applied_at");
  if (const auto file = text_or(*known, "file"); !file.empty())
    origin += fmt::format(" from {}:{}", file, known->value("line", 0));
  if (const auto commit = text_or(*known, "commit"); !commit.empty())
    origin += ", commit " + commit;
  context.out(origin + "\n" + *yaml);
  return 0;
}

int run_get(Context& context, const std::string& said, const std::string& name) {
  Api api(context.api);
  const auto kind = said.empty() ? said : kind_meant(api, said);
  if (!name.empty() && !context.json) return show_resource(context, api, kind, name);
  auto answer =
      api.get(name.empty() ? "/api/v1/resources?kind=" + url_encode(kind)
                           : "/api/v1/resources/" + url_encode(kind) + "/" + url_encode(name));
  if (!answer) return report(context, answer.error());
  if (context.json) {
    context.out(answer->dump(2) + "\n");
    return 0;
  }
  context.out(table(answer->value("items", Json::array()),
                    {{"KIND", "kind"},
                     {"NAME", "name"},
                     {"COMMIT", "commit"},
                     {"APPLIED", "applied_at", Column::Form::kAge},
                     {"FILE", "file"}},
                    context.terminal,
                    kind.empty()
                        ? "nothing is applied yet: wellrun init writes an example, wellrun "
                          "apply makes it so"
                        : fmt::format("no {} is applied", kind)));
  return 0;
}

}  // namespace

void add_catalog_commands(CLI::App& app, Context& context, int& exit_code) {
  auto directory = std::make_shared<std::string>(".");
  auto prune = std::make_shared<bool>(false);
  const auto with_directory = [&](const char* name, const char* about, auto run) {
    auto* command = app.add_subcommand(name, about);
    command->add_option("directory", *directory, "the operations repository")
        ->capture_default_str();
    command->callback(
        [&context, &exit_code, directory, run] { exit_code = run(context, *directory); });
    return command;
  };
  with_directory("init", "Write a commented example of operations as code", run_init);
  with_directory("check", "Find everything that is wrong, with file, line and column", run_check);
  for (const char* name : {"plan", "diff"}) {
    auto* command = app.add_subcommand(
        name, std::string_view(name) == "plan"
                  ? "What an apply would change, and who would be paged differently"
                  : "The same as plan");
    command->add_option("directory", *directory, "the operations repository")
        ->capture_default_str();
    command->add_flag("--prune", *prune, "also delete what is not declared any more");
    command->callback([&context, &exit_code, directory, prune] {
      exit_code = run_plan(context, *directory, *prune);
    });
  }
  auto* apply =
      app.add_subcommand("apply", "Make it so: all of it or nothing, recorded with its commit");
  apply->add_option("directory", *directory, "the operations repository")->capture_default_str();
  apply->add_flag("--prune", *prune, "also delete what is not declared any more");
  apply->callback([&context, &exit_code, directory, prune] {
    exit_code = run_apply(context, *directory, *prune);
  });

  app.add_subcommand("export", "Print everything that is applied, as YAML")
      ->callback([&context, &exit_code] { exit_code = run_export(context); });

  auto kind = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  auto* get = app.add_subcommand("get", "Show applied resources");
  get->add_option("kind", *kind, "such as Workload, Team, Runbook");
  get->add_option("name", *name, "one resource");
  get->callback([&context, &exit_code, kind, name] { exit_code = run_get(context, *kind, *name); });
}

namespace {

int run_backup(Context& context, const std::string& directory) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(directory, error);
  Api api(context.api);
  const auto answer = api.send("POST", "/api/v1/backups", Json{{"directory", absolute.string()}});
  if (!answer) return report(context, answer.error());
  if (context.json)
    context.out(answer->dump(2) + "\n");
  else
    context.out(fmt::format("{} holds everything; to restore: wellrun serve --data {}\n",
                            absolute.string(), absolute.string()));
  return 0;
}

}  // namespace

void add_backup(CLI::App& app, Context& context, int& exit_code) {
  auto directory = std::make_shared<std::string>();
  auto* backup = app.add_subcommand(
      "backup", "Copy everything that is kept to a new folder, while the server runs");
  backup->add_option("directory", *directory, "folder to make, on the server's machine")
      ->required();
  backup->callback(
      [&context, &exit_code, directory] { exit_code = run_backup(context, *directory); });
}

}  // namespace wellrun::cli
