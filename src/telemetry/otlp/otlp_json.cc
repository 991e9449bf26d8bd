#include "telemetry/otlp/otlp_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <protozero/pbf_writer.hpp>
#include <simdjson.h>
#include <span>
#include <vector>

#include "core/bytes.h"

namespace wellrun::telemetry::otlp {
namespace {

namespace dom = simdjson::dom;

enum class Type {
  kText,
  kBool,
  kInt64,
  kUint64,
  kUint32,
  kSint32,
  kSfixed64,
  kFixed64,
  kFixed32,
  kDouble,
  kBytes,
  kHexId,
  kMessage
};

struct Message;
struct Field {
  std::string_view name;
  protozero::pbf_tag_type tag;
  Type type;
  const Message* message = nullptr;
  bool repeated = false;
};
struct Message {
  std::span<const Field> fields;
};

// Source: opentelemetry-proto 1.x, common.proto, resource.proto, metrics.proto, logs.proto,
// trace.proto.
extern const Message kAnyValue, kKeyValue;
constexpr bool kRepeated = true;

constexpr Field kArrayFields[] = {{"values", 1, Type::kMessage, &kAnyValue, kRepeated}};
const Message kArray{kArrayFields};
constexpr Field kKeyValueListFields[] = {{"values", 1, Type::kMessage, &kKeyValue, kRepeated}};
const Message kKeyValueList{kKeyValueListFields};
constexpr Field kAnyValueFields[] = {{"stringValue", 1, Type::kText},
                                     {"boolValue", 2, Type::kBool},
                                     {"intValue", 3, Type::kInt64},
                                     {"doubleValue", 4, Type::kDouble},
                                     {"arrayValue", 5, Type::kMessage, &kArray},
                                     {"kvlistValue", 6, Type::kMessage, &kKeyValueList},
                                     {"bytesValue", 7, Type::kBytes}};
const Message kAnyValue{kAnyValueFields};
constexpr Field kKeyValueFields[] = {{"key", 1, Type::kText},
                                     {"value", 2, Type::kMessage, &kAnyValue}};
const Message kKeyValue{kKeyValueFields};
constexpr Field kResourceFields[] = {{"attributes", 1, Type::kMessage, &kKeyValue, kRepeated}};
const Message kResource{kResourceFields};
constexpr Field kScopeFields[] = {{"name", 1, Type::kText},
                                  {"version", 2, Type::kText},
                                  {"attributes", 3, Type::kMessage, &kKeyValue, kRepeated}};
const Message kScope{kScopeFields};

constexpr Field kExemplarFields[] = {
    {"timeUnixNano", 2, Type::kFixed64},
    {"asDouble", 3, Type::kDouble},
    {"spanId", 4, Type::kHexId},
    {"traceId", 5, Type::kHexId},
    {"asInt", 6, Type::kSfixed64},
    {"filteredAttributes", 7, Type::kMessage, &kKeyValue, kRepeated}};
const Message kExemplar{kExemplarFields};
constexpr Field kNumberPointFields[] = {{"startTimeUnixNano", 2, Type::kFixed64},
                                        {"timeUnixNano", 3, Type::kFixed64},
                                        {"asDouble", 4, Type::kDouble},
                                        {"exemplars", 5, Type::kMessage, &kExemplar, kRepeated},
                                        {"asInt", 6, Type::kSfixed64},
                                        {"attributes", 7, Type::kMessage, &kKeyValue, kRepeated},
                                        {"flags", 8, Type::kUint32}};
const Message kNumberPoint{kNumberPointFields};
constexpr Field kHistogramPointFields[] = {{"startTimeUnixNano", 2, Type::kFixed64},
                                           {"timeUnixNano", 3, Type::kFixed64},
                                           {"count", 4, Type::kFixed64},
                                           {"sum", 5, Type::kDouble},
                                           {"bucketCounts", 6, Type::kFixed64, nullptr, kRepeated},
                                           {"explicitBounds", 7, Type::kDouble, nullptr, kRepeated},
                                           {"exemplars", 8, Type::kMessage, &kExemplar, kRepeated},
                                           {"attributes", 9, Type::kMessage, &kKeyValue, kRepeated},
                                           {"flags", 10, Type::kUint32},
                                           {"min", 11, Type::kDouble},
                                           {"max", 12, Type::kDouble}};
const Message kHistogramPoint{kHistogramPointFields};
constexpr Field kBucketsFields[] = {{"offset", 1, Type::kSint32},
                                    {"bucketCounts", 2, Type::kUint64, nullptr, kRepeated}};
const Message kBuckets{kBucketsFields};
constexpr Field kExponentialPointFields[] = {
    {"attributes", 1, Type::kMessage, &kKeyValue, kRepeated},
    {"startTimeUnixNano", 2, Type::kFixed64},
    {"timeUnixNano", 3, Type::kFixed64},
    {"count", 4, Type::kFixed64},
    {"sum", 5, Type::kDouble},
    {"scale", 6, Type::kSint32},
    {"zeroCount", 7, Type::kFixed64},
    {"positive", 8, Type::kMessage, &kBuckets},
    {"negative", 9, Type::kMessage, &kBuckets},
    {"flags", 10, Type::kUint32},
    {"exemplars", 11, Type::kMessage, &kExemplar, kRepeated},
    {"zeroThreshold", 14, Type::kDouble}};
const Message kExponentialPoint{kExponentialPointFields};
constexpr Field kQuantileFields[] = {{"quantile", 1, Type::kDouble}, {"value", 2, Type::kDouble}};
const Message kQuantile{kQuantileFields};
constexpr Field kSummaryPointFields[] = {
    {"startTimeUnixNano", 2, Type::kFixed64},
    {"timeUnixNano", 3, Type::kFixed64},
    {"count", 4, Type::kFixed64},
    {"sum", 5, Type::kDouble},
    {"quantileValues", 6, Type::kMessage, &kQuantile, kRepeated},
    {"attributes", 7, Type::kMessage, &kKeyValue, kRepeated},
    {"flags", 8, Type::kUint32}};
const Message kSummaryPoint{kSummaryPointFields};
constexpr Field kGaugeFields[] = {{"dataPoints", 1, Type::kMessage, &kNumberPoint, kRepeated}};
const Message kGauge{kGaugeFields};
constexpr Field kSumFields[] = {{"dataPoints", 1, Type::kMessage, &kNumberPoint, kRepeated},
                                {"aggregationTemporality", 2, Type::kInt64},
                                {"isMonotonic", 3, Type::kBool}};
const Message kSum{kSumFields};
constexpr Field kHistogramFields[] = {
    {"dataPoints", 1, Type::kMessage, &kHistogramPoint, kRepeated},
    {"aggregationTemporality", 2, Type::kInt64}};
const Message kHistogram{kHistogramFields};
constexpr Field kExponentialFields[] = {
    {"dataPoints", 1, Type::kMessage, &kExponentialPoint, kRepeated},
    {"aggregationTemporality", 2, Type::kInt64}};
const Message kExponential{kExponentialFields};
constexpr Field kSummaryFields[] = {{"dataPoints", 1, Type::kMessage, &kSummaryPoint, kRepeated}};
const Message kSummary{kSummaryFields};
constexpr Field kMetricFields[] = {{"name", 1, Type::kText},
                                   {"description", 2, Type::kText},
                                   {"unit", 3, Type::kText},
                                   {"gauge", 5, Type::kMessage, &kGauge},
                                   {"sum", 7, Type::kMessage, &kSum},
                                   {"histogram", 9, Type::kMessage, &kHistogram},
                                   {"exponentialHistogram", 10, Type::kMessage, &kExponential},
                                   {"summary", 11, Type::kMessage, &kSummary}};
const Message kMetric{kMetricFields};
constexpr Field kScopeMetricsFields[] = {{"scope", 1, Type::kMessage, &kScope},
                                         {"metrics", 2, Type::kMessage, &kMetric, kRepeated},
                                         {"schemaUrl", 3, Type::kText}};
const Message kScopeMetrics{kScopeMetricsFields};
constexpr Field kResourceMetricsFields[] = {
    {"resource", 1, Type::kMessage, &kResource},
    {"scopeMetrics", 2, Type::kMessage, &kScopeMetrics, kRepeated}};
const Message kResourceMetrics{kResourceMetricsFields};
constexpr Field kMetricsFields[] = {
    {"resourceMetrics", 1, Type::kMessage, &kResourceMetrics, kRepeated}};
const Message kMetrics{kMetricsFields};

constexpr Field kLogRecordFields[] = {{"timeUnixNano", 1, Type::kFixed64},
                                      {"severityNumber", 2, Type::kInt64},
                                      {"severityText", 3, Type::kText},
                                      {"body", 5, Type::kMessage, &kAnyValue},
                                      {"attributes", 6, Type::kMessage, &kKeyValue, kRepeated},
                                      {"flags", 8, Type::kFixed32},
                                      {"traceId", 9, Type::kHexId},
                                      {"spanId", 10, Type::kHexId},
                                      {"observedTimeUnixNano", 11, Type::kFixed64},
                                      {"eventName", 12, Type::kText}};
const Message kLogRecord{kLogRecordFields};
constexpr Field kScopeLogsFields[] = {{"scope", 1, Type::kMessage, &kScope},
                                      {"logRecords", 2, Type::kMessage, &kLogRecord, kRepeated}};
const Message kScopeLogs{kScopeLogsFields};
constexpr Field kResourceLogsFields[] = {{"resource", 1, Type::kMessage, &kResource},
                                         {"scopeLogs", 2, Type::kMessage, &kScopeLogs, kRepeated}};
const Message kResourceLogs{kResourceLogsFields};
constexpr Field kLogsFields[] = {{"resourceLogs", 1, Type::kMessage, &kResourceLogs, kRepeated}};
const Message kLogs{kLogsFields};

constexpr Field kEventFields[] = {{"timeUnixNano", 1, Type::kFixed64},
                                  {"name", 2, Type::kText},
                                  {"attributes", 3, Type::kMessage, &kKeyValue, kRepeated}};
const Message kEvent{kEventFields};
constexpr Field kLinkFields[] = {{"traceId", 1, Type::kHexId},
                                 {"spanId", 2, Type::kHexId},
                                 {"attributes", 4, Type::kMessage, &kKeyValue, kRepeated}};
const Message kLink{kLinkFields};
constexpr Field kStatusFields[] = {{"message", 2, Type::kText}, {"code", 3, Type::kInt64}};
const Message kStatus{kStatusFields};
constexpr Field kSpanFields[] = {{"traceId", 1, Type::kHexId},
                                 {"spanId", 2, Type::kHexId},
                                 {"traceState", 3, Type::kText},
                                 {"parentSpanId", 4, Type::kHexId},
                                 {"name", 5, Type::kText},
                                 {"kind", 6, Type::kInt64},
                                 {"startTimeUnixNano", 7, Type::kFixed64},
                                 {"endTimeUnixNano", 8, Type::kFixed64},
                                 {"attributes", 9, Type::kMessage, &kKeyValue, kRepeated},
                                 {"events", 11, Type::kMessage, &kEvent, kRepeated},
                                 {"links", 13, Type::kMessage, &kLink, kRepeated},
                                 {"status", 15, Type::kMessage, &kStatus}};
const Message kSpan{kSpanFields};
constexpr Field kScopeSpansFields[] = {{"scope", 1, Type::kMessage, &kScope},
                                       {"spans", 2, Type::kMessage, &kSpan, kRepeated}};
const Message kScopeSpans{kScopeSpansFields};
constexpr Field kResourceSpansFields[] = {
    {"resource", 1, Type::kMessage, &kResource},
    {"scopeSpans", 2, Type::kMessage, &kScopeSpans, kRepeated}};
const Message kResourceSpans{kResourceSpansFields};
constexpr Field kTracesFields[] = {
    {"resourceSpans", 1, Type::kMessage, &kResourceSpans, kRepeated}};
const Message kTraces{kTracesFields};

std::unexpected<Error> mismatch(const Field& field, const char* wanted) {
  return fail(ErrorCode::kInvalid, fmt::format("field {} must be {}", field.name, wanted));
}

template <typename Integer>
Result<Integer> read_integer(const Field& field, dom::element value) {
  const auto fits = [](auto number) { return std::in_range<Integer>(number); };
  if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS && fits(number))
    return static_cast<Integer>(number);
  if (std::uint64_t number = 0; value.get(number) == simdjson::SUCCESS && fits(number))
    return static_cast<Integer>(number);
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    Integer number{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc{} && end == text.data() + text.size()) return number;
  }
  return mismatch(field, "an integer in the field's range");
}

