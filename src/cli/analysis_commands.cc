#include "cli/analysis_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace wellrun::cli {
namespace {

constexpr int kWidest = 110;  ///< longer lines are hard to read

/// " [48, 74]": what `wellrun journal list` shows under these numbers.
std::string sources_of(const Json& sentence) {
  std::vector<std::string> sources;
  for (const auto& seq : sentence.value("sources", Json::array())) sources.push_back(seq.dump());
  return sources.empty() ? "" : fmt::format(" [{}]", fmt::join(sources, ", "));
}

std::string actions_text(const Json& analysis, const Terminal& terminal) {
  return table(analysis.value("actions", Json::array()),
               {{"ID", "id"},
                {"STATE", "state", Column::Form::kState},
                {"OWNER", "owner"},
                {"DUE", "due"},
                {"TITLE", "title"}},
               terminal,
               fmt::format("no actions yet: wellrun action add --analysis {} --title … --owner … "
                           "--due 2026-12-31",
                           text_or(analysis, "id")));
}

int run_show(const Context& context, const std::string& id) {
  Api api(context.api);
  const auto answer = api.get("/api/v1/analyses/" + url_encode(id));
  if (!answer) return report(context, answer.error());
  context.out(context.json ? answer->dump(2) + "\n" : analysis_text(*answer, context.terminal));
  return 0;
}

}  // namespace

std::string analysis_text(const Json& analysis, const Terminal& terminal) {
  const int width = std::min(terminal.width, kWidest);
  auto text = details(analysis,
                      {{"id", "id"},
                       {"incident", "incident"},
                       {"state", "state", Column::Form::kState},
                       {"drafted", "drafted_at", Column::Form::kAge},
                       {"signed by", "signed_by"}},
                      terminal);
  for (const auto& section : analysis.value("sections", Json::array())) {
    text += fmt::format("\n{}\n", text_or(section, "name"));
    for (const auto& sentence : section.value("sentences", Json::array()))
      text += wrapped(text_or(sentence, "text") + sources_of(sentence), width, 2);
  }
  return text + "\nActions\n" + actions_text(analysis, terminal);
}

void add_analysis_commands(CLI::App& app, Context& context, int& exit_code) {
  auto id = std::make_shared<std::string>();
  auto* show = app.get_subcommand("analysis")
                   ->add_subcommand("show", "One analysis, each sentence with its facts");
  show->add_option("id", *id, "which")->required();
  show->callback([&context, &exit_code, id] { exit_code = run_show(context, *id); });
}

}  // namespace wellrun::cli
