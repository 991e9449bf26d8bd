#include "telemetry/remote_read.h"

#include <algorithm>
#include <fmt/format.h>
#include <snappy.h>

#include "core/text.h"
#include "telemetry/histogram_chunk.h"
#include "telemetry/protozero_checked.h"
#include "telemetry/remote_write_decode.h"
#include "telemetry/sample_weight.h"
#include "telemetry/store/byte_io.h"
#include "telemetry/store/crc32c.h"
#include "telemetry/xor_chunk.h"

namespace wellrun::telemetry {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

constexpr std::size_t kMaxBodyBytes = 4U << 20;
constexpr std::size_t kMaxPlainBytes = 16U << 20;
constexpr std::size_t kSamplesPerChunk = 120;  ///< as Prometheus cuts them
constexpr std::size_t kFrameBytes = 1U << 20;  ///< of one frame, about
enum class ResponseType { kSamples, kStreamedChunks };

struct Query {
  TimeRange range;
  std::vector<Matcher> matchers;
};

struct ReadRequest {
  std::vector<Query> queries;
  std::vector<ResponseType> accepted;  ///< in the client's order; empty: samples
  std::vector<std::int32_t> unknown;   ///< what else it would take, the first few
};

Result<Matcher> read_matcher(pbf_reader message) {
  Matcher matcher;
  std::int32_t kind = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        kind = message.get_enum();
        break;
      case 2:
        matcher.name = message.get_string();
        break;
      case 3:
        matcher.value = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  if (kind < 0 || kind > 3)
    return fail(ErrorCode::kInvalid, fmt::format("matcher type {} is not known", kind));
  matcher.kind = static_cast<Matcher::Kind>(kind);
  return matcher;
}

Result<Query> read_query(pbf_reader message) {
  Query query;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        query.range.start_ms = message.get_int64();
        break;
      case 2:
        query.range.end_ms = message.get_int64();
        break;
      case 3: {
        TRY(auto matcher, read_matcher(message.get_message()));
        query.matchers.push_back(std::move(matcher));
        break;
      }
      default:
        message.skip();
    }
  }
  return query;
}

void accept(std::int32_t type, ReadRequest& request) {
  constexpr std::size_t kMostUnknown = 10;
  if (type == 0)
    request.accepted.push_back(ResponseType::kSamples);
  else if (type == 1)
    request.accepted.push_back(ResponseType::kStreamedChunks);
  else if (request.unknown.size() < kMostUnknown)
    request.unknown.push_back(type);
}

constexpr std::size_t kMostQueries = 1000;  ///< a sender has one for each selector

