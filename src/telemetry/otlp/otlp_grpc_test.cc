#include "telemetry/otlp/otlp_grpc.h"

#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::telemetry::otlp {
namespace {

const std::string kExportLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

TEST(OtlpGrpc, ExportsAndAsksWhetherTheCallerMay) {
  VirtualRuntime runtime;
  testing::RecordingMetrics metrics;
  testing::RecordingSignals signals;
  OtlpReceiver receiver(runtime.runtime().clock, metrics, signals);
  const auto request = json_to_protobuf(
      Signal::kLogs,
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]})");
  ASSERT_TRUE(request);
  const auto open = otlp_methods(receiver);
  ASSERT_EQ(open.size(), 3u);
  EXPECT_EQ(open.at(kExportLogs)(*request, {}).value(), "");
  ASSERT_EQ(signals.kept_logs.size(), 1u);
  EXPECT_EQ(signals.kept_logs[0].time, runtime.now());
  EXPECT_EQ(open.at(kExportLogs)("\x0a\xff", {}).error().code, ErrorCode::kInvalid);

  const auto closed = otlp_methods(receiver, [](const grpc::Metadata&) -> Status {
    return fail(ErrorCode::kUnauthenticated, "a token is needed");
  });
  EXPECT_EQ(closed.at(kExportLogs)(*request, {}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(signals.kept_logs.size(), 1u);
}

TEST(OtlpGrpc, AFullReceiverIsUnavailableSoThatSendersTryAgain) {
  VirtualRuntime runtime;
  testing::RecordingMetrics metrics;
  testing::RecordingSignals signals;
  OtlpReceiver receiver(
      runtime.runtime().clock, metrics, signals,
      {.limits = {}, .deltas = {}, .max_request_bytes = 100, .max_pending_bytes = 0});
  EXPECT_EQ(otlp_methods(receiver).at(kExportLogs)(std::string(2, 'x'), {}).error().code,
            ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace wellrun::telemetry::otlp
