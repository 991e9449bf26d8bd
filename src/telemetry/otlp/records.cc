#include "telemetry/otlp/records.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/bytes.h"
#include "core/json.h"

namespace wellrun::telemetry::otlp {
namespace {

using protozero::pbf_reader;

constexpr std::size_t kTraceIdBytes = 16, kSpanIdBytes = 8;
constexpr int kMaxSeverity = 24;
constexpr std::int64_t kNanosPerMilli = 1'000'000;

/// Hexadecimal; empty when the id is absent, of another length, or all zero: the protocol calls
/// these invalid.
std::string id_text(protozero::data_view id, std::size_t bytes) {
  const std::string_view text(id.data(), id.size());
  if (text.size() != bytes || text.find_first_not_of('\0') == std::string_view::npos) return {};
  return to_hex(text);
}

std::size_t size_of(const std::vector<Label>& attributes) {
  std::size_t bytes = 0;
  for (const auto& attribute : attributes)
    bytes += sizeof(Label) + attribute.name.size() + attribute.value.size();
  return bytes;
}

Status add_named_attribute(pbf_reader reader, const DecodeLimits& limits,
                           std::vector<Label>& attributes) {
  TRY_STATUS(add_attribute(reader, limits, attributes));
  if (!attributes.empty() && attributes.back().name.empty()) attributes.pop_back();
  return {};
}

struct Source {
  std::string service, problem;
  std::vector<Label> attributes;  ///< resource's with their prefix, then scope's
};

Status read_resource(pbf_reader reader, Source& source, const DecodeLimits& limits) {
  while (reader.next(1, kBytes)) {
    const auto before = source.attributes.size();
    TRY_STATUS(add_named_attribute(reader.get_message(), limits, source.attributes));
    if (source.attributes.size() == before) continue;
    auto& attribute = source.attributes.back();
    if (attribute.name == "service.name") source.service = attribute.value;
    attribute.name.insert(0, "resource.");
  }
  source.problem = over_limit(source.attributes, limits);
  return {};
}

Status read_scope(pbf_reader reader, Source& source) {
  while (reader.next()) {
    if (reader.tag_and_type() != bytes_field(1) && reader.tag_and_type() != bytes_field(2)) {
      reader.skip();
      continue;
    }
    const char* const name = reader.tag() == 1 ? "otel.scope.name" : "otel.scope.version";
    TRY(auto value, read_text(reader.get_view()));
    const auto same = std::ranges::find(source.attributes, name, &Label::name);
    if (same != source.attributes.end())
      same->value = std::move(value);
    else
      source.attributes.push_back({name, std::move(value)});
  }
  return {};
}

/// Walks request → resource → scope → record; `Traits::read` fills one record, its error rejects
/// it.
template <typename Record, typename Read>
class Walker {
 public:
  Walker(const DecodeLimits& limits, Read read)
      : limits_(limits), read_(std::move(read)), budget_(limits.max_expanded_bytes) {}

  Result<RecordBatch<Record>> walk(std::string_view protobuf) {
    for (pbf_reader request(protobuf.data(), protobuf.size()); request.next();) {
      if (request.tag_and_type() == bytes_field(1))
        TRY_STATUS(walk_resource(request.get_view()));
      else
        request.skip();
    }
    return std::move(out_);
  }

 private:
  Status walk_resource(protozero::data_view bytes) {
    Source source;
    for (pbf_reader reader(bytes); reader.next(1, kBytes);)
      TRY_STATUS(read_resource(reader.get_message(), source, limits_));
    for (pbf_reader reader(bytes); reader.next(2, kBytes);)
      TRY_STATUS(walk_scope(source, reader.get_view()));
    return {};
  }

  Status walk_scope(Source source, protozero::data_view bytes) {
    for (pbf_reader reader(bytes); reader.next(1, kBytes);)
      TRY_STATUS(read_scope(reader.get_message(), source));
    for (pbf_reader reader(bytes); reader.next(2, kBytes);)
      TRY_STATUS(take(source, reader.get_message()));
    return {};
  }