Result<double> read_double(const Field& field, dom::element value) {
  double number = 0;
  if (value.is_number() && value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && problem == std::errc{} && end == text.data() + text.size()) return number;
  }
  return mismatch(field, "a number");
}

Result<std::string_view> read_string(const Field& field, dom::element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return mismatch(field, "a string");
  return text;
}

Status write_message(protozero::pbf_writer& out, const Message& message, dom::element value);

Status write_one(protozero::pbf_writer& out, const Field& field, dom::element value) {
  switch (field.type) {
    case Type::kText: {
      TRY(const auto text, read_string(field, value));
      out.add_string(field.tag, text.data(), text.size());
      return {};
    }
    case Type::kBool: {
      bool flag = false;
      if (value.get(flag) != simdjson::SUCCESS) return mismatch(field, "true or false");
      out.add_bool(field.tag, flag);
      return {};
    }
    case Type::kInt64: {
      TRY(const auto number, read_integer<std::int64_t>(field, value));
      out.add_int64(field.tag, number);
      return {};
    }
    case Type::kUint64: {
      TRY(const auto number, read_integer<std::uint64_t>(field, value));
      out.add_uint64(field.tag, number);
      return {};
    }
    case Type::kUint32: {
      TRY(const auto number, read_integer<std::uint32_t>(field, value));
      out.add_uint32(field.tag, number);
      return {};
    }
    case Type::kSint32: {
      TRY(const auto number, read_integer<std::int32_t>(field, value));
      out.add_sint32(field.tag, number);
      return {};
    }
    case Type::kSfixed64: {
      TRY(const auto number, read_integer<std::int64_t>(field, value));
      out.add_sfixed64(field.tag, number);
      return {};
    }
    case Type::kFixed64: {
      TRY(const auto number, read_integer<std::uint64_t>(field, value));
      out.add_fixed64(field.tag, number);
      return {};
    }
    case Type::kFixed32: {
      TRY(const auto number, read_integer<std::uint32_t>(field, value));
      out.add_fixed32(field.tag, number);
      return {};
    }
    case Type::kDouble: {
      TRY(const auto number, read_double(field, value));
      out.add_double(field.tag, number);
      return {};
    }
    case Type::kBytes: {
      TRY(const auto text, read_string(field, value));
      const auto bytes = from_base64(text);
      if (!bytes) return mismatch(field, "bytes in base64");
      out.add_bytes(field.tag, *bytes);
      return {};
    }
    case Type::kHexId: {
      TRY(const auto text, read_string(field, value));
      const auto bytes = from_hex(text);
      if (!bytes) return mismatch(field, "an id in hexadecimal");
      out.add_bytes(field.tag, *bytes);
      return {};
    }
    case Type::kMessage: {
      protozero::pbf_writer inner(out, field.tag);
      return write_message(inner, *field.message, value);
    }
  }
  return {};
}

