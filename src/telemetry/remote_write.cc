#include "telemetry/remote_write.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "core/text.h"
#include "telemetry/remote_write_decode.h"

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kMaxBodyBytes = 64U << 20;
constexpr std::size_t kMaxPlainBytes = 256U << 20;
constexpr std::size_t kInlineBytes = 256U << 10;

enum class Protocol { kOne, kTwo };

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

/// Source: remote write 2.0 specification, "Required Headers". std::nullopt: something else (415).
std::optional<Protocol> protocol_of(std::string_view content_type) {
  const auto parts = split(content_type, ';');
  const auto media = lower(trimmed(parts.front()));
  if (media.empty()) return Protocol::kOne;
  if (media != "application/x-protobuf") return std::nullopt;
  for (const auto part : std::span(parts).subspan(1)) {
    const auto parameter = trimmed(part);
    if (!lower(parameter).starts_with("proto=")) continue;
    const auto message = trimmed(parameter.substr(6));
    if (message == "prometheus.WriteRequest") return Protocol::kOne;
    if (message == "io.prometheus.write.v2.Request") return Protocol::kTwo;
    return std::nullopt;
  }
  return Protocol::kOne;
}

http::Response text(int status, std::string message) {
  return http::text_response(std::move(message) + "\n", status);
}

http::Response failed(const Error& error) {
  const int status = http::http_status_of(error.code);
  return text(status, to_string(error));
}

http::Response answer(Protocol protocol, const WriteOutcome& outcome) {
  http::Response response;
  response.status = 204;
  if (outcome.rejected > 0)
    response = text(
        400, fmt::format("{} of {} samples were refused, the others are stored; the first: {}",
                         outcome.rejected,
                         outcome.rejected + outcome.samples_written + outcome.histograms_written,
                         outcome.first_rejection));
  if (protocol == Protocol::kOne) return response;
  auto say = [&](std::string_view what, std::size_t count) {
    response.headers.push_back(
        {fmt::format("X-Prometheus-Remote-Write-{}-Written", what), std::to_string(count)});
  };
  say("Samples", outcome.samples_written);
  say("Histograms", outcome.histograms_written);
  say("Exemplars", 0);  // read, not stored
  return response;
}

}  // namespace

http::Response receive_remote_write(const http::Request& request, MetricWriter& writer) {
  const auto protocol = protocol_of(request.header("Content-Type"));
  if (!protocol)
    return text(415, fmt::format("Content-Type {} is not known; application/x-protobuf is, with "
                                 "proto=prometheus.WriteRequest or "
                                 "proto=io.prometheus.write.v2.Request",
                                 quote(request.header("Content-Type").substr(0, 200))));
  const auto encoding = lower(request.header("Content-Encoding"));
  if (!encoding.empty() && encoding != "snappy")
    return text(415, fmt::format("Content-Encoding {} is not known; snappy is",
                                 quote(std::string_view(encoding).substr(0, 200))));
  const auto plain = unpack_snappy(request.body, kMaxPlainBytes);
  if (!plain) return failed(plain.error());
  auto decoded =
      *protocol == Protocol::kOne ? decode_remote_write_1(*plain) : decode_remote_write_2(*plain);
  if (!decoded) return failed(decoded.error());
  if (!decoded->metadata.empty()) writer.put_metadata(std::move(decoded->metadata));
  const auto outcome = writer.write_batch(decoded->batch);
  return outcome ? answer(*protocol, *outcome) : failed(outcome.error());
}

std::vector<http::Route> remote_write_routes(MetricWriter& writer, Workers& workers) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/write";
  route.role = http::Role::kOperator;
  route.operation_id = "remoteWrite";
  route.max_body_bytes = kMaxBodyBytes;
  route.handler = [&writer, &workers](http::Request request, http::Reply reply) {
    if (request.body.size() <= kInlineBytes) return reply(receive_remote_write(request, writer));
    workers.run([&writer, request = std::move(request), reply = std::move(reply)]() mutable {
      reply(receive_remote_write(request, writer));
    });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::telemetry
