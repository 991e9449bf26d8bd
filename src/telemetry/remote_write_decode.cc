#include "telemetry/remote_write_decode.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <snappy.h>

#include "core/text.h"
#include "telemetry/expansion_budget.h"
#include "telemetry/plain_series.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/protozero_checked.h"
#include "telemetry/store/byte_io.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

using protozero::pbf_reader;

constexpr std::size_t kMaxBuckets = 100'000;
constexpr std::int32_t kMaxSchema = 8, kMaxReservedSchema = 52;
constexpr std::size_t kUsualSeriesBytes = 128;  ///< with one sample, or a little more
/// A shorter series takes more room decoded than in the body, and is not read as a plain one.
constexpr std::size_t kLeastPlainSeriesBytes = 32;
constexpr std::size_t kMaxLabelBytesShown = 64U << 10;
/// What a body may become in memory, beside series in the usual form: these take about their size.
constexpr std::size_t kMaxDecodedBytes = 256U << 20;
constexpr const char* kTypes[] = {"unknown",        "counter", "gauge", "histogram",
                                  "gaugehistogram", "summary", "info",  "stateset"};

std::string_view view_of(protozero::data_view view) {
  return {view.data(), view.size()};
}

std::string type_named(std::int32_t type) {
  return type >= 0 && static_cast<std::size_t>(type) < std::size(kTypes) ? kTypes[type] : "unknown";
}

/// `start_ms`: what field 3 says, which only 2.0 has.
Sample read_sample(pbf_reader message, std::int64_t* start_ms = nullptr) {
  Sample sample;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        sample.value = message.get_double();
        break;
      case 2:
        sample.time_ms = message.get_int64();
        break;
      case 3:
        if (start_ms == nullptr)
          message.skip();
        else
          *start_ms = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  return sample;
}

Histogram::Span read_span(pbf_reader message) {
  Histogram::Span span;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        span.offset = message.get_sint32();
        break;
      case 2:
        span.length = message.get_uint32();
        break;
      default:
        message.skip();
    }
  }
  return span;
}

void append_deltas(pbf_reader& message, std::vector<double>& counts, std::int64_t& sum) {
  auto add = [&](std::int64_t delta) {
    sum = store::wrapping_add(sum, delta);
    counts.push_back(static_cast<double>(sum));
  };
  if (message.wire_type() == protozero::pbf_wire_type::varint) return add(message.get_sint64());
  for (const auto delta : message.get_packed_sint64()) add(delta);
}

void append_doubles(pbf_reader& message, std::vector<double>& values) {
  if (message.wire_type() == protozero::pbf_wire_type::fixed64)
    return values.push_back(message.get_double());
  for (const auto value : message.get_packed_double()) values.push_back(value);
}

std::optional<std::string> fault_of_buckets(const std::vector<Histogram::Span>& spans,
                                            const std::vector<double>& counts) {
  // Far enough from the end of 32 bits for the difference of any two indexes.
  constexpr std::int64_t kHighestIndex = std::numeric_limits<std::int32_t>::max() / 2;
  std::uint64_t slots = 0;
  std::int64_t end = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    slots += spans[i].length;
    const std::int64_t begin = end + spans[i].offset;
    end = begin + spans[i].length;
    if (i > 0 && spans[i].offset < 0) return "a span has a negative offset";
    if (begin < -kHighestIndex || end > kHighestIndex) return "a bucket's index is out of range";
  }
  if (slots != counts.size())
    return fmt::format("its spans have {} buckets, and it has {}", slots, counts.size());
  if (slots > kMaxBuckets)
    return fmt::format("it has {} buckets; the limit is {}", slots, kMaxBuckets);
  for (const double count : counts)
    if (!(count >= 0)) return "a bucket's count is negative";
  return std::nullopt;
}