  Status take(const Source& source, pbf_reader reader) {
    Record record;
    std::vector<Label> attributes;
    std::string problem = source.problem;
    TRY_STATUS(read_(reader, record, attributes, problem));
    if (problem.empty()) problem = over_limit(attributes, limits_);
    if (!problem.empty()) {
      ++out_.rejected_count;
      if (out_.first_rejection.empty()) out_.first_rejection = problem;
      return {};
    }
    TRY_STATUS(budget_.take(sizeof(Record) + size_of(attributes) + size_of(source.attributes)));
    attributes.insert(attributes.end(), source.attributes.begin(), source.attributes.end());
    record.attributes = Labels(std::move(attributes));
    record.service = source.service;
    out_.records.push_back(std::move(record));
    return {};
  }

  const DecodeLimits& limits_;
  Read read_;
  ExpansionBudget budget_;
  RecordBatch<Record> out_;
};

Status read_log(pbf_reader& reader, LogRecord& out, std::vector<Label>& attributes,
                std::string& problem, Timestamp now, const DecodeLimits& limits) {
  std::uint64_t time_ns = 0, observed_ns = 0;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case fixed64_field(1):
        time_ns = reader.get_fixed64();
        break;
      case varint_field(2):
        out.severity = std::clamp(reader.get_enum(), 0, kMaxSeverity);
        break;
      case bytes_field(3): {
        TRY(out.severity_text, read_text(reader.get_view()));
        break;
      }
      case bytes_field(5): {
        TRY(out.body, read_value(reader.get_message(), limits.max_depth));
        break;
      }
      case bytes_field(6):
        TRY_STATUS(add_named_attribute(reader.get_message(), limits, attributes));
        break;
      case bytes_field(9):
        out.trace_id = id_text(reader.get_view(), kTraceIdBytes);
        break;
      case bytes_field(10):
        out.span_id = id_text(reader.get_view(), kSpanIdBytes);
        break;
      case fixed64_field(11):
        observed_ns = reader.get_fixed64();
        break;
      case bytes_field(12): {
        TRY(auto name, read_text(reader.get_view()));
        if (attributes.size() <= limits.max_attributes)
          attributes.push_back({"event.name", std::move(name)});
        break;
      }
      default:
        reader.skip();
    }
  }
  const auto known_ns = static_cast<std::int64_t>(time_ns != 0 ? time_ns : observed_ns);
  out.time = known_ns == 0 ? now : from_unix_ms(known_ns / kNanosPerMilli);
  if (known_ns < 0) problem = "a log record's time is beyond the year 2262";
  if (out.body.size() > limits.max_body_bytes || out.severity_text.size() > limits.max_key_bytes)
    problem = fmt::format("a log record's body of {} bytes, {} are allowed", out.body.size(),
                          limits.max_body_bytes);
  return {};
}

Json as_json(const std::vector<Label>& attributes) {
  Json out = Json::object();
  for (const auto& attribute : attributes) out[attribute.name] = attribute.value;
  return out;
}

Result<Json> read_event(pbf_reader reader, const DecodeLimits& limits) {
  Json out = {{"name", ""}, {"time_ns", "0"}};
  std::vector<Label> attributes;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case fixed64_field(1):
        out["time_ns"] = std::to_string(reader.get_fixed64());
        break;
      case bytes_field(2): {
        TRY(out["name"], read_text(reader.get_view()));
        break;
      }
      case bytes_field(3):
        TRY_STATUS(add_named_attribute(reader.get_message(), limits, attributes));
        break;
      default:
        reader.skip();
    }
  }
  out["attributes"] = as_json(attributes);
  return out;
}

Result<Json> read_link(pbf_reader reader, const DecodeLimits& limits) {
  Json out = {{"trace_id", ""}, {"span_id", ""}};
  std::vector<Label> attributes;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case bytes_field(1):
        out["trace_id"] = id_text(reader.get_view(), kTraceIdBytes);
        break;
      case bytes_field(2):
        out["span_id"] = id_text(reader.get_view(), kSpanIdBytes);
        break;
      case bytes_field(4):
        TRY_STATUS(add_named_attribute(reader.get_message(), limits, attributes));
        break;
      default:
        reader.skip();
    }
  }
  out["attributes"] = as_json(attributes);
  return out;
}

