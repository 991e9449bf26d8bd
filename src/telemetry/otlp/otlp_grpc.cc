#include "telemetry/otlp/otlp_grpc.h"

namespace wellrun::telemetry::otlp {
namespace {

Result<std::string> receive(OtlpReceiver& receiver, Signal signal, std::string_view request) {
  TRY(const auto admission, receiver.admit(request.size()));
  TRY(const auto receipt, receiver.receive(signal, request));
  return receipt_as_protobuf(receipt);
}

/// OTLP's senders give up on RESOURCE_EXHAUSTED without retry information, and on a too large
/// message repeat themselves.
Error as_otlp(Error error) {
  if (error.code == ErrorCode::kExhausted) error.code = ErrorCode::kUnavailable;
  if (error.code == ErrorCode::kTooLarge) error.code = ErrorCode::kInvalid;
  return error;
}

}  // namespace

std::map<std::string, grpc::Method> otlp_methods(OtlpReceiver& receiver, Authorize authorize) {
  const auto method = [&](Signal signal) -> grpc::Method {
    return [&receiver, signal, authorize](std::string_view request,
                                          const grpc::Metadata& metadata) -> Result<std::string> {
      if (authorize) TRY_STATUS(authorize(metadata));
      auto answer = receive(receiver, signal, request);
      if (!answer) return std::unexpected(as_otlp(std::move(answer).error()));
      return answer;
    };
  };
  const std::string prefix = "/opentelemetry.proto.collector.";
  return {{prefix + "metrics.v1.MetricsService/Export", method(Signal::kMetrics)},
          {prefix + "logs.v1.LogsService/Export", method(Signal::kLogs)},
          {prefix + "trace.v1.TraceService/Export", method(Signal::kTraces)}};
}

}  // namespace wellrun::telemetry::otlp
