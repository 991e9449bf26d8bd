#include "telemetry/logs_api.h"

#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::telemetry {
namespace {

const std::string kTrace = "5b8efff798038103d269b633813fc60c";

class LogsApi : public ::testing::Test {
 protected:
  http::Response get(const std::string& path, http::Parameters query = {}) {
    http::Router router;
    for (auto& route : logs_routes(signals_, runtime_.runtime(), running_))
      router.add(std::move(route));
    const auto match = router.match("GET", path);
    http::Request request;
    request.query = std::move(query);
    request.path_parameters = match.path_parameters;
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    runtime_.run_ready();
    return answer.value();
  }

  static SpanRecord span(std::string id, std::string parent, std::int64_t start_ms,
                         std::int64_t end_ms) {
    SpanRecord out;
    out.trace_id = kTrace;
    out.span_id = std::move(id);
    out.parent_span_id = std::move(parent);
    out.name = "span " + out.span_id;
    out.service = "api";
    out.kind = "server";
    out.status = out.parent_span_id.empty() ? "unset" : "error";
    out.start_ns = start_ms * 1'000'000;
    out.end_ns = end_ms * 1'000'000;
    return out;
  }

  VirtualRuntime runtime_;
  RunningQueries running_{runtime_.runtime()};
  testing::RecordingSignals signals_;
};

TEST_F(LogsApi, LogsAreAskedForByEveryParameter) {
  LogRecord record;
  record.time = from_unix_ms(1'500);
  record.severity = 17;
  record.body = "boom";
  signals_.kept_logs = {record};
  const auto answer = get("/api/v1/logs", {{"start", "1970-01-01T00:00:01Z"},
                                           {"end", "2.5"},
                                           {"service", "api"},
                                           {"severity", "13"},
                                           {"contains", "bo"},
                                           {"trace_id", "5B8EFFF798038103D269B633813FC60C"},
                                           {"limit", "7"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto& query = signals_.last_log_query;
  EXPECT_EQ(query.range.start_ms, 1'000);
  EXPECT_EQ(query.range.end_ms, 2'500);
  EXPECT_EQ(query.service, "api");
  EXPECT_EQ(query.min_severity, 13);
  EXPECT_EQ(query.contains, "bo");
  EXPECT_EQ(query.trace_id, kTrace);
  EXPECT_EQ(query.limit, 7u);
  EXPECT_EQ(
      answer.body,
      R"({"items":[{"attributes":{},"body":"boom","service":"","severity":17,"severity_text":"","time":"1970-01-01T00:00:01.500Z"}]})");
}

TEST_F(LogsApi, WithoutTimesTheLastHourIsRead) {
  EXPECT_EQ(get("/api/v1/logs").status, 200);
  EXPECT_EQ(signals_.last_log_query.range.end_ms, to_unix_ms(runtime_.now()));
  EXPECT_EQ(signals_.last_log_query.range.start_ms, to_unix_ms(runtime_.now()) - 3'600'000);
}

TEST_F(LogsApi, ParametersThatCannotBeReadAreNamed) {
  for (const auto& [name, value] : http::Parameters{{"start", "yesterday"},
                                                    {"end", "nan"},
                                                    {"severity", "25"},
                                                    {"limit", "0"},
                                                    {"limit", "-1"},
                                                    {"trace_id", "xyz"}}) {
    const auto answer = get("/api/v1/logs", {{name, value}});
    EXPECT_EQ(answer.status, 400) << name;
  }
  EXPECT_EQ(get("/api/v1/logs", {{"start", "10"}, {"end", "5"}}).status, 400);
  EXPECT_EQ(get("/api/v1/traces", {{"errors", "perhaps"}}).status, 400);
  EXPECT_EQ(get("/api/v1/traces/xyz").status, 400);
}

TEST_F(LogsApi, ATraceIsSummedUpOnceAndNamedAfterItsRoot) {
  signals_.kept_spans = {span("b", "a", 20, 60), span("a", "", 10, 50)};
  const auto answer = get("/api/v1/traces", {{"errors", "true"}});
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(
      answer.body,
      R"({"items":[{"duration_ms":50.0,"errors":1,"name":"span a","service":"api","spans":2,)"
      R"("start":"1970-01-01T00:00:00.010Z","trace_id":"5b8efff798038103d269b633813fc60c"}]})");
}

TEST_F(LogsApi, ASpanThatWasSentTwiceIsThereOnce) {
  signals_.kept_spans = {span("b", "a", 20, 60), span("a", "", 10, 50), span("b", "a", 20, 60),
                         span("a", "", 10, 50)};
  EXPECT_EQ(parse_json(get("/api/v1/traces").body).value()["items"][0]["spans"], 2);
  const auto trace = parse_json(get("/api/v1/traces/" + kTrace).body).value();
  ASSERT_EQ(trace["spans"].size(), 2U);
  EXPECT_EQ(trace["spans"][0]["span_id"], "a");
}

TEST_F(LogsApi, OneTraceComesWithItsSpansEventsAndLogs) {
  auto child = span("b", "a", 20, 60);
  child.attributes.set("span.events", R"([{"name":"exception"}])");
  signals_.kept_spans = {child, span("a", "", 10, 50)};
  LogRecord record;
  record.trace_id = kTrace;
  signals_.kept_logs = {record};
  const auto answer = parse_json(get("/api/v1/traces/" + kTrace).body);
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["spans"][0]["span_id"], "a");
  EXPECT_EQ((*answer)["spans"][1]["events"][0]["name"], "exception");
  EXPECT_FALSE((*answer)["spans"][1]["attributes"].contains("span.events"));
  EXPECT_EQ((*answer)["logs"].size(), 1u);
  signals_.kept_spans.clear();
  EXPECT_EQ(get("/api/v1/traces/" + kTrace).status, 404);
}

}  // namespace
}  // namespace wellrun::telemetry
