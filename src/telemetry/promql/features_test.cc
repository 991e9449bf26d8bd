// --enable-feature, by Prometheus' names.

#include <gtest/gtest.h>

#include "telemetry/promql/engine.h"

namespace wellrun::telemetry::promql {
namespace {

TEST(EnableFeatures, EachNameIsTakenAloneAndAmongOthers) {
  const std::vector<std::string> names = {"promql-experimental-functions",
                                          "promql-extended-range-selectors",
                                          "promql-binop-fill-modifiers",
                                          "promql-duration-expr",
                                          "promql-delayed-name-removal",
                                          "use-start-timestamps",
                                          "st-storage",
                                          "promql-per-step-stats",
                                          "type-and-unit-labels"};
  std::string all;
  for (const auto& name : names) {
    EngineOptions options;
    EXPECT_TRUE(enable_features(options, name)) << name;
    all += name + " , ";
  }
  EngineOptions options;
  EXPECT_TRUE(enable_features(options, all + names.front()));
  EXPECT_TRUE(options.delayed_name_removal && options.use_start_timestamps &&
              options.type_and_unit_labels && options.per_step_stats);
  EXPECT_TRUE(enable_features(options, ""));
  EXPECT_TRUE(enable_features(options, "  "));
}

TEST(EnableFeatures, ANameTurnsOnWhatItSaysAndNothingElse) {
  const std::pair<const char*, bool EngineOptions::*> switches[] = {
      {"promql-delayed-name-removal", &EngineOptions::delayed_name_removal},
      {"use-start-timestamps", &EngineOptions::use_start_timestamps},
      {"type-and-unit-labels", &EngineOptions::type_and_unit_labels},
      {"promql-per-step-stats", &EngineOptions::per_step_stats}};
  for (const auto& [name, of_name] : switches) {
    EngineOptions options;
    ASSERT_TRUE(enable_features(options, name));
    for (const auto& [other, flag] : switches) EXPECT_EQ(options.*flag, flag == of_name) << other;
  }
}

TEST(EnableFeatures, AnUnknownNameIsRefusedWithTheNearest) {
  EngineOptions options;
  const auto near = enable_features(options, "promql-per-step-stats,promql-delayed-name-removel");
  ASSERT_FALSE(near);
  EXPECT_EQ(near.error().code, ErrorCode::kInvalid);
  EXPECT_NE(near.error().message.find("promql-delayed-name-removel"), std::string::npos);
  EXPECT_NE(near.error().message.find("promql-delayed-name-removal"), std::string::npos)
      << near.error().message;
  EXPECT_FALSE(options.delayed_name_removal);
  const auto far = enable_features(options, "telepathy");
  ASSERT_FALSE(far);
  EXPECT_NE(far.error().message.find("unknown feature \"telepathy\""), std::string::npos)
      << far.error().message;
}

}  // namespace
}  // namespace wellrun::telemetry::promql
