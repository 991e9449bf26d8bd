#include "telemetry/otlp/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

#include "core/bytes.h"
#include "telemetry/otlp/exponential.h"
#include "telemetry/otlp/naming.h"
#include "telemetry/otlp/series_batch.h"

namespace wellrun::telemetry::otlp {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr std::int64_t kTargetInfoIntervalMs = 150'000;  // half of PromQL's default lookback
constexpr int kMaxTargetInfoSamples = 100;
constexpr std::uint32_t kNoRecordedValue = 1;
constexpr std::size_t kMaxExemplarCharacters = 128;

enum class Temporality { kUnspecified = 0, kDelta = 1, kCumulative = 2 };
enum class Shape { kNone, kGauge, kSum, kHistogram, kExponential, kSummary };

struct MetricHead {
  std::string name, unit, help, family;
  Shape shape = Shape::kNone;
  Temporality temporality = Temporality::kUnspecified;
  bool monotonic = false;
  protozero::data_view data;
};

struct Point {
  std::vector<Label> attributes;
  std::int64_t start_ns = 0, time_ns = 0;
  std::uint32_t flags = 0;
  std::uint64_t count = 0;
  std::optional<double> sum, value;
  std::vector<std::uint64_t> counts;
  std::vector<double> bounds;
  std::vector<std::pair<double, double>> quantiles;
  ExponentialPoint exponential;
  std::vector<Exemplar> exemplars;

  std::int64_t time_ms() const { return time_ns / kNanosPerMilli; }
  /// 0: not said, or after the point itself, which no counter can have begun.
  std::int64_t start_ms() const {
    return start_ns <= 0 || start_ns > time_ns ? 0 : start_ns / kNanosPerMilli;
  }
  bool is_stale() const { return (flags & kNoRecordedValue) != 0; }
};

double stale() {
  return std::bit_cast<double>(kStaleNanBits);
}

std::string bound_text(double bound) {
  if (std::isinf(bound)) return bound > 0 ? "+Inf" : "-Inf";
  if (std::isnan(bound)) return "NaN";
  const auto text = fmt::format("{}", bound);
  const auto exponent_at = text.find('e');
  if (exponent_at == std::string::npos)
    return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
  // Prometheus writes the shortest digits without an exponent: FormatFloat(bound, 'f', -1, 64).
  const std::string sign = bound < 0 ? "-" : "";
  std::string digits;
  std::ranges::copy_if(text.substr(0, exponent_at), std::back_inserter(digits),
                       [](char c) { return c >= '0' && c <= '9'; });
  const int point = std::stoi(text.substr(exponent_at + 1)) + 1;  // so many digits stand before it
  if (point <= 0) return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  digits.resize(std::max(digits.size(), static_cast<std::size_t>(point)), '0');
  return sign + digits;
}

/// Label pairs with one Prometheus name are joined by ";", ordered by their original keys.
std::map<std::string, std::string> as_labels(std::vector<Label> attributes,
                                             std::string_view prefix = {}) {
  std::ranges::stable_sort(attributes, {}, &Label::name);
  std::map<std::string, std::string> out;
  for (auto& attribute : attributes) {
    auto name = prometheus_label_name(std::string(prefix) + attribute.name);
    if (attribute.name.empty() || attribute.value.empty()) continue;
    auto [found, fresh] = out.try_emplace(std::move(name), attribute.value);
    if (!fresh) found->second += ';' + attribute.value;
  }
  return out;
}

std::size_t size_of(const Labels& labels) {
  std::size_t bytes = sizeof(SeriesWrite) + sizeof(Sample) + sizeof(PointSample);
  for (const auto& label : labels) bytes += sizeof(Label) + label.name.size() + label.value.size();
  return bytes;
}

template <typename Number, typename ReadOne, typename ReadPacked>
void read_numbers(pbf_reader& reader, std::vector<Number>& out, ReadOne one, ReadPacked packed) {
  if (reader.wire_type() == pbf_wire_type::length_delimited) {
    const auto numbers = packed();
    out.insert(out.end(), numbers.begin(), numbers.end());
  } else {
    out.push_back(one());
  }
}

void read_fixed64s(pbf_reader& reader, std::vector<std::uint64_t>& out) {
  read_numbers(
      reader, out, [&] { return reader.get_fixed64(); },
      [&] { return reader.get_packed_fixed64(); });
}

class Decoder {
 public:
  Decoder(DeltaState& deltas, Timestamp now, const DecodeLimits& limits)
      : deltas_(deltas), now_(now), limits_(limits), budget_(limits.max_expanded_bytes) {}

