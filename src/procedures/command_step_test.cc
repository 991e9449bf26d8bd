// What the real sh makes of commands with values in them.

#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>

#include "core/text.h"
#include "journal/memory_store.h"
#include "procedures/run_fsm.h"
#include "procedures/step_effects.h"

namespace wellrun::procedures {
namespace {

class CommandStepTest : public ::testing::Test {
 protected:
  /// Its threads may be about to forget what a step printed.
  ~CommandStepTest() override { system_.stop(); }

  /// What a run of this one command prints.
  std::string printed(const std::string& command, const Json& inputs,
                      const Json& secrets = Json::array()) {
    const facts::RunStarted body{
        .run = "run-1",
        .runbook = "say",
        .inputs = inputs,
        .secret_inputs = secrets,
        .plan = Json::array({Json{{"name", "say"}, {"run", {{"command", command}}}}})};
    const auto run = begin({.seq = 1, .type = facts::RunStarted::kType, .body = body});
    const auto next = proceed(run, Timestamp{});
    std::promise<journal::Outcome> outcome;
    system_.runtime().strand.post([&] {
      step_.perform(next.decision.intents.at(0),
                    [&outcome](journal::Outcome ended) { outcome.set_value(std::move(ended)); });
    });
    const auto ended = outcome.get_future().get();
    EXPECT_EQ(ended.kind, journal::Outcome::Kind::kDone) << command << "\n" << ended.error;
    return text_or(ended.detail, "output");
  }

  SystemRuntime system_{{}};
  journal::MemoryStore store_{system_.runtime().strand};
  LiveOutput live_;
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner(system_);
  CommandStep step_{{system_.runtime(), store_, live_,
                     [](const std::string&) { return Result<std::string>("tok-12345"); }},
                    *runner_,
                    ProcessRequest::Sandbox::kNone};
};

const std::vector<std::string> kValues = {"plain",
                                          "a  b *",
                                          "one\ntwo",
                                          "\\",
                                          "\\\\ \\$HOME",
                                          "$HOME",
                                          "%s %d",
                                          "# x",
                                          "{{run.id}}",
                                          "$(echo pwned)",
                                          "`echo pwned`",
                                          "'; echo pwned; '",
                                          "\"; echo pwned; \"",
                                          "}; echo pwned",
                                          "))",
                                          "END",
                                          "\n\nEND\necho pwned\n]"};

/// Each prints "[…]" around the value of x.
const char* const kCommands[] = {
    "printf '[%s]' {{x}}",
    "printf '[%s]' \"{{ x }}\"",
    "printf \"[%s]\" '{{x}}'",
    "printf '%s' \"[{{x}}]\"",
    "printf '%s' '[{{x}}]'",
    "printf '%s' '['{{x}}']'",
    "x={{x}}; printf '[%s]' \"$x\"",
    "(printf '[%s]' {{x}})",
    "case a in a) printf '[%s]' {{x}};; esac",
    "printf '[%s]' \"$(printf '%s' {{x}})\"",
    "printf '[%s]' \"$(printf '%s' \"{{x}}\")\"",
    "printf '[%s]' \"`printf '%s' {{x}}`\"",
    "printf '[%s]' \"${UNSET:-{{x}}}\"",
    "printf '[%s]' ${UNSET:-{{x}}}",
    "printf '%s' \"${UNSET:-it's}\" >/dev/null; printf '[%s]' {{x}}",
    "# don't stop\nprintf '[%s]' {{x}}",
    ": it\\'s; printf '[%s]' {{x}}",
    ": \"it's `echo \"it's\"`\"; printf '[%s]' {{x}}",
    ": $(( (1 + 2) << 2 )); printf '[%s]' {{x}}",
    "set -- a; [ $# = 1 ] && printf '[%s]' {{x}}",
    ": \\\"{{x}}; printf '[%s]' {{x}}",
    "cat <<END | head -c -1\n[{{x}}]\nEND",
    "cat <<-END | head -c -1\n\t[{{x}}]\n\tEND",
    "cat <<A - <<B | head -c -1\nno\nA\n[{{x}}]\nB",
    "cat <<END | head -c -1\n[$(printf '%s' {{x}})]\nEND",
    "cat <<'Q' >/dev/null\nit's\nQ\nprintf '[%s]' {{x}}",
};

TEST_F(CommandStepTest, AValueIsOneWordOrTextWhateverItHoldsAndWhereverItStands) {
  Json inputs;
  for (std::size_t i = 0; i < kValues.size(); ++i) inputs[fmt::format("x{}", i)] = kValues[i];
  for (const std::string command : kCommands) {
    std::string script, wanted;
    for (std::size_t i = 0; i < kValues.size(); ++i) {
      auto one = command;
      for (const std::string name : {"{{x}}", "{{ x }}"}) {
        for (auto at = one.find(name); at != std::string::npos; at = one.find(name))
          one.replace(at, name.size(), fmt::format("{{{{inputs.x{}}}}}", i));
      }
      script += one + "\nprintf '|\\n'\n";
      wanted += "[" + kValues[i] + "]|\n";
    }
    EXPECT_EQ(printed(script, inputs), wanted) << command;
  }
}

TEST_F(CommandStepTest, WhereNoValueCanBePutInNothingIsCarriedOutEither) {
  const Json inputs{{"x", "$(echo pwned)"}};
  EXPECT_EQ(printed("cat <<'END'\n{{inputs.x}}\nEND", inputs), "${WELLRUN_VALUE_1}\n");
}

TEST_F(CommandStepTest, ASecretThatTheEndOfTheKeptOutputCutsThroughIsNotSeen) {
  const auto kept = ProcessRequest{}.max_output_bytes;
  for (const std::size_t room : {3U, 8U, 9U}) {
    const auto output = printed(
        fmt::format("head -c {} /dev/zero | tr '\\0' '.'; printf '%s more' \"$INPUT_TOKEN\"",
                    kept - room),
        {{"token", "env:TOKEN"}}, Json::array({"token"}));
    EXPECT_FALSE(output.contains("tok")) << output.substr(output.size() - 20);
    EXPECT_TRUE(output.ends_with(room == 9 ? ".***" : "...")) << room;
  }
}

TEST_F(CommandStepTest, NulsInAValueAreLeftOutAsTheShellDoes) {
  EXPECT_EQ(printed("printf '[%s]' {{inputs.x}}", {{"x", std::string("a\0b", 3)}}), "[ab]");
}

}  // namespace
}  // namespace wellrun::procedures
