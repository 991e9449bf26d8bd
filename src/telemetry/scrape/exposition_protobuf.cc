#include "telemetry/scrape/exposition_protobuf.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/expansion_budget.h"
#include "telemetry/protozero_checked.h"
#include "telemetry/remote_write_decode.h"
#include "telemetry/scrape/open_metrics_number.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::scrape {
namespace {

using protozero::pbf_reader;

constexpr std::size_t kMaxBuckets = 10'000;
constexpr std::size_t kMaxQuantiles = 10'000;
constexpr std::size_t kMaxExemplarLabels = 64;
constexpr std::size_t kMaxDecodedBytes = std::size_t{512} << 20;

enum class Type { kCounter, kGauge, kSummary, kUntyped, kHistogram, kGaugeHistogram };
constexpr const char* kTypeNames[] = {"counter", "gauge",     "summary",
                                      "unknown", "histogram", "gaugehistogram"};

std::int64_t read_time_ms(pbf_reader message) {
  std::int64_t seconds = 0, nanos = 0;
  while (message.next()) {
    if (message.tag() == 1)
      seconds = message.get_int64();
    else if (message.tag() == 2)
      nanos = message.get_int32();
    else
      message.skip();
  }
  constexpr std::int64_t kFarSeconds = 9'000'000'000'000;
  seconds = std::clamp(seconds, -kFarSeconds, kFarSeconds);
  return seconds * 1000 + nanos / 1'000'000;
}

Label read_label(pbf_reader message) {
  Label label;
  while (message.next()) {
    if (message.tag() == 1)
      label.name = message.get_string();
    else if (message.tag() == 2)
      label.value = message.get_string();
    else
      message.skip();
  }
  return label;
}

Result<Exemplar> read_exemplar(pbf_reader message) {
  Exemplar exemplar;
  std::vector<Label> labels;
  while (message.next()) {
    if (message.tag() == 1)
      labels.push_back(read_label(message.get_message()));
    else if (message.tag() == 2)
      exemplar.value = message.get_double();
    else if (message.tag() == 3)
      exemplar.time_ms = read_time_ms(message.get_message());
    else
      message.skip();
    if (labels.size() > kMaxExemplarLabels)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("an exemplar with more than {} labels", kMaxExemplarLabels));
  }
  for (const auto& label : labels)
    if (!is_valid_utf8(label.name) || !is_valid_utf8(label.value))
      return fail(ErrorCode::kInvalid, "an exemplar has a label that is not UTF-8");
  exemplar.labels = Labels(std::move(labels));
  return exemplar;
}

struct ClassicBucket {
  double upper = 0, count = 0;
  std::optional<Exemplar> exemplar;
};

struct Quantile {
  double quantile = 0, value = 0;
};

/// Whatever a Metric says, of any type.
struct Value {
  double value = 0, count = 0, sum = 0;
  std::int64_t start_ms = 0;
  std::optional<Exemplar> exemplar;
  std::vector<Exemplar> exemplars;  ///< a native histogram's own
  std::vector<ClassicBucket> buckets;
  std::vector<Quantile> quantiles;
  std::optional<Histogram> native;
};

Quantile read_quantile(pbf_reader message) {
  Quantile quantile;
  while (message.next()) {
    if (message.tag() == 1)
      quantile.quantile = message.get_double();
    else if (message.tag() == 2)
      quantile.value = message.get_double();
    else
      message.skip();
  }
  return quantile;
}

Result<ClassicBucket> read_bucket(pbf_reader message) {
  ClassicBucket bucket;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        bucket.count = static_cast<double>(message.get_uint64());
        break;
      case 2:
        bucket.upper = message.get_double();
        break;
      case 3: {
        TRY(bucket.exemplar, read_exemplar(message.get_message()));
        break;
      }
      case 4:
        if (const double count = message.get_double(); count > 0) bucket.count = count;
        break;
      default:
        message.skip();
    }
  }
  return bucket;
}

/// Counter, gauge and untyped: a value; a counter has an exemplar and a start.
Result<Value> read_simple(pbf_reader message) {
  Value out;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        out.value = message.get_double();
        break;
      case 2: {
        TRY(out.exemplar, read_exemplar(message.get_message()));
        break;
      }
      case 3:
        out.start_ms = read_time_ms(message.get_message());
        break;
      default:
        message.skip();
    }
  }
  return out;
}

