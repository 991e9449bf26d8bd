#include "cli/assess_command.h"

#include <CLI/CLI.hpp>
#include <array>
#include <fmt/format.h>

namespace wellrun::cli {
namespace {

constexpr int kWidest = 110;  ///< longer lines are hard to read
constexpr std::size_t kStepsShown = 3;

const char* spoken(std::string_view verdict) {
  if (verdict == "practised") return "practised";
  if (verdict == "partly") return "partly";
  return verdict == "not" ? "not practised" : "no evidence";
}

/// "P5   practised      Requests can be traced": what it is, then its figure and next step below.
std::string practice(const Json& row, const Terminal& terminal, int width) {
  const auto verdict = text_or(row, "verdict");
  const auto word = fmt::format("{:<13}", spoken(verdict));
  auto text = fmt::format("  {:<4} {}  {}\n", text_or(row, "id"), coloured(word, verdict, terminal),
                          text_or(row, "title"));
  text += wrapped(text_or(row, "figure"), width, 22);
  if (const auto next = text_or(row, "next_step"); !next.empty())
    text += wrapped("next: " + next, width, 22);
  return text;
}

std::string area_text(const Json& area, const Terminal& terminal, int width) {
  auto text =
      fmt::format("\n{}  {:.0f} of 100\n", text_or(area, "name"), number_or(area, "score", 0));
  std::vector<std::string> without_rule;
  for (const auto& row : area.value("rows", Json::array())) {
    if (text_or(row, "verdict") == "no_rule") {
      without_rule.push_back(text_or(row, "id"));
    } else {
      text += practice(row, terminal, width);
    }
  }
  if (!without_rule.empty())
    text +=
        wrapped(fmt::format("no evidence rule yet: {}", fmt::join(without_rule, ", ")), width, 2);
  return text;
}

std::vector<Json> rows_of(const Json& assessment) {
  std::vector<Json> rows;
  for (const auto& area : assessment.value("areas", Json::array()))
    for (const auto& row : area.value("rows", Json::array())) rows.push_back(row);
  return rows;
}

/// As the page has it: something is known of them, and they are far from done.
std::vector<Json> next_steps(const Json& assessment) {
  constexpr std::array kOrder{"not", "partly", "no_evidence"};
  const auto rank = [&](const Json& row) {
    return std::pair(std::ranges::find(kOrder, text_or(row, "verdict")) - kOrder.begin(),
                     number_or(row, "score", 0));
  };
  auto rows = rows_of(assessment);
  std::erase_if(rows, [&](const Json& row) {
    return text_or(row, "next_step").empty() ||
           std::ranges::find(kOrder, text_or(row, "verdict")) == kOrder.end();
  });
  std::ranges::stable_sort(rows, {}, rank);
  if (rows.size() > kStepsShown) rows.resize(kStepsShown);
  return rows;
}

std::string counts(const Json& assessment) {
  const auto rows = rows_of(assessment);
  const auto of = [&](std::string_view verdict) {
    return std::ranges::count_if(
        rows, [&](const Json& row) { return text_or(row, "verdict") == verdict; });
  };
  return fmt::format("{} practised, {} partly, {} not, {} without evidence, {} without a rule",
                     of("practised"), of("partly"), of("not"), of("no_evidence"), of("no_rule"));
}

int run_assess(Context& context, bool record, double threshold) {
  Api api(context.api);
  const auto answer = record ? api.send("POST", "/api/v1/assessment", Json::object())
                             : api.get("/api/v1/assessment");
  if (!answer) return report(context, answer.error());
  context.out(context.json ? answer->dump(2) + "\n" : assessment_text(*answer, context.terminal));
  const double score = number_or(*answer, "score", 0);
  if (score >= threshold) return 0;
  context.err(fmt::format("the score {:.1f} is under {:.1f}\n", score, threshold));
  return 1;
}

}  // namespace

std::string assessment_text(const Json& assessment, const Terminal& terminal) {
  const int width = std::min(terminal.width, kWidest);
  std::string text;
  for (const auto& area : assessment.value("areas", Json::array()))
    text += area_text(area, terminal, width);
  text += fmt::format("\nscore {:.1f} of 100 (edition {}): {}\n", number_or(assessment, "score", 0),
                      text_or(assessment, "edition"), counts(assessment));
  const auto steps = next_steps(assessment);
  if (!steps.empty()) text += "\nNext best steps\n";
  for (const auto& row : steps) {
    text += fmt::format("  {:<4} {}\n", text_or(row, "id"), text_or(row, "title"));
    text += wrapped(text_or(row, "next_step"), width, 7);
  }
  return text;
}

void add_assess(CLI::App& app, Context& context, int& exit_code) {
  auto* command = app.add_subcommand(
      "assess", "How well each practice is done, from the program's own evidence");
  auto threshold = std::make_shared<double>(-1);
  auto record = std::make_shared<bool>(false);
  command->add_option("--fail-under", *threshold, "exit with 1 when the score (0 to 100) is lower");
  command->add_flag("--record", *record, "record it in the journal");
  command->callback([&context, &exit_code, threshold, record] {
    exit_code = run_assess(context, *record, *threshold);
  });
}

}  // namespace wellrun::cli