/// Of a histogram with custom bounds. Source: Prometheus' checkHistogramCustomBounds.
std::optional<std::string> fault_of_custom(const Histogram& h) {
  for (std::size_t i = 0; i < h.custom_bounds.size(); ++i) {
    if (std::isnan(h.custom_bounds[i])) return "a custom bound is NaN";
    if (i > 0 && !(h.custom_bounds[i] > h.custom_bounds[i - 1]))
      return "its custom bounds do not ascend";
  }
  if (!h.custom_bounds.empty() && h.custom_bounds.back() == HUGE_VAL)
    return "its last custom bound is +Inf, which is never stated";
  if (!h.negative_counts.empty() || !h.negative_spans.empty() || h.zero_count != 0 ||
      h.zero_threshold != 0)
    return "it has negative or zero buckets with custom bounds";
  if (!h.positive_spans.empty() && h.positive_spans.front().offset < 0)
    return "a span has a negative offset";
  std::uint64_t reach = 0;
  for (const auto& span : h.positive_spans)
    reach += static_cast<std::uint64_t>(std::max(span.offset, 0)) + span.length;
  if (reach > h.custom_bounds.size() + 1) return "it has more buckets than custom bounds";
  return std::nullopt;
}

std::optional<std::string> fault_of_total(const Histogram& h) {
  constexpr double kExact = 9'007'199'254'740'992;  // 2^53: beyond, doubles hold no sum of integers
  double total = h.zero_count;
  for (const auto* counts : {&h.positive_counts, &h.negative_counts})
    for (const double count : *counts) total += count;
  if (is_stale_marker(h.sum) || total > kExact || h.count > kExact) return std::nullopt;
  if (std::isnan(h.sum) ? total > h.count : total != h.count)
    return fmt::format("its buckets hold {} observations, and its count is {}", total, h.count);
  return std::nullopt;
}

/// What of one series is refused, and why the first.
struct Refused {
  std::size_t count = 0;
  std::string why;

  /// An error of one histogram or label is about that alone; one of the budget ends the request.
  Status take(Error error, std::size_t samples) {
    if (error.code == ErrorCode::kTooLarge) return std::unexpected(std::move(error));
    if (why.empty()) why = std::move(error.message);
    count += samples;
    return {};
  }
};

void reject(RemoteWrite& out, const Refused& refused, std::string_view series) {
  if (out.rejected == 0) out.first_rejection = fmt::format("{}, in {}", refused.why, series);
  out.rejected += refused.count;
}

std::string series_text(std::string_view labels) {
  const auto canonical = store::canonical_label_bytes(labels, kMaxLabelBytesShown);
  return canonical ? "series " + to_string(store::labels_from_bytes(*canonical))
                   : "a series without proper labels";
}

/// What one series adds to a batch; taken away again where all of it is refused.
struct BatchEnd {
  explicit BatchEnd(const RemoteWrite& out)
      : samples(out.batch.samples.size()),
        histograms(out.batch.histograms.size()),
        exemplars(out.exemplars.size()) {}

  void cut(RemoteWrite& out) const {
    auto& batch = out.batch;
    batch.samples.resize(samples);
    batch.histograms.resize(histograms);
    out.exemplars.resize(exemplars);
    batch.sample_starts.resize(std::min(batch.sample_starts.size(), samples));
    batch.histogram_starts.resize(std::min(batch.histogram_starts.size(), histograms));
  }

  std::size_t samples, histograms, exemplars;
};