  Result<MetricsBatch> decode(std::string_view protobuf) {
    pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      if (request.tag_and_type() == bytes_field(1))
        TRY_STATUS(read_resource_metrics(request.get_view()));
      else
        request.skip();
    }
    out_.series = std::move(batch_).finish();
    // A point lists its exemplars in any order, and points stand in any order.
    std::ranges::sort(out_.exemplars, comes_before, &PointExemplar::exemplar);
    for (auto& [family, metadata] : metadata_) out_.metadata.push_back(std::move(metadata));
    return std::move(out_);
  }

 private:
  // Fields of a message come in any order: what others depend on is read in a pass of its own.
  Status read_resource_metrics(protozero::data_view bytes) {
    std::vector<Label> attributes;
    for (pbf_reader reader(bytes); reader.next(1, kBytes);)
      for (auto resource = reader.get_message(); resource.next(1, kBytes);)
        TRY_STATUS(add_attribute(resource.get_message(), limits_, attributes));
    enter_resource(std::move(attributes));
    for (pbf_reader reader(bytes); reader.next(2, kBytes);)
      TRY_STATUS(read_scope_metrics(reader.get_view()));
    return write_target_info();
  }

  void enter_resource(std::vector<Label> attributes) {
    resource_problem_ = over_limit(attributes, limits_);
    job_.clear();
    instance_.clear();
    std::string service_namespace;
    std::erase_if(attributes, [&](Label& attribute) {
      std::string* const identity = attribute.name == "service.name"          ? &job_
                                    : attribute.name == "service.namespace"   ? &service_namespace
                                    : attribute.name == "service.instance.id" ? &instance_
                                                                              : nullptr;
      if (identity) *identity = std::move(attribute.value);
      return identity != nullptr;
    });
    if (!job_.empty() && !service_namespace.empty()) job_ = service_namespace + "/" + job_;
    resource_labels_ = as_labels(std::move(attributes));
    first_ms_ = std::numeric_limits<std::int64_t>::max();
    last_ms_ = std::numeric_limits<std::int64_t>::min();
  }

  Status read_scope_metrics(protozero::data_view bytes) {
    scope_labels_.clear();
    std::vector<Label> attributes;
    for (pbf_reader reader(bytes); reader.next(1, kBytes);) {
      auto scope = reader.get_message();
      while (scope.next()) {
        switch (scope.tag_and_type()) {
          case bytes_field(1): {
            TRY(scope_labels_["otel_scope_name"], read_text(scope.get_view()));
            break;
          }
          case bytes_field(2): {
            TRY(scope_labels_["otel_scope_version"], read_text(scope.get_view()));
            break;
          }
          case bytes_field(3):
            TRY_STATUS(add_attribute(scope.get_message(), limits_, attributes));
            break;
          default:
            scope.skip();
        }
      }
    }
    for (pbf_reader reader(bytes); reader.next(3, kBytes);) {
      TRY(scope_labels_["otel_scope_schema_url"], read_text(reader.get_view()));
    }
    scope_problem_ = over_limit(attributes, limits_);
    scope_labels_.merge(as_labels(std::move(attributes), "otel_scope_"));
    for (pbf_reader reader(bytes); reader.next(2, kBytes);)
      TRY_STATUS(read_metric(reader.get_message()));
    return {};
  }