/// The decoders take packed and single numbers alike, as protobuf asks of them.
Status write_field(protozero::pbf_writer& out, const Field& field, dom::element value) {
  if (value.is_null()) return {};
  if (!field.repeated) return write_one(out, field, value);
  dom::array items;
  if (value.get(items) != simdjson::SUCCESS) return mismatch(field, "an array");
  for (dom::element item : items) TRY_STATUS(write_one(out, field, item));
  return {};
}

Status write_message(protozero::pbf_writer& out, const Message& message, dom::element value) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid, "an object was expected");
  for (auto [key, member] : object) {
    const auto field = std::ranges::find(message.fields, key, &Field::name);
    if (field == message.fields.end()) continue;
    if (auto status = write_field(out, *field, member); !status) {
      auto error = std::move(status).error();
      error.context =
          error.context.empty() ? std::string(key) : fmt::format("{}.{}", key, error.context);
      return std::unexpected(std::move(error));
    }
  }
  return {};
}

const Message& request_of(Signal signal) {
  switch (signal) {
    case Signal::kMetrics:
      return kMetrics;
    case Signal::kLogs:
      return kLogs;
    case Signal::kTraces:
      break;
  }
  return kTraces;
}

constexpr std::size_t kMaxDepth = 64;

}  // namespace

const char* name_of(Signal signal) {
  switch (signal) {
    case Signal::kMetrics:
      return "metrics";
    case Signal::kLogs:
      return "logs";
    case Signal::kTraces:
      break;
  }
  return "traces";
}

Result<std::string> json_to_protobuf(Signal signal, std::string_view json) {
  dom::parser parser;
  if (parser.allocate(std::max<std::size_t>(json.size(), 64), kMaxDepth) != simdjson::SUCCESS)
    return fail(ErrorCode::kExhausted, "no memory to read the JSON body; send smaller batches");
  dom::element root;
  if (const auto problem = parser.parse(json.data(), json.size()).get(root))
    return fail(
        problem == simdjson::DEPTH_ERROR ? ErrorCode::kTooLarge : ErrorCode::kInvalid,
        fmt::format("the body is not JSON that can be read: {}", simdjson::error_message(problem)));
  std::string out;
  protozero::pbf_writer writer(out);
  TRY_STATUS(write_message(writer, request_of(signal), root));
  return out;
}

}  // namespace wellrun::telemetry::otlp
