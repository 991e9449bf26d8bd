#include "telemetry/scrape/exposition_writer.h"

#include "telemetry/promql/histogram.h"
#include "telemetry/protozero_checked.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::scrape {
namespace {

using protozero::pbf_writer;

void write_labels(pbf_writer& metric, const std::vector<Label>& labels) {
  for (const auto& [name, value] : labels) {
    pbf_writer pair(metric, 1);
    pair.add_string(1, name);
    pair.add_string(2, value);
  }
}

void write_span(pbf_writer& histogram, protozero::pbf_tag_type tag, const Histogram::Span& span) {
  pbf_writer out(histogram, tag);
  out.add_sint32(1, span.offset);
  out.add_uint32(2, span.length);
}

/// One for each bound, also of those between which nothing was counted; their counts are
/// cumulative. The last, +Inf, follows from the count of all.
void write_custom_buckets(pbf_writer& histogram, const Histogram& h) {
  const auto counted = promql::positive_buckets(h);
  auto next = counted.begin();
  double count = 0;
  for (const double bound : h.custom_bounds) {
    for (; next != counted.end() && next->upper <= bound; ++next) count += next->count;
    pbf_writer out(histogram, 3);
    out.add_double(2, bound);
    out.add_double(4, count);
  }
}

void write_native_buckets(pbf_writer& histogram, const Histogram& h) {
  histogram.add_sint32(5, h.schema);
  histogram.add_double(6, h.zero_threshold);
  histogram.add_double(8, h.zero_count);
  for (const auto& span : h.negative_spans) write_span(histogram, 9, span);
  for (const double count : h.negative_counts) histogram.add_double(11, count);
  for (const auto& span : h.positive_spans) write_span(histogram, 12, span);
  for (const double count : h.positive_counts) histogram.add_double(14, count);
  // Without any span it would be taken for a classic one.
  if (h.negative_spans.empty() && h.positive_spans.empty()) write_span(histogram, 12, {});
}

}  // namespace

std::string& FamilyWriter::family(std::string_view name, Type type) {
  const auto [found, is_new] = families_.try_emplace({std::string(name), type});
  if (is_new) {
    pbf_writer out(found->second);
    out.add_string(1, found->first.first);
    out.add_enum(3, static_cast<std::int32_t>(type));
  }
  return found->second;
}

void FamilyWriter::add(std::string_view name, const std::vector<Label>& labels,
                       const Sample& sample) {
  pbf_writer out(family(name, Type::kUntyped));
  pbf_writer metric(out, 4);
  write_labels(metric, labels);
  {
    pbf_writer untyped(metric, 5);
    untyped.add_double(1, sample.value);
  }
  metric.add_int64(6, sample.time_ms);
}

void FamilyWriter::add(std::string_view name, const std::vector<Label>& labels,
                       const HistogramSample& sample) {
  const auto& h = *sample.histogram;
  const bool is_gauge = h.reset_hint == Histogram::ResetHint::kGauge;
  pbf_writer out(family(name, is_gauge ? Type::kGaugeHistogram : Type::kHistogram));
  pbf_writer metric(out, 4);
  write_labels(metric, labels);
  metric.add_int64(6, sample.time_ms);
  pbf_writer histogram(metric, 7);
  histogram.add_double(4, h.count);
  histogram.add_double(2, h.sum);
  if (promql::has_custom_buckets(h))
    write_custom_buckets(histogram, h);
  else
    write_native_buckets(histogram, h);
}

std::string FamilyWriter::finish() && {
  std::string out;
  for (const auto& [key, message] : families_) store::put_text(out, message);
  return out;
}

}  // namespace wellrun::telemetry::scrape
