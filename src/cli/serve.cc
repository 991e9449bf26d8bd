#include "cli/serve.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/settings.h"
#include "platform/log/log.h"
#include "server/application.h"

namespace wellrun::cli {
namespace {

LogOptions log_options(const server::Options& options) {
  return {.level = level_named(options.log_level).value_or(Level::kInfo),
          .format = options.log_format == "text"   ? LogFormat::kText
                    : options.log_format == "json" ? LogFormat::kJson
                                                   : LogFormat::kAuto};
}

int serve(Context& context, ServerSettings& given) {
  const auto errors = given.load();
  for (const auto& error : errors) report(context, error);
  if (!errors.empty()) return exit_code_of(errors.front().code);
  for (const auto& note : given.suspicious_variables()) context.err("note: " + note + "\n");
  configure_log(log_options(given.options));
  auto application = server::Application::start(given.options);
  if (!application) return report(context, application.error());
  if (const auto token = (*application)->first_token()) {
    context.out("token: " + *token +
                "\n       (admin, shown only now; make others with: wellrun token create)\n");
  }
  context.out("ready: " + (*application)->url() + "\n");
  const auto stopped = (*application)->run_until_signal();
  return stopped ? 0 : report(context, stopped.error());
}

Json settings_json(const config::Settings& settings) {
  Json items = Json::array();
  for (const auto& setting : settings.all())
    items.push_back({{"setting", setting.key()},
                     {"value", setting.shown()},
                     {"source", config::name_of(setting.source)},
                     {"origin", setting.origin}});
  return items;
}

int show(Context& context, ServerSettings& given) {
  const auto errors = given.load();
  auto items = settings_json(given.settings);
  for (auto& item : settings_json(context.client)) items.push_back(std::move(item));
  if (context.json) {
    context.out(Json{{"file", given.file}, {"items", items}}.dump(2) + "\n");
  } else {
    context.out(table(
        items,
        {{"SETTING", "setting"}, {"VALUE", "value"}, {"FROM", "source"}, {"SAID BY", "origin"}},
        context.terminal, ""));
  }
  for (const auto& error : errors) report(context, error);
  return errors.empty() ? 0 : 1;
}

int check_for_programs(const Context& context, const ServerSettings& given,
                       const std::vector<Error>& errors) {
  Json problems = Json::array();
  for (const auto& error : errors) problems.push_back(to_string(error));
  context.out(Json{{"ok", errors.empty()},
                   {"file", given.file},
                   {"problems", std::move(problems)},
                   {"notes", given.suspicious_variables()}}
                  .dump(2) +
              "\n");
  return errors.empty() ? 0 : 1;
}

int check(Context& context, ServerSettings& given) {
  const auto errors = given.load();
  if (context.json) return check_for_programs(context, given, errors);
  for (const auto& error : errors) report(context, error);
  for (const auto& note : given.suspicious_variables()) context.err("note: " + note + "\n");
  if (!errors.empty()) return 1;
  context.out(given.file.empty() ? "the settings are sound (no file: name one with --config)\n"
                                 : given.file + ": the settings are sound\n");
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, Context& context, int& exit_code) {
  auto given = std::make_shared<ServerSettings>();
  auto* command = app.add_subcommand("serve", "Run the server");
  command->footer(
      "Each setting is a flag (--otlp-http-listen), an environment variable\n"
      "(WELLRUN_OTLP_HTTP_LISTEN) and a key of the --config file (otlp_http_listen).\n"
      "Precedence: flag, environment, file, default. wellrun config show says what came from "
      "where.\n\nExamples:\n"
      "  wellrun serve                                  page and API on http://127.0.0.1:7070\n"
      "  wellrun serve --otlp-http-listen 127.0.0.1:4318 --otlp-grpc-listen 127.0.0.1:4317\n"
      "  wellrun serve --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem\n"
      "  wellrun serve --config /etc/wellrun/wellrun.yaml");
  given->add_to(*command);
  command->callback([&context, &exit_code, given] { exit_code = serve(context, *given); });
}

void add_config(CLI::App& app, Context& context, int& exit_code) {
  auto* group = app.add_subcommand("config", "Settings of the server: show, check, example");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, const char* examples, auto run) {
    auto given = std::make_shared<ServerSettings>();
    auto* command = group->add_subcommand(name, about);
    command->footer(examples);
    given->add_to(*command);
    command->callback([&context, &exit_code, given, run] { exit_code = run(context, *given); });
  };
  add("show", "Every setting, its value and where that came from; secrets are not shown",
      "Examples:\n  wellrun config show --config wellrun.yaml\n"
      "  WELLRUN_RETENTION=30d wellrun config show --output json",
      show);
  add("check", "Say what is wrong with a file, the environment or flags, without starting",
      "Examples:\n  wellrun config check --config wellrun.yaml", check);
  add("example", "Print a commented file; flags given here stand in it",
      "Examples:\n  wellrun config example --data /var/lib/wellrun > wellrun.yaml",
      [](Context& outer, ServerSettings& given) {
        outer.out(config::example_file(given.settings));
        return 0;
      });
}

}  // namespace wellrun::cli
