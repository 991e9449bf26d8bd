#include "telemetry/otlp/otlp_api.h"

#include <algorithm>
#include <optional>
#include <protozero/pbf_writer.hpp>

#include "core/json.h"
#include "core/text.h"

namespace wellrun::telemetry::otlp {
namespace {

enum class Encoding { kProtobuf, kJson };

std::optional<Encoding> encoding_of(std::string_view content_type) {
  std::string type(trimmed(content_type.substr(0, content_type.find(';'))));
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (type == "application/x-protobuf") return Encoding::kProtobuf;
  if (type == "application/json") return Encoding::kJson;
  return std::nullopt;
}

http::Response respond(Encoding encoding, int status, std::string body) {
  const char* const type =
      encoding == Encoding::kJson ? "application/json" : "application/x-protobuf";
  return {status, {{"Content-Type", type}}, std::move(body)};
}

struct Mapped {
  int http;
  int grpc;  ///< google.rpc.Code
  bool retry;
};

Mapped map_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return {400, 3, false};
    case ErrorCode::kTooLarge:
      return {413, 3, false};
    case ErrorCode::kUnsupported:
      return {400, 12, false};
    case ErrorCode::kExhausted:
      return {429, 8, true};
    case ErrorCode::kUnavailable:
    case ErrorCode::kNoSpace:
    case ErrorCode::kDeadline:
    case ErrorCode::kCancelled:
      return {503, 14, true};
    default:
      return {500, 13, false};
  }
}

http::Response error_response(Encoding encoding, const Error& error) {
  const auto mapped = map_code(error.code);
  std::string body;
  if (encoding == Encoding::kJson) {
    body = to_text(Json{{"code", mapped.grpc}, {"message", to_string(error)}});
  } else {
    protozero::pbf_writer status(body);
    status.add_int32(1, mapped.grpc);
    status.add_string(2, to_string(error));
  }
  auto response = respond(encoding, mapped.http, std::move(body));
  if (mapped.retry) response.headers.push_back({"Retry-After", "1"});
  return response;
}

Result<Receipt> receive(OtlpReceiver& receiver, Signal signal, Encoding encoding,
                        const std::string& body) {
  if (encoding == Encoding::kProtobuf) return receiver.receive(signal, body);
  TRY(const auto protobuf, json_to_protobuf(signal, body));
  return receiver.receive(signal, protobuf);
}

http::Response answer(OtlpReceiver& receiver, Signal signal, Encoding encoding,
                      const std::string& body) {
  const auto receipt = receive(receiver, signal, encoding, body);
  if (!receipt) return error_response(encoding, receipt.error());
  return respond(encoding, 200,
                 encoding == Encoding::kJson ? receipt_as_json(signal, *receipt)
                                             : receipt_as_protobuf(*receipt));
}

http::Handler handler(OtlpReceiver& receiver, Workers& workers, Signal signal) {
  return [&receiver, &workers, signal](http::Request request, http::Reply reply) {
    const auto encoding = encoding_of(request.header("content-type"));
    if (!encoding) {
      auto response = error_response(
          Encoding::kJson, {ErrorCode::kInvalid,
                            "the content type must be application/x-protobuf or application/json",
                            {}});
      response.status = 415;
      return reply(std::move(response));
    }
    auto admission = receiver.admit(request.body.size());
    if (!admission) return reply(error_response(*encoding, admission.error()));
    workers.run([&receiver, signal, encoding = *encoding, body = std::move(request.body),
                 admission = std::move(*admission), reply = std::move(reply)]() mutable {
      reply(answer(receiver, signal, encoding, body));
    });
  };
}

}  // namespace

std::vector<http::Route> otlp_routes(OtlpReceiver& receiver, Workers& workers,
                                     OtlpRoutesOptions options) {
  std::vector<http::Route> routes;
  const auto add = [&](Signal signal, const char* operation_id) {
    http::Route route;
    route.method = "POST";
    route.pattern = options.prefix + "/v1/" + name_of(signal);
    route.role = options.role;
    if (options.prefix.empty()) route.operation_id = operation_id;
    route.handler = handler(receiver, workers, signal);
    route.max_body_bytes = receiver.options().max_request_bytes;
    routes.push_back(std::move(route));
  };
  add(Signal::kMetrics, "receiveOtlpMetrics");
  add(Signal::kLogs, "receiveOtlpLogs");
  add(Signal::kTraces, "receiveOtlpTraces");
  return routes;
}

}  // namespace wellrun::telemetry::otlp
