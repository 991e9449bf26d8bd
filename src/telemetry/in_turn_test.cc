#include "telemetry/in_turn.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/federate.h"
#include "telemetry/logs_api.h"
#include "telemetry/otlp/otlp_test_support.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/query_api.h"
#include "telemetry/remote_read.h"
#include "telemetry/search_api.h"

namespace wellrun::telemetry {
namespace {

/// Users who ask, and workers that run when the test lets them.
struct World {
  VirtualRuntime time;
  Runtime runtime = time.runtime();
  static constexpr Duration kTimeout = std::chrono::seconds(10);
  RunningQueries running{runtime, {.max_running = 1, .max_waiting = 1, .timeout = kTimeout}};
  std::vector<int> statuses;  ///< of the answers, in order

  http::Reply noting() {
    return [this](const http::Response& response) { statuses.push_back(response.status); };
  }
  /// While `length` passes.
  void ask_slowly(Duration length) {
    answer_in_turn(running, {}, noting(), [this, length](const promql::QueryLimits&) {
      time.run_for(length);
      return http::text_response("done at last");
    });
  }
  void ask(std::shared_ptr<const std::atomic<bool>> abandoned = nullptr) {
    http::Request request;
    request.method = "GET";
    request.path = "/api/v1/things";
    request.principal.actor = "person:ana";
    request.abandoned = std::move(abandoned);
    answer_in_turn(running, request, noting(),
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

TEST(InTurn, WaitingCountsForTheTimeThatIsAllowed) {
  World world;
  world.ask_slowly(World::kTimeout + Duration{1000});
  world.ask();
  world.time.run_ready();
  EXPECT_EQ(world.statuses, (std::vector{200, http::http_status_of(ErrorCode::kDeadline)}));
}

TEST(InTurn, WaitingCountsForTheTimeoutThatAQueryAsksFor) {
  World world;
  promql::testing::MemoryReader reader;
  const promql::Engine engine(reader);
  const auto routes = prometheus_query_routes(world.runtime, engine, world.running);
  for (const auto& [timeout, status] : {std::pair{"6s", 200}, std::pair{"4s", 503}}) {
    world.statuses.clear();
    world.ask_slowly(std::chrono::seconds(5));
    http::Request request;
    request.query = {{"query", "1"}, {"timeout", timeout}};
    routes.front().handler(request, world.noting());
    world.time.run_ready();
    EXPECT_EQ(world.statuses, (std::vector{200, status})) << timeout;
  }
}

TEST(InTurn, RoutesThatReadMuchTakeTheirTurnAndWatchTheirClient) {
  World world;
  testing::RecordingSignals signals;
  promql::testing::MemoryReader reader;
  const promql::Engine engine(reader);
  auto routes = logs_routes(signals, world.runtime, world.running);
  for (auto& more : {remote_read_routes(reader, world.running),
                     federate_routes(world.runtime, reader, world.running),
                     search_routes(world.runtime, reader, world.running, /*is_enabled=*/true),
                     prometheus_query_routes(world.runtime, engine, world.running)})
    routes.insert(routes.end(), more.begin(), more.end());
  std::erase_if(routes, [](const http::Route& route) {  // what reads nothing
    return route.pattern.ends_with("_query") || route.pattern.ends_with("/buildinfo");
  });
  EXPECT_EQ(routes.size(), 23U);
  for (const auto& route : routes) {
    EXPECT_TRUE(route.watches_peer) << route.pattern;
    http::Request request;
    request.path_parameters = {{"trace_id", std::string(32, 'a')}, {"name", "job"}};
    bool answered = false;
    route.handler(request, [&](const http::Response&) { answered = true; });
    EXPECT_EQ(world.running.list().size(), 1U) << route.pattern;
    world.time.run_ready();
    EXPECT_TRUE(answered) << route.pattern;
  }
}

}  // namespace
}  // namespace wellrun::telemetry
