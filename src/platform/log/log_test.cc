#include "platform/log/log.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "core/json.h"

namespace wellrun {
namespace {

class LogTest : public ::testing::Test {
 protected:
  void use(LogFormat format, Level level = Level::kInfo) {
    configure_log({.level = level, .format = format, .write = [this](std::string_view line) {
                     lines_.emplace_back(line);
                   }});
  }
  ~LogTest() override { configure_log({}); }

  /// The only line, without its time.
  std::string line() {
    EXPECT_EQ(lines_.size(), 1U);
    return lines_.empty() ? "" : lines_.front().substr(25);
  }
  Json json() {
    EXPECT_EQ(lines_.size(), 1U);
    const auto parsed = parse_json(lines_.empty() ? "" : lines_.front());
    EXPECT_TRUE(parsed) << (lines_.empty() ? "" : lines_.front());
    return parsed.value_or(Json());
  }

  std::vector<std::string> lines_;
};

TEST_F(LogTest, TextHasTimeLevelAreaMessageAndFields) {
  use(LogFormat::kText);
  log(Level::kInfo, "respond/incident", "opened",
      {{"incident", std::string("inc-7")},
       {"severity", 2},
       {"wait_ms", Duration{1500}},
       {"ratio", 0.5},
       {"paged", true}});
  EXPECT_EQ(line(),
            "info    respond/incident opened incident=inc-7 severity=2 wait_ms=1500 ratio=0.5 "
            "paged=true\n");
  EXPECT_TRUE(parse_rfc3339(lines_.front().substr(0, 24))) << lines_.front();
}

TEST_F(LogTest, JsonIsOneValidObjectALine) {
  use(LogFormat::kJson);
  log(Level::kWarning, "platform/http", "said \"no\"",
      {{"path", "/a b\n"}, {"level", "own"}, {"ratio", std::nan("")}, {"big", 1ULL << 40}});
  const auto object = json();
  EXPECT_EQ(text_or(object, "level"), "warning");
  EXPECT_EQ(text_or(object, "_level"), "own");
  EXPECT_EQ(text_or(object, "area"), "platform/http");
  EXPECT_EQ(text_or(object, "message"), "said \"no\"");
  EXPECT_EQ(text_or(object, "path"), "/a b\n");
  EXPECT_EQ(text_or(object, "ratio"), "nan");
  EXPECT_EQ(object["big"], 1ULL << 40);
  EXPECT_TRUE(parse_rfc3339(text_or(object, "time")));
}

TEST_F(LogTest, NothingInAFieldOrMessageBeginsALineOfItsOwn) {
  use(LogFormat::kText);
  log(Level::kInfo, "a", "one\ntwo {} %v", {{"path", "x\r\n2026 error fake"}, {"empty", ""}});
  EXPECT_EQ(line().find('\n'), line().size() - 1) << line();
  EXPECT_TRUE(line().contains("{} %v")) << line();
  EXPECT_TRUE(line().contains(R"(empty="")")) << line();
}

TEST_F(LogTest, InvalidUtf8IsStillValidJson) {
  use(LogFormat::kJson);
  log(Level::kInfo, "a", "b", {{"bytes", "\xff\xfe"}});
  EXPECT_TRUE(json().is_object());
}

TEST_F(LogTest, LinesBelowTheLevelAreNotWritten) {
  use(LogFormat::kText, Level::kWarning);
  log(Level::kInfo, "a", "b");
  log(Level::kDebug, "a", "b");
  EXPECT_TRUE(lines_.empty());
  EXPECT_FALSE(is_logged(Level::kInfo));
  log(Level::kError, "a", "b");
  EXPECT_EQ(line(), "error   a b\n");
}

TEST_F(LogTest, RareLinesAreWrittenOnceAMinuteWithTheCountOfThoseLeftOut) {
  use(LogFormat::kText);
  const auto at = [](int second) { return from_unix_ms(1'000'000 + second * 1000); };
  for (int second = 0; second < 60; ++second) {
    log_rarely(at(second), Level::kError, "store", "cannot write", {{"second", second}});
  }
  EXPECT_EQ(line(), "error   store cannot write second=0\n");
  log_rarely(at(59), Level::kError, "store", "another");
  EXPECT_EQ(lines_.size(), 2U);
  lines_.clear();
  log_rarely(at(60), Level::kError, "store", "cannot write", {{"second", 60}});
  EXPECT_EQ(line(), "error   store cannot write second=60 suppressed=59\n");
  lines_.clear();
  log_rarely(at(0), Level::kError, "store", "cannot write");  // the clock was set back
  EXPECT_EQ(line(), "error   store cannot write\n");
}

TEST_F(LogTest, LevelsAreReadByTheNamesTheyAreWrittenWith) {
  for (const auto level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    EXPECT_EQ(level_named(name_of(level)), level);
  }
  EXPECT_FALSE(level_named("loud"));
}

}  // namespace
}  // namespace wellrun