/// A JSON array that stops growing at `max_bytes`.
class JsonArray {
 public:
  explicit JsonArray(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  void add(const Json& item) {
    auto text = to_text(item);
    if (text_.size() + text.size() + 2 > max_bytes_) return;
    text_ += text_.empty() ? '[' : ',';
    text_ += text;
  }
  void store(const char* name, std::vector<Label>& attributes) const {
    if (!text_.empty()) attributes.push_back({name, text_ + ']'});
  }

 private:
  const std::size_t max_bytes_;
  std::string text_;
};

Status read_span_status(pbf_reader reader, SpanRecord& out) {
  constexpr std::array kStatuses = {"unset", "ok", "error"};
  while (reader.next()) {
    if (reader.tag_and_type() == bytes_field(2)) {
      TRY(out.status_message, read_text(reader.get_view()));
    } else if (reader.tag_and_type() == varint_field(3)) {
      const auto code = reader.get_enum();
      if (code >= 0 && code < static_cast<int>(kStatuses.size()))
        out.status = kStatuses[static_cast<std::size_t>(code)];
    } else {
      reader.skip();
    }
  }
  return {};
}

std::string problem_of(const SpanRecord& span, const DecodeLimits& limits) {
  if (span.trace_id.empty()) return "a span without a valid trace id";
  if (span.span_id.empty()) return "a span without a valid span id";
  if (span.start_ns <= 0 || span.end_ns < span.start_ns)
    return "a span that ends before it starts, or without a time";
  if (span.name.size() > limits.max_value_bytes ||
      span.status_message.size() > limits.max_value_bytes)
    return "a span's name or status message is too long";
  return {};
}

Status read_span(pbf_reader& reader, SpanRecord& out, std::vector<Label>& attributes,
                 std::string& problem, const DecodeLimits& limits) {
  constexpr std::array kKinds = {"internal", "internal", "server",
                                 "client",   "producer", "consumer"};
  out.kind = kKinds[0];
  out.status = "unset";
  JsonArray events(limits.max_value_bytes), links(limits.max_value_bytes);
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case bytes_field(1):
        out.trace_id = id_text(reader.get_view(), kTraceIdBytes);
        break;
      case bytes_field(2):
        out.span_id = id_text(reader.get_view(), kSpanIdBytes);
        break;
      case bytes_field(4):
        out.parent_span_id = id_text(reader.get_view(), kSpanIdBytes);
        break;
      case bytes_field(5): {
        TRY(out.name, read_text(reader.get_view()));
        break;
      }
      case varint_field(6): {
        const auto kind = reader.get_enum();
        if (kind >= 0 && kind < static_cast<int>(kKinds.size()))
          out.kind = kKinds[static_cast<std::size_t>(kind)];
        break;
      }
      case fixed64_field(7):
        out.start_ns = static_cast<std::int64_t>(reader.get_fixed64());
        break;
      case fixed64_field(8):
        out.end_ns = static_cast<std::int64_t>(reader.get_fixed64());
        break;
      case bytes_field(9):
        TRY_STATUS(add_named_attribute(reader.get_message(), limits, attributes));
        break;
      case bytes_field(11): {
        TRY(const auto event, read_event(reader.get_message(), limits));
        events.add(event);
        break;
      }
      case bytes_field(13): {
        TRY(const auto link, read_link(reader.get_message(), limits));
        links.add(link);
        break;
      }
      case bytes_field(15):
        TRY_STATUS(read_span_status(reader.get_message(), out));
        break;
      default:
        reader.skip();
    }
  }
  events.store("span.events", attributes);
  links.store("span.links", attributes);
  if (auto found = problem_of(out, limits); !found.empty()) problem = std::move(found);
  return {};
}

}  // namespace

Result<RecordBatch<LogRecord>> decode_logs(std::string_view protobuf, Timestamp now,
                                           const DecodeLimits& limits) {
  return decoding("ExportLogsServiceRequest", [&] {
    const auto read = [&](pbf_reader& reader, LogRecord& out, std::vector<Label>& attributes,
                          std::string& problem) {
      return read_log(reader, out, attributes, problem, now, limits);
    };
    return Walker<LogRecord, decltype(read)>(limits, read).walk(protobuf);
  });
}

Result<RecordBatch<SpanRecord>> decode_spans(std::string_view protobuf, Timestamp,
                                             const DecodeLimits& limits) {
  return decoding("ExportTraceServiceRequest", [&] {
    const auto read = [&](pbf_reader& reader, SpanRecord& out, std::vector<Label>& attributes,
                          std::string& problem) {
      return read_span(reader, out, attributes, problem, limits);
    };
    return Walker<SpanRecord, decltype(read)>(limits, read).walk(protobuf);
  });
}

}  // namespace wellrun::telemetry::otlp
