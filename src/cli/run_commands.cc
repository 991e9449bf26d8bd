#include "cli/run_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::cli {
namespace {

using namespace std::chrono_literals;

/// Prints what is new of a run each time that it is looked at.
class Watch {
 public:
  explicit Watch(const Context& context) : context_(context) {}

  void show(const Json& run) {
    for (const auto& step : run.value("steps", Json::array())) show_step(step);
  }

 private:
  struct Shown {
    std::string state, output;
    int attempt = 0;
  };

  void show_step(const Json& step) {
    const auto state = text_or(step, "state");
    auto& shown = shown_[static_cast<int>(number_or(step, "index", 0))];
    if (state == "pending") return;
    const auto attempt = static_cast<int>(number_or(step, "attempt", 0));
    if (std::exchange(shown.attempt, attempt) != attempt) {
      shown = {.attempt = attempt};
      print(fmt::format("── {}{}\n", text_or(step, "name"),
                        attempt > 1 ? fmt::format(" (attempt {})", attempt) : ""));
    }
    const auto output = text_or(step, "output");
    print(unseen(shown.output, output));
    shown.output = output;
    if (std::exchange(shown.state, state) == state || state == "running") return;
    const auto error = text_or(step, "error");
    const auto said = state == "waiting_approval"
                          ? "waits for an approval: " + text_or(step, "prompt")
                      : error.empty() ? state
                                      : state + ": " + error;
    if (!ends_line_) print("\n");
    print("   " + coloured(said, state, context_.terminal) + "\n");
  }

  void print(const std::string& text) {
    if (text.empty()) return;
    context_.out(text);
    ends_line_ = text.back() == '\n';
  }

  const Context& context_;
  std::map<int, Shown> shown_;
  bool ends_line_ = true;
};

int watch_run(Context& context, const std::string& id, bool until_asked) {
  Api api(context.api);
  Watch watch(context);
  while (true) {
    const auto run = api.get("/api/v1/runs/" + url_encode(id));
    if (!run) return report(context, run.error());
    if (!context.json) watch.show(*run);
    const auto state = text_or(*run, "state");
    const bool asks = state == "waiting_approval" || state == "unknown";
    if (asks && until_asked) {
      if (context.json) context.out(run->dump(2) + "\n");
      return 0;
    }
    if (state == "succeeded" || state == "failed" || state == "cancelled") {
      context.out(context.json ? run->dump(2) + "\n" : fmt::format("{} {}\n", id, state));
      return state == "succeeded" ? 0 : 1;
    }
    api.pause(300ms);
  }
}

struct Approval {
  std::string run, step, comment;
};

/// Says what it approves, and sends that: when the run has gone on meanwhile, it is refused.
int approve_step(Context& context, const Approval& given) {
  Api api(context.api);
  const auto path = "/api/v1/runs/" + url_encode(given.run);
  const auto run = api.get(path);
  if (!run) return report(context, run.error());
  const auto step = step_to_approve(*run, given.step);
  if (!step) return report(context, step.error());
  if (!context.json) {
    context.out(fmt::format("approving step {} ({}): {}\n", step->at("index").dump(),
                            text_or(*step, "name"), text_or(*step, "prompt")));
  }
  const Json body{{"step", step->at("index")}, {"approved", true}, {"comment", given.comment}};
  const auto answer = api.send("POST", path + "/approve", body);
  if (!answer) return report(context, answer.error());
  const auto state = text_or(*answer, "state");
  context.out(context.json ? answer->dump(2) + "\n"
                           : given.run + ": " + coloured(state, state, context.terminal) + "\n");
  return 0;
}

}  // namespace

Result<Json> step_to_approve(const Json& run, const std::string& named) {
  for (const auto& step : run.value("steps", Json::array())) {
    if (named.empty() ? text_or(step, "state") == "waiting_approval"
                      : text_or(step, "name") == named || step.at("index").dump() == named)
      return step;
  }
  const auto id = text_or(run, "id");
  if (!named.empty())
    return fail(ErrorCode::kNotFound, fmt::format("run {} has no step {}", id, quote(named)));
  return fail(ErrorCode::kConflict, fmt::format("run {} is {}: no step waits for an approval", id,
                                                text_or(run, "state")));
}

std::string unseen(const std::string& printed, const std::string& now) {
  constexpr std::size_t kAnchorBytes = 256;
  if (now.starts_with(printed)) return now.substr(printed.size());
  const auto anchor = printed.substr(printed.size() - std::min(printed.size(), kAnchorBytes));
  const auto at = now.rfind(anchor);
  return at == std::string::npos ? now : now.substr(at + anchor.size());
}

void add_run_commands(CLI::App& app, Context& context, int& exit_code) {
  auto approval = std::make_shared<Approval>();
  auto* approve =
      app.get_subcommand("run")->add_subcommand("approve", "Approve the step that waits");
  approve->add_option("id", approval->run, "which")->required();
  approve->add_option("--step", approval->step,
                      "name or index of the step (default: the one that waits)");
  approve->add_option("--comment", approval->comment, "why");
  approve->callback(
      [&context, &exit_code, approval] { exit_code = approve_step(context, *approval); });

  auto id = std::make_shared<std::string>();
  auto until_asked = std::make_shared<bool>(false);
  auto* watch = app.get_subcommand("run")->add_subcommand(
      "watch", "Show a run as it happens: steps, and their output while they print it");
  watch->add_option("id", *id, "such as run-0001")->required();
  watch->add_flag("--until-asked", *until_asked, "end, with 0, also when it waits for a person");
  watch->footer(
      "Ends with the run: exit status 0 when it succeeded, else 1.\n\nExample:\n  wellrun run "
      "start --runbook restart-checkout && wellrun run watch run-0001");
  watch->callback([&context, &exit_code, id, until_asked] {
    exit_code = watch_run(context, *id, *until_asked);
  });
}

}  // namespace wellrun::cli