  Status read_metric(pbf_reader reader) {
    MetricHead metric;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case bytes_field(1): {
          TRY(metric.name, read_text(reader.get_view()));
          break;
        }
        case bytes_field(2): {
          TRY(metric.help, read_text(reader.get_view()));
          break;
        }
        case bytes_field(3): {
          TRY(metric.unit, read_text(reader.get_view()));
          break;
        }
        case bytes_field(5):
          enter_data(metric, Shape::kGauge, reader.get_view());
          break;
        case bytes_field(7):
          enter_data(metric, Shape::kSum, reader.get_view());
          break;
        case bytes_field(9):
          enter_data(metric, Shape::kHistogram, reader.get_view());
          break;
        case bytes_field(10):
          enter_data(metric, Shape::kExponential, reader.get_view());
          break;
        case bytes_field(11):
          enter_data(metric, Shape::kSummary, reader.get_view());
          break;
        default:
          reader.skip();
      }
    }
    if (metric.shape == Shape::kNone) return {};
    read_aggregation(metric);
    name_metric(metric);
    for (pbf_reader data(metric.data); data.next(1, kBytes);)
      TRY_STATUS(read_point(metric, data.get_message()));
    return {};
  }

  static void enter_data(MetricHead& metric, Shape shape, protozero::data_view data) {
    metric.shape = shape;
    metric.data = data;
  }

  static void read_aggregation(MetricHead& metric) {
    if (metric.shape == Shape::kGauge || metric.shape == Shape::kSummary) return;
    for (pbf_reader data(metric.data); data.next();) {
      if (data.tag_and_type() == varint_field(2))
        metric.temporality = static_cast<Temporality>(data.get_enum());
      else if (data.tag_and_type() == varint_field(3) && metric.shape == Shape::kSum)
        metric.monotonic = data.get_bool();
      else
        data.skip();
    }
  }

  void name_metric(MetricHead& metric) {
    const bool counter = metric.shape == Shape::kSum && metric.monotonic;
    const bool gauge = metric.shape == Shape::kGauge;
    metric.family = prometheus_metric_name(metric.name, metric.unit,
                                           counter ? NameKind::kCounter
                                           : gauge ? NameKind::kGauge
                                                   : NameKind::kOther);
  }

  Status read_point(const MetricHead& metric, pbf_reader reader) {
    ++out_.point_count;
    Point point;
    switch (metric.shape) {
      case Shape::kGauge:
      case Shape::kSum:
        TRY_STATUS(read_number(reader, point));
        break;
      case Shape::kHistogram:
        TRY_STATUS(read_histogram(reader, point));
        break;
      case Shape::kExponential:
        TRY_STATUS(read_exponential(reader, point));
        break;
      case Shape::kSummary:
        TRY_STATUS(read_summary(reader, point));
        break;
      case Shape::kNone:
        break;
    }
    auto kept = keep(metric, point);
    if (kept) return {};
    if (kept.error().code == ErrorCode::kTooLarge) return kept;
    ++out_.rejected_count;
    if (out_.first_rejection.empty())
      out_.first_rejection =
          fmt::format("metric \"{}\": {}", metric.name.substr(0, 200), kept.error().message);
    return {};
  }

  /// A point may have as many exemplars as a histogram buckets; the rest is left out, and one that
  /// is not a number, which falls into no bucket.
  Status add_exemplar(pbf_reader reader, Point& point) {
    std::vector<Label> attributes, ids;
    Exemplar exemplar;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case fixed64_field(2):
          exemplar.time_ms = read_time(reader) / kNanosPerMilli;
          break;
        case fixed64_field(3):
          exemplar.value = reader.get_double();
          break;
        case bytes_field(4):
          add_id(ids, "span_id", reader.get_view());
          break;
        case bytes_field(5):
          add_id(ids, "trace_id", reader.get_view());
          break;
        case fixed64_field(6):
          exemplar.value = static_cast<double>(reader.get_sfixed64());
          break;
        case bytes_field(7):
          TRY_STATUS(add_attribute(reader.get_message(), limits_, attributes));
          break;
        default:
          reader.skip();
      }
    }
    if (point.exemplars.size() == limits_.max_buckets || std::isnan(exemplar.value)) return {};
    exemplar.labels = exemplar_labels(std::move(ids), std::move(attributes));
    point.exemplars.push_back(std::move(exemplar));
    return {};
  }

  static void add_id(std::vector<Label>& labels, const char* name, protozero::data_view bytes) {
    if (bytes.size() > 0) labels.push_back({name, to_hex({bytes.data(), bytes.size()})});
  }

  /// OpenMetrics allows 128 characters: attributes that would go beyond are left out, all of them.
  static Labels exemplar_labels(std::vector<Label> ids, std::vector<Label> attributes) {
    std::size_t bytes = 0;
    for (const auto& label : ids) bytes += label.name.size() + label.value.size();
    const auto more = as_labels(std::move(attributes));
    for (const auto& [name, value] : more) bytes += name.size() + value.size();
    if (bytes <= kMaxExemplarCharacters)
      for (const auto& [name, value] : more)
        if (name != "trace_id" && name != "span_id") ids.push_back({name, value});
    return Labels(std::move(ids));
  }

  static std::int64_t read_time(pbf_reader& reader) {
    return static_cast<std::int64_t>(reader.get_fixed64());
  }

  Status read_number(pbf_reader& reader, Point& point) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case fixed64_field(2):
          point.start_ns = read_time(reader);
          break;
        case fixed64_field(3):
          point.time_ns = read_time(reader);
          break;
        case fixed64_field(4):
          point.value = reader.get_double();
          break;
        case fixed64_field(6):
          point.value = static_cast<double>(reader.get_sfixed64());
          break;
        case bytes_field(5):
          TRY_STATUS(add_exemplar(reader.get_message(), point));
          break;
        case bytes_field(7):
          TRY_STATUS(add_attribute(reader.get_message(), limits_, point.attributes));
          break;
        case varint_field(8):
          point.flags = reader.get_uint32();
          break;
        default:
          reader.skip();
      }
    }
    return {};
  }

  Status read_histogram(pbf_reader& reader, Point& point) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case fixed64_field(2):
          point.start_ns = read_time(reader);
          break;
        case fixed64_field(3):
          point.time_ns = read_time(reader);
          break;
        case fixed64_field(4):
          point.count = reader.get_fixed64();
          break;
        case fixed64_field(5):
          point.sum = reader.get_double();
          break;
        case bytes_field(6):
        case fixed64_field(6):
          read_fixed64s(reader, point.counts);
          break;
        case bytes_field(7):
        case fixed64_field(7):
          read_numbers(
              reader, point.bounds, [&] { return reader.get_double(); },
              [&] { return reader.get_packed_double(); });
          break;
        case bytes_field(8):
          TRY_STATUS(add_exemplar(reader.get_message(), point));
          break;
        case bytes_field(9):
          TRY_STATUS(add_attribute(reader.get_message(), limits_, point.attributes));
          break;
        case varint_field(10):
          point.flags = reader.get_uint32();
          break;
        default:
          reader.skip();
      }
    }
    return {};
  }

  /// No more counts are held than keep_exponential() needs to see that there are too many.
  ExponentialBuckets read_buckets(pbf_reader reader) const {
    ExponentialBuckets out;
    const auto add = [&](std::uint64_t count) {
      if (out.counts.size() <= limits_.max_buckets) out.counts.push_back(count);
    };
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case varint_field(1):
          out.offset = reader.get_sint32();
          break;
        case bytes_field(2):
          for (const auto count : reader.get_packed_uint64()) add(count);
          break;
        case varint_field(2):
          add(reader.get_uint64());
          break;
        default:
          reader.skip();
      }
    }
    return out;
  }

  Status read_exponential(pbf_reader& reader, Point& point) {
    auto& histogram = point.exponential;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case bytes_field(1):
          TRY_STATUS(add_attribute(reader.get_message(), limits_, point.attributes));
          break;
        case fixed64_field(2):
          point.start_ns = read_time(reader);
          break;
        case fixed64_field(3):
          point.time_ns = read_time(reader);
          break;
        case fixed64_field(4):
          histogram.count = reader.get_fixed64();
          break;
        case fixed64_field(5):
          histogram.sum = reader.get_double();
          break;
        case varint_field(6):
          histogram.scale = reader.get_sint32();
          break;
        case fixed64_field(7):
          histogram.zero_count = reader.get_fixed64();
          break;
        case bytes_field(8):
          histogram.positive = read_buckets(reader.get_message());
          break;
        case bytes_field(9):
          histogram.negative = read_buckets(reader.get_message());
          break;
        case varint_field(10):
          point.flags = reader.get_uint32();
          break;
        case bytes_field(11):
          TRY_STATUS(add_exemplar(reader.get_message(), point));
          break;
        case fixed64_field(14):
          histogram.zero_threshold = reader.get_double();
          break;
        default:
          reader.skip();
      }
    }
    return {};
  }

  Status read_summary(pbf_reader& reader, Point& point) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case fixed64_field(2):
          point.start_ns = read_time(reader);
          break;
        case fixed64_field(3):
          point.time_ns = read_time(reader);
          break;
        case fixed64_field(4):
          point.count = reader.get_fixed64();
          break;
        case fixed64_field(5):
          point.sum = reader.get_double();
          break;
        case bytes_field(6): {
          std::pair<double, double> quantile;
          for (auto entry = reader.get_message(); entry.next();) {
            if (entry.tag_and_type() == fixed64_field(1))
              quantile.first = entry.get_double();
            else if (entry.tag_and_type() == fixed64_field(2))
              quantile.second = entry.get_double();
            else
              entry.skip();
          }
          if (point.quantiles.size() <= limits_.max_buckets) point.quantiles.push_back(quantile);
          break;
        }
        case bytes_field(7):
          TRY_STATUS(add_attribute(reader.get_message(), limits_, point.attributes));
          break;
        case varint_field(8):
          point.flags = reader.get_uint32();
          break;
        default:
          reader.skip();
      }
    }
    return {};
  }

  /// kTooLarge ends the request; any other error rejects this point.
  Status keep(const MetricHead& metric, Point& point) {
    if (metric.family.empty()) return fail(ErrorCode::kInvalid, "a name without a letter or digit");
    if (metric.family.size() > limits_.max_key_bytes)
      return fail(ErrorCode::kInvalid, "the name is too long");
    if (point.time_ms() <= 0) return fail(ErrorCode::kInvalid, "a point without a time");
    for (const auto& problem :
         {resource_problem_, scope_problem_, over_limit(point.attributes, limits_)})
      if (!problem.empty()) return fail(ErrorCode::kInvalid, problem);
    TRY_STATUS(check_temporality(metric));
    auto labels = labels_of(std::move(point.attributes));
    // Of all series of a point, or its buckets would not join with its sum and count.
    if (metric.shape == Shape::kHistogram) labels.erase("le");
    if (metric.shape == Shape::kSummary) labels.erase("quantile");
    switch (metric.shape) {
      case Shape::kGauge:
      case Shape::kSum:
        TRY_STATUS(keep_number(metric, point, labels));
        break;
      case Shape::kHistogram:
        TRY_STATUS(keep_histogram(metric, point, labels));
        break;
      case Shape::kExponential:
        TRY_STATUS(keep_exponential(metric, point, labels));
        break;
      case Shape::kSummary:
        TRY_STATUS(keep_summary(metric, point, labels));
        break;
      case Shape::kNone:
        break;
    }
    first_ms_ = std::min(first_ms_, point.time_ms());
    last_ms_ = std::max(last_ms_, point.time_ms());
    remember_metadata(metric);
    return {};
  }

  static Status check_temporality(const MetricHead& metric) {
    if (metric.shape == Shape::kGauge || metric.shape == Shape::kSummary) return {};
    if (metric.temporality == Temporality::kDelta || metric.temporality == Temporality::kCumulative)
      return {};
    return fail(ErrorCode::kInvalid, "aggregation temporality is neither delta nor cumulative");
  }

  std::map<std::string, std::string> labels_of(std::vector<Label> attributes) const {
    auto labels = as_labels(std::move(attributes));
    for (const auto& [name, value] : scope_labels_) labels.try_emplace(name, value);
    if (!job_.empty()) labels["job"] = job_;
    if (!instance_.empty()) labels["instance"] = instance_;
    return labels;
  }

  static Labels series_labels(const std::map<std::string, std::string>& labels, std::string name,
                              std::string_view extra_name = {}, std::string extra_value = {}) {
    std::vector<Label> out;
    out.reserve(labels.size() + 2);
    for (const auto& [key, value] : labels) out.push_back({key, value});
    out.push_back({std::string(kMetricNameLabel), std::move(name)});
    if (!extra_name.empty()) out.push_back({std::string(extra_name), std::move(extra_value)});
    return Labels(std::move(out));
  }

  Status add(const Labels& labels, std::int64_t time_ms, double value, std::int64_t start_ms = 0) {
    TRY_STATUS(budget_.take(size_of(labels)));
    note_sample(batch_.add(labels, Sample{time_ms, value}, start_ms), time_ms);
    return {};
  }
  void note_sample(std::size_t series_index, std::int64_t time_ms) {
    out_.point_samples.push_back({series_index, time_ms, out_.point_count});
  }

  Status keep_exemplar(const Labels& series, const Point& point, Exemplar exemplar) {
    if (exemplar.time_ms <= 0) exemplar.time_ms = point.time_ms();
    TRY_STATUS(budget_.take(size_of(series) + size_of(exemplar.labels)));
    out_.exemplars.push_back({series, std::move(exemplar)});
    return {};
  }
  Status keep_exemplars(const Labels& series, const Point& point) {
    for (const auto& exemplar : point.exemplars) TRY_STATUS(keep_exemplar(series, point, exemplar));
    return {};
  }

  Status keep_number(const MetricHead& metric, const Point& point,
                     const std::map<std::string, std::string>& labels) {
    const auto series = series_labels(labels, metric.family);
    if (point.is_stale()) return add(series, point.time_ms(), stale());
    if (!point.value) return fail(ErrorCode::kInvalid, "a point without a value");
    double value = *point.value;
    auto start_ms = metric.monotonic ? point.start_ms() : 0;
    if (metric.temporality == Temporality::kDelta) {
      TRY(const auto total, accumulate(series, point, {}, {value}));
      value = total.value.front();
      if (metric.monotonic) start_ms = total.start_ns / kNanosPerMilli;
    }
    TRY_STATUS(add(series, point.time_ms(), value, start_ms));
    return keep_exemplars(series, point);
  }

  /// What a delta store has no space for is a rejection of this point, not the end of the request.
  Result<DeltaTotal<std::vector<double>>> accumulate(const Labels& series, const Point& point,
                                                     std::vector<double> shape,
                                                     std::vector<double> values) {
    return deltas_.add(series, interval_of(point), std::move(shape), std::move(values), now_);
  }
  static DeltaInterval interval_of(const Point& point) {
    return {point.start_ms() == 0 ? 0 : point.start_ns, point.time_ns};
  }

  Status check_buckets(const Point& point) const {
    if (point.bounds.size() > limits_.max_buckets)
      return fail(ErrorCode::kInvalid, fmt::format("{} buckets, {} are allowed",
                                                   point.bounds.size(), limits_.max_buckets));
    const bool none = point.bounds.empty() && point.counts.empty();
    if (!none && !point.is_stale() && point.counts.size() != point.bounds.size() + 1)
      return fail(ErrorCode::kInvalid, "a histogram needs one bucket more than it has bounds");
    for (std::size_t i = 0; i < point.bounds.size(); ++i)
      if (std::isnan(point.bounds[i]) || (i > 0 && point.bounds[i] <= point.bounds[i - 1]))
        return fail(ErrorCode::kInvalid, "histogram bounds must ascend");
    return {};
  }

  Status keep_histogram(const MetricHead& metric, Point& point,
                        const std::map<std::string, std::string>& labels) {
    TRY_STATUS(check_buckets(point));
    std::vector<double> values{point.sum.value_or(0), static_cast<double>(point.count)};
    for (auto count : point.counts) values.push_back(static_cast<double>(count));
    if (point.is_stale()) {
      values.assign(point.bounds.size() + 3, stale());
    } else if (metric.temporality == Temporality::kDelta) {
      TRY(auto total,
          accumulate(series_labels(labels, metric.family), point, point.bounds, std::move(values)));
      values = std::move(total.value);
      point.start_ns = total.start_ns;
    }
    const auto start_ms = point.is_stale() ? 0 : point.start_ms();
    if (point.sum || point.is_stale())
      TRY_STATUS(
          add(series_labels(labels, metric.family + "_sum"), point.time_ms(), values[0], start_ms));
    TRY_STATUS(
        add(series_labels(labels, metric.family + "_count"), point.time_ms(), values[1], start_ms));
    return keep_buckets(metric, point, labels, values, start_ms);
  }

  /// `values`: sum, count, then each bucket's own count; written added up, the last as +Inf with
  /// the count.
  Status keep_buckets(const MetricHead& metric, const Point& point,
                      const std::map<std::string, std::string>& labels,
                      const std::vector<double>& values, std::int64_t start_ms) {
    auto exemplars = point.exemplars;
    std::ranges::stable_sort(exemplars, {}, &Exemplar::value);
    auto exemplar = exemplars.begin();
    const auto keep_upto = [&](double bound, const Labels& series) -> Status {
      for (; exemplar != exemplars.end() && exemplar->value <= bound; ++exemplar)
        TRY_STATUS(keep_exemplar(series, point, *exemplar));
      return {};
    };
    double below = 0;
    for (std::size_t i = 0; i < point.bounds.size(); ++i) {
      if (std::isinf(point.bounds[i]) && point.bounds[i] > 0) continue;
      below += values[i + 2];
      const auto series =
          series_labels(labels, metric.family + "_bucket", "le", bound_text(point.bounds[i]));
      TRY_STATUS(add(series, point.time_ms(), point.is_stale() ? stale() : below, start_ms));
      TRY_STATUS(keep_upto(point.bounds[i], series));
    }
    const auto last = series_labels(labels, metric.family + "_bucket", "le", "+Inf");
    TRY_STATUS(add(last, point.time_ms(), values[1], start_ms));
    return keep_upto(std::numeric_limits<double>::infinity(), last);
  }

  Status keep_exponential(const MetricHead& metric, const Point& point,
                          const std::map<std::string, std::string>& labels) {
    const auto series = series_labels(labels, metric.family);
    if (point.is_stale()) return add(series, point.time_ms(), stale());
    for (const auto* side : {&point.exponential.positive, &point.exponential.negative})
      if (side->counts.size() > limits_.max_buckets)
        return fail(ErrorCode::kInvalid,
                    fmt::format("more than the {} buckets that are allowed", limits_.max_buckets));
    TRY(auto native, to_native_histogram(point.exponential));
    auto start_ms = point.start_ms();
    if (metric.temporality == Temporality::kDelta) {
      TRY(auto total, deltas_.add(series, interval_of(point), std::move(native), now_));
      native = std::move(total.value);
      start_ms = total.start_ns / kNanosPerMilli;
    }
    TRY_STATUS(budget_.take(size_of(series) + sizeof(Histogram) +
                            (native.positive_counts.size() + native.negative_counts.size()) * 2 *
                                sizeof(double)));
    const HistogramSample sample{point.time_ms(),
                                 std::make_shared<const Histogram>(std::move(native))};
    note_sample(batch_.add(series, sample, start_ms), sample.time_ms);
    return keep_exemplars(series, point);
  }

  Status keep_summary(const MetricHead& metric, const Point& point,
                      const std::map<std::string, std::string>& labels) {
    if (point.quantiles.size() > limits_.max_buckets)
      return fail(ErrorCode::kInvalid, "too many quantiles");
    const auto value = [&](double recorded) { return point.is_stale() ? stale() : recorded; };
    const auto start_ms = point.is_stale() ? 0 : point.start_ms();
    TRY_STATUS(add(series_labels(labels, metric.family + "_sum"), point.time_ms(),
                   value(point.sum.value_or(0)), start_ms));
    TRY_STATUS(add(series_labels(labels, metric.family + "_count"), point.time_ms(),
                   value(static_cast<double>(point.count)), start_ms));
    for (const auto& [quantile, at] : point.quantiles)
      TRY_STATUS(add(series_labels(labels, metric.family, "quantile", bound_text(quantile)),
                     point.time_ms(), value(at)));
    return {};
  }

  void remember_metadata(const MetricHead& metric) {
    auto& metadata = metadata_[metric.family];
    if (!metadata.family.empty()) return;
    metadata = {metric.family, "gauge", metric.help.substr(0, limits_.max_key_bytes),
                prometheus_unit(metric.unit)};
    if (metric.shape == Shape::kSum && metric.monotonic) metadata.type = "counter";
    if (metric.shape == Shape::kHistogram || metric.shape == Shape::kExponential)
      metadata.type = "histogram";
    if (metric.shape == Shape::kSummary) metadata.type = "summary";
  }

  /// One sample at the last point's time, and before it often enough that no query between falls
  /// into a gap.
  Status write_target_info() {
    if (resource_labels_.empty() || (job_.empty() && instance_.empty()) || last_ms_ < first_ms_)
      return {};
    auto labels = resource_labels_;
    if (!job_.empty()) labels["job"] = job_;
    if (!instance_.empty()) labels["instance"] = instance_;
    const auto series = series_labels(labels, "target_info");
    std::int64_t time = last_ms_;
    for (int i = 0; i < kMaxTargetInfoSamples && time >= first_ms_;
         ++i, time -= kTargetInfoIntervalMs) {
      TRY_STATUS(budget_.take(size_of(series)));
      batch_.add(series, Sample{time, 1});
    }
    metadata_["target_info"] = {"target_info", "gauge", "Target metadata", ""};
    return {};
  }

  DeltaState& deltas_;
  const Timestamp now_;
  const DecodeLimits& limits_;
  ExpansionBudget budget_;
  SeriesBatch batch_;
  MetricsBatch out_;
  std::map<std::string, Metadata> metadata_;

  std::string job_, instance_, resource_problem_, scope_problem_;
  std::map<std::string, std::string> resource_labels_, scope_labels_;
  std::int64_t first_ms_ = 0, last_ms_ = 0;
};

}  // namespace

std::size_t rejected_points(const MetricsBatch& batch, const std::vector<Rejection>& rejections) {
  if (rejections.empty()) return batch.rejected_count;
  std::map<std::pair<std::size_t, std::int64_t>, std::vector<std::size_t>> points_at;
  for (const auto& [series_index, time_ms] : rejections) points_at[{series_index, time_ms}];
  for (const auto& [series_index, time_ms, point] : batch.point_samples)
    if (const auto found = points_at.find({series_index, time_ms}); found != points_at.end())
      found->second.push_back(point);
  std::set<std::size_t> rejected;
  for (const auto& [series_index, time_ms] : rejections) {
    auto& points = points_at[{series_index, time_ms}];
    if (points.empty()) continue;  // target_info is no point's
    rejected.insert(points.back());
    points.pop_back();
  }
  return batch.rejected_count + rejected.size();
}

Result<MetricsBatch> decode_metrics(std::string_view protobuf, DeltaState& deltas, Timestamp now,
                                    const DecodeLimits& limits) {
  return decoding("ExportMetricsServiceRequest",
                  [&] { return Decoder(deltas, now, limits).decode(protobuf); });
}

}  // namespace wellrun::telemetry::otlp