Result<ReadRequest> read_request(std::string_view plain) {
  ReadRequest request;
  try {
    pbf_reader message(plain.data(), plain.size());
    while (message.next()) {
      if (message.tag() == 1) {
        TRY(auto query, read_query(message.get_message()));
        request.queries.push_back(std::move(query));
        if (request.queries.size() > kMostQueries)
          return fail(ErrorCode::kInvalid,
                      fmt::format("the body has more than {} queries", kMostQueries));
      } else if (message.tag() == 2 &&
                 message.wire_type() == protozero::pbf_wire_type::length_delimited) {
        for (const auto type : message.get_packed_enum()) accept(type, request);
      } else if (message.tag() == 2) {
        accept(message.get_enum(), request);
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& error) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the body is not a well-formed remote read request: {}", error.what()));
  }
  if (request.accepted.empty() && !request.unknown.empty())
    return fail(ErrorCode::kInvalid,
                fmt::format("server does not support any of the requested response types; "
                            "requested: {}; supported: SAMPLES, STREAMED_XOR_CHUNKS",
                            fmt::join(request.unknown, ", ")));
  return request;
}

void write_labels(pbf_writer& series, const Labels& labels) {
  for (const auto& label : labels) {
    pbf_writer pair(series, 1);
    pair.add_string(1, label.name);
    pair.add_string(2, label.value);
  }
}

void write_spans(pbf_writer& histogram, protozero::pbf_tag_type tag,
                 const std::vector<Histogram::Span>& spans) {
  for (const auto& one : spans) {
    pbf_writer span(histogram, tag);
    span.add_sint32(1, one.offset);
    span.add_uint32(2, one.length);
  }
}

void write_histogram(pbf_writer& series, const HistogramSample& sample) {
  const auto& h = *sample.histogram;
  pbf_writer out(series, 4);
  out.add_double(2, h.count);
  out.add_double(3, h.sum);
  out.add_sint32(4, h.schema);
  out.add_double(5, h.zero_threshold);
  out.add_double(7, h.zero_count);
  write_spans(out, 8, h.negative_spans);
  out.add_packed_double(10, h.negative_counts.begin(), h.negative_counts.end());
  write_spans(out, 11, h.positive_spans);
  out.add_packed_double(13, h.positive_counts.begin(), h.positive_counts.end());
  out.add_enum(14, static_cast<std::int32_t>(h.reset_hint));
  out.add_int64(15, sample.time_ms);
  out.add_packed_double(16, h.custom_bounds.begin(), h.custom_bounds.end());
}

std::string samples_answer(const std::vector<std::vector<SeriesData>>& results) {
  std::string plain;
  pbf_writer response(plain);
  for (const auto& result : results) {
    if (result.empty()) {  // a writer into which nothing is written takes its field back
      response.add_message(1, protozero::data_view());
      continue;
    }
    pbf_writer query(response, 1);
    for (const auto& one : result) {
      pbf_writer series(query, 1);
      write_labels(series, one.labels);
      for (const auto& sample : one.samples) {
        pbf_writer out(series, 2);
        out.add_double(1, sample.value);
        out.add_int64(2, sample.time_ms);
      }
      for (const auto& sample : one.histograms) write_histogram(series, sample);
    }
  }
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  return packed;
}

/// One frame: varint length, CRC32C (big endian), message.
void append_frame(std::string& out, const std::string& message) {
  store::put_varint(out, message.size());
  const auto sum = store::crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(sum >> shift);
  out += message;
}

/// As Prometheus' `Chunk.Encoding` has them.
enum class ChunkEncoding { kXor = 1, kFloatHistogram = 3 };

struct WireChunk {
  std::int64_t first_ms = 0, last_ms = 0;
  ChunkEncoding encoding = ChunkEncoding::kXor;
  std::string data;
};

/// Cuts a series into chunks, one after the other in order of time: those of floats end where a
/// histogram comes, and the other way round.
class ChunkCutter {
 public:
  explicit ChunkCutter(const SeriesData& series)
      : floats_(series.samples), histograms_(series.histograms) {}

  bool at_end() const { return floats_.empty() && histograms_.empty(); }

  WireChunk next() {
    const bool is_float =
        histograms_.empty() ||
        (!floats_.empty() && floats_.front().time_ms < histograms_.front().time_ms);
    if (is_float) {
      const auto part = take(floats_, length_before(floats_, histograms_));
      return {part.front().time_ms, part.back().time_ms, ChunkEncoding::kXor, xor_chunk(part)};
    }
    const auto length = histogram_chunk_length(histograms_, length_before(histograms_, floats_));
    const auto part = take(histograms_, length);
    return {part.front().time_ms, part.back().time_ms, ChunkEncoding::kFloatHistogram,
            histogram_chunk(part)};
  }

 private:
  template <typename TimedSample, typename Other>
  static std::size_t length_before(std::span<const TimedSample> samples,
                                   std::span<const Other> others) {
    const auto limit = std::min(samples.size(), kSamplesPerChunk);
    std::size_t length = 1;
    while (length < limit && (others.empty() || samples[length].time_ms < others.front().time_ms))
      ++length;
    return length;
  }
  template <typename TimedSample>
  static std::span<const TimedSample> take(std::span<const TimedSample>& from, std::size_t count) {
    const auto part = from.first(count);
    from = from.subspan(count);
    return part;
  }

  std::span<const Sample> floats_;
  std::span<const HistogramSample> histograms_;
};

/// The chunks of one series, in as many frames as they need.
void append_series_frames(std::string& out, const SeriesData& series, std::size_t query_index) {
  for (ChunkCutter cutter(series); !cutter.at_end();) {
    std::string message;
    {
      pbf_writer frame(message);
      {
        pbf_writer chunked(frame, 1);
        write_labels(chunked, series.labels);
        for (std::size_t bytes = 0; !cutter.at_end() && bytes < kFrameBytes;) {
          const auto cut = cutter.next();
          bytes += cut.data.size() + 32;
          pbf_writer chunk(chunked, 2);
          chunk.add_int64(1, cut.first_ms);
          chunk.add_int64(2, cut.last_ms);
          chunk.add_enum(3, static_cast<std::int32_t>(cut.encoding));
          chunk.add_bytes(4, cut.data);
        }
      }
      frame.add_int64(2, static_cast<std::int64_t>(query_index));
    }
    append_frame(out, message);
  }
}

/// As select() counts them against a limit.
std::size_t weight_of(const std::vector<SeriesData>& found) {
  std::size_t weight = 0;
  for (const auto& series : found)
    weight += series.samples.size() + telemetry::weight_of(series.histograms);
  return weight;
}

http::Response refused(const Error& error) {
  const bool too_much = error.code == ErrorCode::kTooLarge || error.code == ErrorCode::kInvalid;
  return http::text_response(to_string(error) + "\n",
                             too_much ? 400 : http::http_status_of(error.code));
}

}  // namespace

