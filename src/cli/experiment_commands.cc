#include "cli/experiment_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::cli {
namespace {

struct Given {
  std::string hypothesis, owner, workload, smallest;
  std::map<std::string, std::string> expects;  ///< what stands in "expects" as it is given
  std::vector<std::string> guard_rails;
};

Result<Json> body_of(const Given& given) {
  Json expects = Json::object();
  for (const auto& [key, value] : given.expects)
    if (!value.empty()) expects[key] = value;
  TRY(expects["smallest"], share_of(given.smallest));
  Json rails = Json::array();
  for (const auto& text : given.guard_rails) {
    TRY(auto rail, guard_rail_of(text));
    rails.push_back(std::move(rail));
  }
  return Json{{"hypothesis", given.hypothesis},
              {"owner", given.owner},
              {"workload", given.workload},
              {"expects", std::move(expects)},
              {"guard_rails", std::move(rails)}};
}

int start(const Context& context, const Given& given) {
  const auto body = body_of(given);
  if (!body) return report(context, body.error());
  Api api(context.api);
  const auto answer = api.send("POST", "/api/v1/experiments", *body);
  if (!answer) return report(context, answer.error());
  context.out(context.json
                  ? answer->dump(2) + "\n"
                  : fmt::format("{}: {}\n", text_or(*answer, "id"), text_or(*answer, "state")));
  return 0;
}

}  // namespace

Result<Json> guard_rail_of(std::string_view text) {
  const auto first = text.find(':');
  const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos)
    return fail(
        ErrorCode::kInvalid,
        "a guard rail is written as higher:5%:METRIC (what would be harm); it was " + quote(text),
        "--guard-rail");
  TRY(const double margin, share_of(text.substr(first + 1, second - first - 1)));
  return Json{{"direction", text.substr(0, first)},
              {"smallest", margin},
              {"metric", text.substr(second + 1)}};
}

void add_experiment_commands(CLI::App& app, Context& context, int& exit_code) {
  auto given = std::make_shared<Given>();
  auto* command =
      app.get_subcommand("experiment")->add_subcommand("start", "Start an experiment, from now on");
  command->add_option("--hypothesis", given->hypothesis, "what is believed")->required();
  command->add_option("--owner", given->owner, "who runs it and stops it when it must be")
      ->required();
  command->add_option("--workload", given->workload, "in which workload");
  command->add_option("--metric", given->expects["metric"], "a KPI's name, or PromQL")->required();
  command->add_option("--direction", given->expects["direction"], "lower or higher")->required();
  command->add_option("--smallest", given->smallest, "the smallest effect that matters, as 10%")
      ->required();
  command->add_option("--watch", given->expects["watch"], "how long (default 7d)");
  command->add_option("--kind", given->expects["kind"], "rate (default), ratio, duration or value");
  command->add_option("--control", given->expects["control"],
                      "the metric of the group without the change (default: compare with before)");
  command->add_option("--guard-rail", given->guard_rails,
                      "what would be harm, as higher:5%:METRIC; repeated");
  command->callback([&context, &exit_code, given] { exit_code = start(context, *given); });
}

}  // namespace wellrun::cli