Result<Value> read_summary(pbf_reader message) {
  Value out;
  while (message.next()) {
    if (message.tag() == 1)
      out.count = static_cast<double>(message.get_uint64());
    else if (message.tag() == 2)
      out.sum = message.get_double();
    else if (message.tag() == 3)
      out.quantiles.push_back(read_quantile(message.get_message()));
    else if (message.tag() == 4)
      out.start_ms = read_time_ms(message.get_message());
    else
      message.skip();
    if (out.quantiles.size() > kMaxQuantiles)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("a summary with more than {} quantiles", kMaxQuantiles));
  }
  return out;
}

Histogram::Span read_span(pbf_reader message) {
  Histogram::Span span;
  while (message.next()) {
    if (message.tag() == 1)
      span.offset = message.get_sint32();
    else if (message.tag() == 2)
      span.length = message.get_uint32();
    else
      message.skip();
  }
  return span;
}

void append_deltas(pbf_reader& message, std::vector<double>& counts, std::int64_t& sum) {
  const auto add = [&](std::int64_t delta) {
    sum = store::wrapping_add(sum, delta);
    counts.push_back(static_cast<double>(sum));
  };
  if (message.wire_type() == protozero::pbf_wire_type::varint) return add(message.get_sint64());
  for (const auto delta : message.get_packed_sint64()) add(delta);
}

void append_counts(pbf_reader& message, std::vector<double>& counts) {
  if (message.wire_type() == protozero::pbf_wire_type::fixed64)
    return counts.push_back(message.get_double());
  for (const auto count : message.get_packed_double()) counts.push_back(count);
}

Result<Value> read_histogram(pbf_reader message) {
  Value out;
  Histogram h;
  auto counts = WireCounts::kIntegers;
  std::int64_t positive = 0, negative = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        h.count = static_cast<double>(message.get_uint64());
        break;
      case 2:
        h.sum = message.get_double();
        break;
      case 3: {
        TRY(auto bucket, read_bucket(message.get_message()));
        out.buckets.push_back(std::move(bucket));
        break;
      }
      case 4:
        if (const double count = message.get_double(); count > 0) {
          h.count = count;
          counts = WireCounts::kFloats;
        }
        break;
      case 5:
        h.schema = message.get_sint32();
        break;
      case 6:
        h.zero_threshold = message.get_double();
        break;
      case 7:
        h.zero_count = static_cast<double>(message.get_uint64());
        break;
      case 8:
        if (const double count = message.get_double(); count > 0) {
          h.zero_count = count;
          counts = WireCounts::kFloats;
        }
        break;
      case 9:
        h.negative_spans.push_back(read_span(message.get_message()));
        break;
      case 10:
        append_deltas(message, h.negative_counts, negative);
        break;
      case 11:
        append_counts(message, h.negative_counts);
        break;
      case 12:
        h.positive_spans.push_back(read_span(message.get_message()));
        break;
      case 13:
        append_deltas(message, h.positive_counts, positive);
        break;
      case 14:
        append_counts(message, h.positive_counts);
        break;
      case 15:
        out.start_ms = read_time_ms(message.get_message());
        break;
      case 16: {
        TRY(auto exemplar, read_exemplar(message.get_message()));
        out.exemplars.push_back(std::move(exemplar));
        break;
      }
      default:
        message.skip();
    }
    if (out.buckets.size() > kMaxBuckets)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("a histogram with more than {} buckets", kMaxBuckets));
    if (out.exemplars.size() > kMaxBuckets)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("a histogram with more than {} exemplars", kMaxBuckets));
  }
  out.count = h.count;
  out.sum = h.sum;
  if (!h.positive_spans.empty() || !h.negative_spans.empty() || h.zero_threshold > 0 ||
      h.zero_count > 0) {
    if (const auto fault = fault_of_histogram(h, counts))
      return fail(ErrorCode::kInvalid, "a native histogram is refused: " + *fault);
    out.native = in_kept_schema(std::move(h));
  }
  return out;
}