http::Response answer_remote_read(const http::Request& request, const MetricReader& reader,
                                  ReadLimits limits) {
  const auto plain = unpack_snappy(request.body, kMaxPlainBytes);
  if (!plain) return refused(plain.error());
  const auto read = read_request(*plain);
  if (!read) return refused(read.error());
  std::vector<std::vector<SeriesData>> results;
  const auto max_samples = limits.max_samples;
  for (const auto& query : read->queries) {  // what one has read, the next may not
    if (limits.max_samples == 0)             // to the reader that would be no limit at all
      return refused({ErrorCode::kTooLarge,
                      fmt::format("the request needs more than {} samples", max_samples),
                      {}});
    if (limits.cancelled && limits.cancelled())
      return refused({ErrorCode::kCancelled, "the read was given up", {}});
    auto found = reader.select(query.matchers, query.range, limits);
    if (!found) return refused(found.error());
    limits.max_samples -= std::min(limits.max_samples, weight_of(*found));
    results.push_back(std::move(*found));
  }
  // What the client takes first.
  const auto type = read->accepted.empty() ? ResponseType::kSamples : read->accepted.front();
  http::Response response;
  if (type == ResponseType::kSamples) {
    response.headers.push_back({"Content-Type", "application/x-protobuf"});
    response.headers.push_back({"Content-Encoding", "snappy"});
    response.body = samples_answer(results);
    return response;
  }
  response.headers.push_back(
      {"Content-Type", "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"});
  for (std::size_t i = 0; i < results.size(); ++i)
    for (const auto& series : results[i]) append_series_frames(response.body, series, i);
  return response;
}

std::vector<http::Route> remote_read_routes(const MetricReader& reader, RunningQueries& running) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/read";
  route.role = http::Role::kViewer;
  route.operation_id = "remoteRead";
  route.max_body_bytes = kMaxBodyBytes;
  route.watches_peer = true;
  route.handler = [&reader, &running](const http::Request& request, http::Reply reply) {
    answer_in_turn(
        running, request, std::move(reply), [&reader, request](const promql::QueryLimits& limits) {
          return answer_remote_read(
              request, reader,
              {.max_samples = kMostRemoteReadSamples, .cancelled = read_limits(limits).cancelled});
        });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::telemetry