/// kInvalid: what is wrong with this one. A byte of the message becomes a bucket's count at most.
Result<HistogramSample> read_histogram(protozero::data_view bytes, ExpansionBudget& budget,
                                       std::int64_t* start_ms = nullptr) {
  TRY_STATUS(
      budget.take(sizeof(HistogramSample) + sizeof(Histogram) + bytes.size() * sizeof(double)));
  pbf_reader message(bytes);
  Histogram h;
  HistogramSample sample;
  auto counts = WireCounts::kIntegers;
  std::int64_t positive = 0;
  std::int64_t negative = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        h.count = static_cast<double>(message.get_uint64());
        counts = WireCounts::kIntegers;
        break;
      case 2:
        h.count = message.get_double();
        counts = WireCounts::kFloats;
        break;
      case 3:
        h.sum = message.get_double();
        break;
      case 4:
        h.schema = message.get_sint32();
        break;
      case 5:
        h.zero_threshold = message.get_double();
        break;
      case 6:
        h.zero_count = static_cast<double>(message.get_uint64());
        break;
      case 7:
        h.zero_count = message.get_double();
        break;
      case 8:
        h.negative_spans.push_back(read_span(message.get_message()));
        break;
      case 9:
        append_deltas(message, h.negative_counts, negative);
        break;
      case 10:
        append_doubles(message, h.negative_counts);
        break;
      case 11:
        h.positive_spans.push_back(read_span(message.get_message()));
        break;
      case 12:
        append_deltas(message, h.positive_counts, positive);
        break;
      case 13:
        append_doubles(message, h.positive_counts);
        break;
      case 14: {
        const auto hint = message.get_enum();
        h.reset_hint = hint >= 0 && hint <= 3 ? static_cast<Histogram::ResetHint>(hint)
                                              : Histogram::ResetHint::kUnknown;
        break;
      }
      case 15:
        sample.time_ms = message.get_int64();
        break;
      case 16:
        append_doubles(message, h.custom_bounds);
        break;
      case 17:
        if (start_ms == nullptr)
          message.skip();
        else
          *start_ms = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  if (const auto fault = fault_of_histogram(h, counts))
    return fail(ErrorCode::kInvalid,
                fmt::format("a native histogram at {} ms is refused: {}", sample.time_ms, *fault));
  sample.histogram = std::make_shared<const Histogram>(in_kept_schema(std::move(h)));
  return sample;
}

/// Labels that lie side by side, as every sender writes them, are taken as they lie; others are
/// collected.
class LabelSpan {
 public:
  explicit LabelSpan(RemoteWrite& out) : out_(out) {}

  void add(std::string_view field) {
    if (collected_ != nullptr) {
      collected_->append(field);
    } else if (span_.empty()) {
      span_ = field;
    } else if (span_.data() + span_.size() == field.data()) {
      span_ = {span_.data(), span_.size() + field.size()};
    } else {
      collected_ = &out_.label_arena.emplace_back(span_);
      collected_->append(field);
    }
  }
  std::string_view get() const {
    return collected_ != nullptr ? std::string_view(*collected_) : span_;
  }

 private:
  RemoteWrite& out_;
  std::string_view span_;
  std::string* collected_ = nullptr;
};

Label read_label(pbf_reader message) {
  Label label;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        label.name = message.get_string();
        break;
      case 2:
        label.value = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  return label;
}

Result<Exemplar> read_exemplar_1(pbf_reader message, ExpansionBudget& budget) {
  TRY_STATUS(budget.take(sizeof(SeriesExemplar)));
  Exemplar exemplar;
  std::vector<Label> labels;
  while (message.next()) {
    switch (message.tag()) {
      case 1: {
        const auto label = message.get_view();
        TRY_STATUS(budget.take(sizeof(Label) + label.size()));
        labels.push_back(read_label(pbf_reader(label)));
        break;
      }
      case 2:
        exemplar.value = message.get_double();
        break;
      case 3:
        exemplar.time_ms = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  exemplar.labels = Labels(std::move(labels));
  return exemplar;
}

Status read_series_1(pbf_reader message, RemoteWrite& out, ExpansionBudget& budget) {
  TRY_STATUS(budget.take(sizeof(SampleBatch::Series)));
  SampleBatch::Series series;
  LabelSpan labels(out);
  Refused refused;
  const BatchEnd before(out);
  while (true) {
    const auto* const begin = message.data().data();
    if (!message.next()) break;
    switch (message.tag_and_type()) {
      case protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited):
        message.skip();
        labels.add({begin, static_cast<std::size_t>(message.data().data() - begin)});
        break;
      case protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited):
        TRY_STATUS(budget.take(sizeof(Sample)));
        out.batch.samples.push_back(read_sample(message.get_message()));
        ++series.sample_count;
        break;
      case protozero::tag_and_type(3, protozero::pbf_wire_type::length_delimited): {
        TRY(auto exemplar, read_exemplar_1(message.get_message(), budget));
        out.exemplars.push_back({out.batch.series.size(), std::move(exemplar)});
        break;
      }
      case protozero::tag_and_type(4, protozero::pbf_wire_type::length_delimited): {
        auto histogram = read_histogram(message.get_view(), budget);
        if (!histogram) {
          TRY_STATUS(refused.take(std::move(histogram).error(), 1));
          break;
        }
        out.batch.histograms.push_back(*std::move(histogram));
        ++series.histogram_count;
        break;
      }
      default:
        message.skip();
    }
  }
  series.labels = labels.get();
  if (refused.count > 0) {
    reject(out, refused, series_text(series.labels));
    if (series.sample_count + series.histogram_count == 0) {
      before.cut(out);
      return {};
    }
  }
  out.batch.series.push_back(series);
  return {};
}