/// Its own, or else those of its classic buckets. Without a time each would be a new one with every
/// scrape, so these are left out. Source: Prometheus' ProtobufParser.Exemplar.
std::vector<Exemplar> native_exemplars(const Value& value) {
  auto out = value.exemplars;
  if (out.empty())
    for (const auto& bucket : value.buckets)
      if (bucket.exemplar) out.push_back(*bucket.exemplar);
  std::erase_if(out, [](const Exemplar& exemplar) { return exemplar.time_ms == 0; });
  std::ranges::sort(out, comes_before);
  return out;
}

std::size_t bytes_of(const auto& labels) {
  std::size_t bytes = 0;
  for (const auto& label : labels) bytes += sizeof(Label) + label.name.size() + label.value.size();
  return bytes;
}

std::size_t bytes_of(const Histogram& h) {
  return sizeof(Histogram) +
         (h.positive_spans.size() + h.negative_spans.size()) * sizeof(Histogram::Span) +
         (h.positive_counts.size() + h.negative_counts.size()) * sizeof(double);
}

/// Reads families into samples. What it holds beside them is bounded by one metric: by its limits,
/// or by its bytes.
class Parser {
 public:
  Parser(const ExpositionLimits& limits, bool keep_classic)
      : limits_(limits), keep_classic_(keep_classic) {}

  Result<Exposition> parse(std::string_view body) {
    store::ByteReader reader(body);
    while (!reader.at_end()) {
      const auto message = reader.text();
      if (reader.failed())
        return fail(ErrorCode::kInvalid, "the protobuf exposition ends in the middle of a family");
      TRY_STATUS(read_family(pbf_reader(message.data(), message.size())));
    }
    return std::move(out_);
  }

