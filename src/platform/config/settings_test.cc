#include "platform/config/settings.h"

#include <gtest/gtest.h>
#include <map>

namespace wellrun::config {
namespace {

struct Told {
  std::string listen = "127.0.0.1:7070";
  std::string token;
  std::string level = "info";
  Duration retention = std::chrono::days(15);
  bool sandbox = true;
  std::size_t most = 10, spare = 10;
};

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    settings_.text("listen", "address", told_.listen, "where");
    settings_.secret("token", told_.token, "who");
    settings_.choice("log-level", told_.level, {"debug", "info"}, "how much");
    settings_.duration("retention", told_.retention, "how long");
    settings_.flag("no-sandbox", told_.sandbox, "without", false);
    settings_.count("most", told_.most, "how many");
    settings_.count("spare", told_.spare, "how many more", 0);
  }

  Status environment(const std::map<std::string, std::string>& variables) {
    return settings_.apply_environment([&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  }

  Told told_;
  Settings settings_;
};

TEST_F(SettingsTest, OneNameMakesTheFlagTheVariableAndTheKey) {
  const auto* setting = settings_.find("no-sandbox");
  ASSERT_NE(setting, nullptr);
  EXPECT_EQ(setting->flag(), "--no-sandbox");
  EXPECT_EQ(setting->environment(), "WELLRUN_NO_SANDBOX");
  EXPECT_EQ(setting->key(), "no_sandbox");
  EXPECT_EQ(settings_.find("sandbox"), nullptr);
}

TEST_F(SettingsTest, FlagsWinOverTheEnvironmentAndThatOverTheFileInAnyOrderOfReading) {
  ASSERT_TRUE(settings_.apply_flag("listen", "flag:1"));
  ASSERT_TRUE(environment({{"WELLRUN_LISTEN", "environment:1"}, {"WELLRUN_RETENTION", "2d"}}));
  EXPECT_TRUE(settings_
                  .apply_file({{"listen", "file:1", "f:1:1"},
                               {"retention", "3d", "f:2:1"},
                               {"log_level", "debug", "f:3:1"}})
                  .empty());
  EXPECT_EQ(told_.listen, "flag:1");
  EXPECT_EQ(told_.retention, std::chrono::days(2));
  EXPECT_EQ(told_.level, "debug");
  EXPECT_EQ(settings_.find("listen")->origin, "--listen");
  EXPECT_EQ(settings_.find("retention")->origin, "WELLRUN_RETENTION");
  EXPECT_EQ(settings_.find("log-level")->origin, "f:3:1");
  EXPECT_EQ(settings_.find("no-sandbox")->source, Source::kDefault);
}

TEST_F(SettingsTest, ACountIsAWholeNumberFromOneOn) {
  ASSERT_TRUE(settings_.apply_flag("most", "250"));
  EXPECT_EQ(told_.most, 250u);
  EXPECT_EQ(settings_.find("most")->shown(), "250");
  for (const char* wrong : {"0", "-3", "2.5", "3x", "", "99999999999999999999999"})
    EXPECT_FALSE(settings_.apply_flag("most", wrong)) << wrong;
  EXPECT_EQ(told_.most, 250u);
}

TEST_F(SettingsTest, ACountMayBeZeroWhereItIsSaid) {
  EXPECT_TRUE(environment({{"WELLRUN_SPARE", "0"}}));
  EXPECT_EQ(told_.spare, 0U);
}

TEST_F(SettingsTest, AFileIsToldEverythingThatIsWrongAtOnceWithTheNearestName) {
  const auto errors = settings_.apply_file({{"retentoin", "3d", "f:1:1"},
                                            {"retention", "3 fortnights", "f:2:1"},
                                            {"log_level", "infos", "f:3:1"},
                                            {"no_sandbox", "yes", "f:4:1"},
                                            {"listen", "good:1", "f:5:1"}});
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(to_string(errors[0]),
            "f:1:1: no setting is called \"retentoin\" (did you mean \"retention\"?)");
  EXPECT_EQ(errors[1].context, "f:2:1");
  EXPECT_EQ(to_string(errors[2]),
            "f:3:1: log-level: \"infos\" is none of debug and info (did you mean \"info\"?)");
  EXPECT_EQ(to_string(errors[3]), "f:4:1: no-sandbox: \"yes\" is neither true nor false");
  EXPECT_EQ(told_.listen, "good:1");
}

TEST_F(SettingsTest, AnEmptyVariableIsAbsentAndAWrongOneIsNamed) {
  EXPECT_TRUE(environment({{"WELLRUN_RETENTION", ""}}));
  const auto refused = environment({{"WELLRUN_NO_SANDBOX", "1"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().context, "WELLRUN_NO_SANDBOX");
}

TEST_F(SettingsTest, ASecretIsNeverShown) {
  ASSERT_TRUE(environment({{"WELLRUN_TOKEN", "wr_very_secret"}}));
  EXPECT_EQ(told_.token, "wr_very_secret");
  EXPECT_EQ(settings_.find("token")->shown(), "(set)");
}

TEST_F(SettingsTest, TheExampleFileShowsWhatIsSetAndCommentsOutTheDefaults) {
  ASSERT_TRUE(settings_.apply_flag("no-sandbox", "true"));
  const auto file = example_file(settings_);
  EXPECT_NE(file.find("\n# without (true or false)\nno_sandbox: true\n"), std::string::npos)
      << file;
  EXPECT_NE(file.find("\n#retention: \"15d\"\n"), std::string::npos) << file;
}

}  // namespace
}  // namespace wellrun::config