/// Whether answers in JSON can hold it. protobuf asks for it, but does not see to it.
bool is_text(const Metadata& metadata) {
  return is_valid_utf8(metadata.family) && is_valid_utf8(metadata.help) &&
         is_valid_utf8(metadata.unit);
}

Metadata read_metadata_1(pbf_reader message) {
  Metadata metadata;
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        metadata.type = type_named(message.get_enum());
        break;
      case 2:
        metadata.family = message.get_string();
        break;
      case 4:
        metadata.help = message.get_string();
        break;
      case 5:
        metadata.unit = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  return metadata;
}

Result<RemoteWrite> read_1(std::string_view plain) {
  RemoteWrite out;
  ExpansionBudget budget(kMaxDecodedBytes);
  out.batch.series.reserve(plain.size() / kUsualSeriesBytes);
  out.batch.samples.reserve(plain.size() / kUsualSeriesBytes);
  pbf_reader message(plain.data(), plain.size());
  while (message.next()) {
    if (message.tag() == 1) {
      const auto series = view_of(message.get_view());
      if (series.size() >= kLeastPlainSeriesBytes && read_plain_series(series, out.batch)) continue;
      TRY_STATUS(read_series_1(pbf_reader(series.data(), series.size()), out, budget));
    } else if (message.tag() == 3) {
      const auto bytes = message.get_view();
      TRY_STATUS(budget.take(sizeof(Metadata) + bytes.size()));
      if (auto metadata = read_metadata_1(pbf_reader(bytes));
          !metadata.family.empty() && is_text(metadata))
        out.metadata.push_back(std::move(metadata));
    } else {
      message.skip();
    }
  }
  return out;
}

class Decoder2 {
 public:
  Result<RemoteWrite> read(std::string_view plain) {
    TRY_STATUS(collect_symbols(pbf_reader(plain.data(), plain.size())));
    if (symbols_.empty() || !symbols_.front().empty())
      return fail(ErrorCode::kInvalid,
                  "the symbols of a remote write 2.0 request do not begin with the empty string");
    pbf_reader message(plain.data(), plain.size());
    while (message.next(5, protozero::pbf_wire_type::length_delimited))
      TRY_STATUS(read_series(message.get_message()));
    return std::move(out_);
  }

 private:
  /// The fields may come in any order, so the symbols are read first.
  Status collect_symbols(pbf_reader message) {
    while (message.next(4, protozero::pbf_wire_type::length_delimited)) {
      TRY_STATUS(budget_.take(sizeof(std::string_view)));
      symbols_.push_back(view_of(message.get_view()));
    }
    return {};
  }

  Result<std::string_view> symbol(std::uint32_t reference) const {
    if (reference < symbols_.size()) return symbols_[reference];
    return fail(ErrorCode::kInvalid,
                fmt::format("symbol {} is referred to; there are {}", reference, symbols_.size()));
  }

  /// `label(name, value)` with each pair of references. One symbol may be used as often as there is
  /// room for it.
  template <typename TakeLabel>
  Status read_labels(pbf_reader& message, TakeLabel label) {
    const auto references = message.get_packed_uint32();
    for (auto at = references.begin(); at != references.end();) {
      TRY(const auto name, symbol(*at++));
      if (at == references.end())
        return fail(ErrorCode::kInvalid,
                    "a series has a label name without a value (odd number of references)");
      TRY(const auto value, symbol(*at++));
      TRY_STATUS(budget_.take(name.size() + value.size()));
      label(name, value);
    }
    return {};
  }

