#include "telemetry/remote_write.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "core/text.h"
#include "telemetry/remote_write_decode.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kMaxBodyBytes = 64U << 20;
constexpr std::size_t kMaxPlainBytes = 256U << 20;
constexpr std::size_t kMaxSeriesLabelBytes = 64U << 10;
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

/// How many are stored. Those that are refused are dropped without a word, as Prometheus does: a
/// sender could not do better the next time.
std::size_t keep_exemplars(const RemoteWrite& write, ExemplarStore& exemplars) {
  std::size_t kept = 0;
  for (const auto& [series, exemplar] : write.exemplars) {
    const auto labels =
        store::canonical_label_bytes(write.batch.series[series].labels, kMaxSeriesLabelBytes);
    if (!labels) continue;
    const auto added = exemplars.add(store::labels_from_bytes(*labels), exemplar);
    kept += added == ExemplarStore::Added::kNew || added == ExemplarStore::Added::kSame ? 1 : 0;
  }
  if (!write.exemplars.empty()) exemplars.commit();
  return kept;
}

struct Written {
  std::size_t samples = 0, histograms = 0, exemplars = 0;
};

/// Source: remote write 2.0 specification, "Required Written Response Headers": whether it succeeds
/// or not.
void say(const Written& written, http::Response& response) {
  const auto add = [&](std::string_view what, std::size_t count) {
    response.headers.push_back(
        {fmt::format("X-Prometheus-Remote-Write-{}-Written", what), std::to_string(count)});
  };
  add("Samples", written.samples);
  add("Histograms", written.histograms);
  add("Exemplars", written.exemplars);
}

http::Response store_body(std::string_view body, Protocol protocol, MetricWriter& writer,
                          ExemplarStore& exemplars, Written& written) {
  const auto plain = unpack_snappy(body, kMaxPlainBytes);
  if (!plain) return failed(plain.error());
  auto decoded =
      protocol == Protocol::kOne ? decode_remote_write_1(*plain) : decode_remote_write_2(*plain);
  if (!decoded) return failed(decoded.error());
  if (!decoded->metadata.empty()) writer.put_metadata(std::move(decoded->metadata));
  const auto outcome = writer.write_batch(decoded->batch);
  if (!outcome) return failed(outcome.error());
  written = {outcome->samples_written, outcome->histograms_written,
             keep_exemplars(*decoded, exemplars)};
  const auto rejected = decoded->rejected + outcome->rejected;
  if (rejected > 0)
    return text(
        400,
        fmt::format("{} of {} samples were refused, the others are stored; the first: {}", rejected,
                    rejected + written.samples + written.histograms,
                    decoded->rejected > 0 ? decoded->first_rejection : outcome->first_rejection));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

http::Response receive_remote_write(const http::Request& request, MetricWriter& writer,
                                    ExemplarStore& exemplars) {
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
  Written written;
  auto response = store_body(request.body, *protocol, writer, exemplars, written);
  if (*protocol == Protocol::kTwo) say(written, response);
  return response;
}

std::vector<http::Route> remote_write_routes(MetricWriter& writer, ExemplarStore& exemplars,
                                             Workers& workers) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/write";
  route.role = http::Role::kOperator;
  route.operation_id = "remoteWrite";
  route.max_body_bytes = kMaxBodyBytes;
  route.handler = [&writer, &exemplars, &workers](http::Request request, http::Reply reply) {
    if (request.body.size() <= kInlineBytes)
      return reply(receive_remote_write(request, writer, exemplars));
    workers.run(
        [&writer, &exemplars, request = std::move(request), reply = std::move(reply)]() mutable {
          reply(receive_remote_write(request, writer, exemplars));
        });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::telemetry