 private:
  /// The name and type may stand behind the metrics, so these are read in a second pass.
  Status read_family(pbf_reader message) {
    auto metrics = message;
    Metadata metadata;
    auto type = static_cast<std::int32_t>(Type::kCounter);
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          metadata.family = message.get_string();
          break;
        case 2:
          metadata.help = message.get_string();
          break;
        case 3:
          type = message.get_enum();
          break;
        case 5:
          metadata.unit = message.get_string();
          break;
        default:
          message.skip();
      }
    }
    if (type < 0 || type > static_cast<std::int32_t>(Type::kGaugeHistogram))
      return fail(ErrorCode::kInvalid, fmt::format("metric type {} is not known", type));
    if (metadata.family.empty() || metadata.family.size() > limits_.max_name_bytes ||
        !is_valid_utf8(metadata.family))
      return fail(ErrorCode::kInvalid, "a metric family without a proper name");
    if (!is_valid_utf8(metadata.help) || !is_valid_utf8(metadata.unit))
      return fail(ErrorCode::kInvalid,
                  fmt::format("the help or unit of {} is not UTF-8", metadata.family));
    metadata.type = kTypeNames[type];
    is_gauge_histogram_ = type == static_cast<std::int32_t>(Type::kGaugeHistogram);
    while (metrics.next(4)) TRY_STATUS(read_metric(metadata.family, metrics.get_message()));
    TRY_STATUS(budget_.take(sizeof(Metadata) + metadata.family.size() + metadata.help.size() +
                            metadata.unit.size()));
    out_.metadata.push_back(std::move(metadata));
    return {};
  }

  Status read_metric(const std::string& family, pbf_reader message) {
    labels_.clear();
    time_ms_.reset();
    std::optional<Value> value;
    bool is_summary = false, is_histogram = false;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          labels_.push_back(read_label(message.get_message()));
          break;
        case 2:
        case 3:
        case 5: {
          TRY(value, read_simple(message.get_message()));
          break;
        }
        case 4: {
          TRY(value, read_summary(message.get_message()));
          is_summary = true;
          break;
        }
        case 6:
          time_ms_ = message.get_int64();
          break;
        case 7: {
          TRY(value, read_histogram(message.get_message()));
          is_histogram = true;
          break;
        }
        default:
          message.skip();
      }
      if (labels_.size() > limits_.max_labels)
        return fail(ErrorCode::kTooLarge, fmt::format("more than {} labels", limits_.max_labels));
    }
    if (!value) return fail(ErrorCode::kInvalid, fmt::format("{} has no value", family));
    TRY_STATUS(check_labels(family));
    if (is_histogram) return add_histogram(family, *value);
    if (is_summary) return add_summary(family, *value);
    return add(family, {}, value->value, value->start_ms, std::move(value->exemplar));
  }

  Status check_labels(const std::string& family) const {
    for (const auto& label : labels_) {
      if (label.name.empty() || label.name == kMetricNameLabel || !is_valid_utf8(label.name) ||
          !is_valid_utf8(label.value))
        return fail(ErrorCode::kInvalid, fmt::format("{} has a label that is not proper", family));
      if (label.name.size() > limits_.max_name_bytes ||
          label.value.size() > limits_.max_value_bytes)
        return fail(ErrorCode::kTooLarge, fmt::format("{} has a label that is too long", family));
    }
    return {};
  }

  Status add_summary(const std::string& family, const Value& value) {
    for (const auto& one : value.quantiles)
      TRY_STATUS(add(family, {{"quantile", open_metrics_number(one.quantile)}}, one.value,
                     value.start_ms, std::nullopt));
    TRY_STATUS(add(family + "_sum", {}, value.sum, value.start_ms, std::nullopt));
    return add(family + "_count", {}, value.count, value.start_ms, std::nullopt);
  }

  Status add_histogram(const std::string& family, const Value& value) {
    if (value.native) {
      TRY_STATUS(add(family, {}, 0, value.start_ms, std::nullopt));
      auto native = *value.native;
      if (is_gauge_histogram_) native.reset_hint = Histogram::ResetHint::kGauge;
      TRY_STATUS(budget_.take(bytes_of(native)));
      out_.samples.back().histogram = std::make_shared<const Histogram>(std::move(native));
      TRY_STATUS(keep_exemplars(native_exemplars(value), out_.samples.back()));
      if (!keep_classic_ || value.buckets.empty()) return {};
    }
    bool has_last = false;
    for (const auto& bucket : value.buckets) {
      has_last |= std::isinf(bucket.upper) && bucket.upper > 0;
      TRY_STATUS(add(family + "_bucket", {{"le", open_metrics_number(bucket.upper)}}, bucket.count,
                     value.start_ms, bucket.exemplar));
    }
    if (!has_last)
      TRY_STATUS(
          add(family + "_bucket", {{"le", "+Inf"}}, value.count, value.start_ms, std::nullopt));
    TRY_STATUS(add(family + "_sum", {}, value.sum, value.start_ms, std::nullopt));
    return add(family + "_count", {}, value.count, value.start_ms, std::nullopt);
  }

  Status keep_exemplars(std::vector<Exemplar> exemplars, ExposedSample& sample) {
    for (const auto& exemplar : exemplars)
      TRY_STATUS(budget_.take(sizeof(Exemplar) + bytes_of(exemplar.labels)));
    sample.exemplars = std::move(exemplars);
    return {};
  }

  Status add(const std::string& name, std::vector<Label> more, double value, std::int64_t start_ms,
             std::optional<Exemplar> exemplar) {
    if (out_.samples.size() >= limits_.max_samples)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} samples", limits_.max_samples));
    more.insert(more.end(), labels_.begin(), labels_.end());
    more.push_back({std::string(kMetricNameLabel), name});
    TRY_STATUS(budget_.take(sizeof(ExposedSample) + bytes_of(more) +
                            (exemplar ? bytes_of(exemplar->labels) : 0)));
    ExposedSample sample;
    sample.empty_labels = names_of_empty(more);
    sample.labels = Labels(std::move(more));
    sample.value = value;
    sample.time_ms = time_ms_;
    sample.start_ms = start_ms;
    sample.exemplar = std::move(exemplar);
    out_.samples.push_back(std::move(sample));
    return {};
  }

  const ExpositionLimits& limits_;
  const bool keep_classic_;
  Exposition out_;
  ExpansionBudget budget_{kMaxDecodedBytes,
                          "what the target exposes would take too much memory once decoded; "
                          "expose fewer series or shorter labels"};
  bool is_gauge_histogram_ = false;  ///< the family: its counts may fall
  std::vector<Label> labels_;
  std::optional<std::int64_t> time_ms_;
};

}  // namespace

Result<Exposition> parse_protobuf_exposition(std::string_view body, const ExpositionLimits& limits,
                                             bool keep_classic) {
  try {
    return Parser(limits, keep_classic).parse(body);
  } catch (const protozero::exception& error) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the protobuf exposition is malformed: {}", error.what()));
  }
}

}  // namespace wellrun::telemetry::scrape
