#include "cli/usage_error.h"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

/// What is said of `line`; empty when it is fine.
std::string said_of(const std::string& line) {
  CLI::App app("about", "wellrun");
  app.require_subcommand(1);
  app.fallthrough();
  std::string server;
  std::string id;
  std::string data;
  app.add_option("--server", server);
  auto* incident = app.add_subcommand("incident", "Incidents");
  incident->require_subcommand(1);
  incident->add_subcommand("list", "All");
  incident->add_subcommand("ack", "One")->add_option("id", id)->required();
  app.add_subcommand("serve", "Run it")
      ->add_option("--data", data)
      ->check(CLI::IsMember({"here", "there"}));
  try {
    app.parse(line);
    return "";
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
}

TEST(UsageError, NamesTheWordThatWasMeant) {
  EXPECT_EQ(said_of("incident list"), "");
  EXPECT_EQ(said_of("serev"),
            "wellrun has no command \"serev\" (did you mean \"serve\"?)\n"
            "wellrun --help says what there is\n");
  EXPECT_EQ(said_of("incident lst"),
            "wellrun incident has no command \"lst\" (did you mean \"list\"?)\n"
            "wellrun incident --help says what there is\n");
  EXPECT_EQ(said_of("--sevrer http://x incident list"),
            "wellrun incident list has no option \"--sevrer\" (did you mean \"--server\"?)\n"
            "wellrun incident list --help says what there is\n");
  EXPECT_EQ(said_of("serve --dta=here"),
            "wellrun serve has no option \"--dta\" (did you mean \"--data\"?)\n"
            "wellrun serve --help says what there is\n");
  EXPECT_EQ(said_of("serve now"),
            "wellrun serve takes no further argument; it got \"now\"\n"
            "wellrun serve --help says what there is\n");
}

TEST(UsageError, SaysOfWhichCommandSomethingIsMissingOrWrong) {
  EXPECT_EQ(said_of("incident ack"),
            "wellrun incident ack: id is required\n"
            "wellrun incident ack --help says what there is\n");
  EXPECT_TRUE(said_of("serve --data nowhere").starts_with("wellrun serve: --data: nowhere not in"));
}

TEST(UsageError, IsTheHelpWhereOnlyTheCommandIsMissing) {
  EXPECT_TRUE(said_of("").contains("serve"));
  EXPECT_TRUE(said_of("incident").contains("ack"));
  EXPECT_FALSE(said_of("incident").contains("serve"));
}

}  // namespace
}  // namespace wellrun::cli
