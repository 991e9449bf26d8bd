#include "telemetry/in_turn.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/federate.h"
#include "telemetry/logs_api.h"
#include "telemetry/otlp/otlp_test_support.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/remote_read.h"

namespace wellrun::telemetry {
namespace {

/// Users who ask, and workers that run when the test lets them.
struct World {
  VirtualRuntime time;
  Runtime runtime = time.runtime();
  RunningQueries running{runtime, {.max_running = 1, .max_waiting = 1}};
  std::vector<int> statuses;  ///< of the answers, in order

  void ask(std::shared_ptr<const std::atomic<bool>> abandoned = nullptr) {
    http::Request request;
    request.method = "GET";
    request.path = "/api/v1/things";
    request.principal.actor = "person:ana";
    request.abandoned = std::move(abandoned);
    answer_in_turn(
        running, request,
        [this](const http::Response& response) { statuses.push_back(response.status); },
        [](const promql::QueryLimits&) { return http::text_response("done"); });
  }
};

TEST(InTurn, AnAnswerIsListedUntilItIsGiven) {
  World world;
  world.ask();
  const auto listed = world.running.list();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].text, "GET /api/v1/things");
  EXPECT_EQ(listed[0].user, "person:ana");
  world.time.run_ready();
  EXPECT_EQ(world.statuses, std::vector{200});
  EXPECT_TRUE(world.running.list().empty());
}

TEST(InTurn, MoreThanMayWaitAreRefused) {
  World world;
  for (int i = 0; i < 3; ++i) world.ask();
  EXPECT_EQ(world.statuses, std::vector{429}) << "one runs, one waits";
  world.time.run_ready();
  EXPECT_EQ(world.statuses, (std::vector{429, 200, 200}));
}

TEST(InTurn, WhoHasGoneOrWasCancelledCostsNothing) {
  World world;
  world.ask(std::make_shared<std::atomic<bool>>(true));
  world.ask();
  ASSERT_TRUE(world.running.cancel(world.running.list().back().id));
  world.time.run_ready();
  const auto cancelled = http::http_status_of(ErrorCode::kCancelled);
  EXPECT_EQ(world.statuses, (std::vector{cancelled, cancelled}));
}

TEST(InTurn, RoutesThatReadMuchTakeTheirTurnAndWatchTheirClient) {
  World world;
  testing::RecordingSignals signals;
  promql::testing::MemoryReader reader;
  auto routes = logs_routes(signals, world.runtime, world.running);
  for (auto& more : {remote_read_routes(reader, world.running),
                     federate_routes(world.runtime, reader, world.running)})
    routes.insert(routes.end(), more.begin(), more.end());
  EXPECT_EQ(routes.size(), 5U);
  for (const auto& route : routes) {
    EXPECT_TRUE(route.watches_peer) << route.pattern;
    http::Request request;
    request.path_parameters["trace_id"] = std::string(32, 'a');
    bool answered = false;
    route.handler(request, [&](const http::Response&) { answered = true; });
    EXPECT_EQ(world.running.list().size(), 1U) << route.pattern;
    world.time.run_ready();
    EXPECT_TRUE(answered) << route.pattern;
  }
}

}  // namespace
}  // namespace wellrun::telemetry