  Status append_labels(pbf_reader& message, std::string& labels) {
    return read_labels(message, [&](std::string_view name, std::string_view value) {
      pair_.clear();
      pair_ += '\x0a';
      store::put_text(pair_, name);
      pair_ += '\x12';
      store::put_text(pair_, value);
      labels += '\x0a';
      store::put_text(labels, pair_);
    });
  }

  Status read_exemplar(pbf_reader message) {
    TRY_STATUS(budget_.take(sizeof(SeriesExemplar)));
    Exemplar exemplar;
    std::vector<Label> labels;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          TRY_STATUS(read_labels(message, [&](std::string_view name, std::string_view value) {
            labels.push_back({std::string(name), std::string(value)});
          }));
          break;
        case 2:
          exemplar.value = message.get_double();
          break;
        case 3:
          exemplar.time_ms = message.get_int64();
          break;
        default:
          message.skip();
      }
    }
    exemplar.labels = Labels(std::move(labels));
    out_.exemplars.push_back({out_.batch.series.size(), std::move(exemplar)});
    return {};
  }

  Status read_metadata(pbf_reader message) {
    Metadata metadata;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          metadata.type = type_named(message.get_enum());
          break;
        case 3: {
          TRY(metadata.help, symbol(message.get_uint32()));
          break;
        }
        case 4: {
          TRY(metadata.unit, symbol(message.get_uint32()));
          break;
        }
        default:
          message.skip();
      }
    }
    if (metadata.type != "unknown" || !metadata.help.empty() || !metadata.unit.empty())
      pending_metadata_ = std::move(metadata);
    return {};
  }

  /// Of the last of `total` samples; the list stays empty while none has a start.
  static void note_start(std::vector<std::int64_t>& starts, std::int64_t start_ms,
                         std::size_t total) {
    if (start_ms == 0 && starts.empty()) return;
    starts.resize(total);
    starts.back() = start_ms;
  }

  Status read_series(pbf_reader message) {
    TRY_STATUS(budget_.take(sizeof(SampleBatch::Series) + sizeof(std::string)));
    ++series_count_;
    SampleBatch::Series series;
    auto& labels = out_.label_arena.emplace_back();
    pending_metadata_.reset();
    Refused bad_labels, refused;
    const BatchEnd before(out_);
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          if (auto added = append_labels(message, labels); !added)
            TRY_STATUS(bad_labels.take(std::move(added).error(), 0));
          break;
        case 2: {
          TRY_STATUS(budget_.take(sizeof(Sample)));
          std::int64_t start = 0;
          out_.batch.samples.push_back(read_sample(message.get_message(), &start));
          note_start(out_.batch.sample_starts, start, out_.batch.samples.size());
          ++series.sample_count;
          break;
        }
        case 3: {
          std::int64_t start = 0;
          auto histogram = read_histogram(message.get_view(), budget_, &start);
          if (!histogram) {
            TRY_STATUS(refused.take(std::move(histogram).error(), 1));
            break;
          }
          out_.batch.histograms.push_back(*std::move(histogram));
          note_start(out_.batch.histogram_starts, start, out_.batch.histograms.size());
          ++series.histogram_count;
          break;
        }
        case 4:
          TRY_STATUS(if_any(read_exemplar(message.get_message())));
          break;
        case 5:
          TRY_STATUS(if_any(read_metadata(message.get_message())));
          break;
        default:
          message.skip();
      }
    }
    const auto taken = series.sample_count + series.histogram_count;
    if (!bad_labels.why.empty()) {
      bad_labels.count = std::max<std::size_t>(taken + refused.count, 1);
      reject(out_, bad_labels, fmt::format("series {} of the request", series_count_));
      return leave_out(before);
    }
    if (refused.count > 0) reject(out_, refused, series_text(labels));
    if (refused.count > 0 && taken == 0) return leave_out(before);
    series.labels = labels;
    out_.batch.series.push_back(series);
    if (pending_metadata_) return keep_metadata(labels);
    return {};
  }

  /// What stands beside the samples is left out without a word where it is no good.
  static Status if_any(Status read) {
    if (!read && read.error().code == ErrorCode::kTooLarge) return read;
    return {};
  }

  /// The series that was read last.
  Status leave_out(const BatchEnd& before) {
    before.cut(out_);
    out_.label_arena.pop_back();
    return {};
  }

  /// 2.0 states metadata a series; the family is the metric's name (without a classic histogram's
  /// suffix).
  Status keep_metadata(std::string_view labels) {
    auto metadata = std::move(*pending_metadata_);
    metadata.family = store::find_label(labels, kMetricNameLabel);
    if (metadata.type == "histogram" || metadata.type == "summary")
      for (const std::string_view suffix : {"_bucket", "_sum", "_count"})
        if (metadata.family.ends_with(suffix)) {
          metadata.family.resize(metadata.family.size() - suffix.size());
          break;
        }
    if (metadata.family.empty() || !is_text(metadata) ||
        (!out_.metadata.empty() && out_.metadata.back().family == metadata.family))
      return {};
    TRY_STATUS(budget_.take(sizeof(Metadata) + metadata.family.size() + metadata.help.size() +
                            metadata.unit.size()));
    out_.metadata.push_back(std::move(metadata));
    return {};
  }

  RemoteWrite out_;
  ExpansionBudget budget_{kMaxDecodedBytes};
  std::vector<std::string_view> symbols_;
  std::size_t series_count_ = 0;  ///< read until now
  std::optional<Metadata> pending_metadata_;
  std::string pair_;
};

/// protozero throws on malformed input; it ends here.
template <typename Read>
Result<RemoteWrite> caught(Read&& read) {
  try {
    return read();
  } catch (const protozero::exception& error) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the body is not a well-formed remote write request: {}", error.what()));
  }
}

}  // namespace

std::optional<std::string> fault_of_histogram(const Histogram& h, WireCounts counts) {
  const bool custom = h.schema == kCustomBucketsSchema;
  if (!custom && (h.schema < -4 || h.schema > kMaxReservedSchema))
    return fmt::format("its schema is {}; -4 to {} and -53 are known", h.schema,
                       kMaxReservedSchema);
  if (!(h.zero_threshold >= 0) || std::isinf(h.zero_threshold))
    return fmt::format("its zero threshold is {}; a number from 0 on is wanted", h.zero_threshold);
  if (!(h.zero_count >= 0)) return fmt::format("its zero count is {}", h.zero_count);
  if (h.count < 0) return fmt::format("its count is {}", h.count);
  if (!custom && !h.custom_bounds.empty()) return "it has custom bounds with an exponential schema";
  if (auto fault = fault_of_buckets(h.positive_spans, h.positive_counts)) return fault;
  if (auto fault = fault_of_buckets(h.negative_spans, h.negative_counts)) return fault;
  if (custom)
    if (auto fault = fault_of_custom(h)) return fault;
  return counts == WireCounts::kIntegers ? fault_of_total(h) : std::nullopt;
}

Histogram in_kept_schema(Histogram h) {
  return h.schema > kMaxSchema ? promql::to_schema(h, kMaxSchema) : h;
}

Result<std::string> unpack_snappy(std::string_view packed, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size))
    return fail(ErrorCode::kInvalid, "the body is not in snappy's block format");
  if (size > max_bytes)
    return fail(
        ErrorCode::kTooLarge,
        fmt::format("the body says that it unpacks to {} bytes; the limit is {}", size, max_bytes));
  // Snappy's densest element makes 64 bytes of 3.
  if (size / 32 > packed.size())
    return fail(ErrorCode::kInvalid, "the body cannot unpack to the length that it states");
  std::string plain;
  // libstdc++ 12 hands the rounded capacity to the operation, not the size that was asked for.
  plain.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
  if (!snappy::RawUncompress(packed.data(), packed.size(), plain.data()))
    return fail(ErrorCode::kInvalid, "the body is not in snappy's block format");
  return plain;
}

Result<RemoteWrite> decode_remote_write_1(std::string_view plain) {
  return caught([&] { return read_1(plain); });
}

Result<RemoteWrite> decode_remote_write_2(std::string_view plain) {
  return caught([&] { return Decoder2().read(plain); });
}

}  // namespace wellrun::telemetry
