#include "telemetry/scrape/scrape_result.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>

#include "telemetry/otlp/series_batch.h"

namespace wellrun::telemetry::scrape {
namespace {

constexpr std::array kReportNames = {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                                     "scrape_samples_post_metric_relabeling",
                                     "scrape_series_added"};

double stale() {
  return std::bit_cast<double>(kStaleNanBits);
}

Labels named(Labels labels, std::string_view name) {
  labels.set(kMetricNameLabel, name);
  return labels;
}

SeriesWrite one_sample(Labels labels, std::int64_t time_ms, double value) {
  SeriesWrite out;
  out.labels = std::move(labels);
  out.samples.push_back({time_ms, value});
  return out;
}

Labels with_target(Labels sample, const Labels& target, bool honor_labels) {
  for (const auto& label : target) {
    const std::string theirs(sample.get(label.name));
    if (theirs.empty()) {
      sample.set(label.name, label.value);
    } else if (!honor_labels) {
      std::string exported = "exported_" + label.name;
      while (sample.has(exported) || target.has(exported)) exported.insert(0, "exported_");
      sample.set(exported, theirs);
      sample.set(label.name, label.value);
    }
  }
  return sample;
}

Result<Exposition> read(const ScrapeTarget& target, const Result<http::Response>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200)
    return fail(ErrorCode::kUnavailable,
                fmt::format("the target answered with status {}", answer->status));
  return parse_exposition(
      answer->body, format_of(http::find_header(answer->headers, "content-type")), target.limits);
}

void add_reports(const Labels& target, std::int64_t time_ms,
                 const std::array<double, kReportNames.size()>& values,
                 std::vector<SeriesWrite>& out) {
  for (std::size_t i = 0; i < values.size(); ++i)
    out.push_back(one_sample(named(target, kReportNames[i]), time_ms, values[i]));
}

}  // namespace

ScrapeWrite apply_scrape(const ScrapeTarget& target, const Result<http::Response>& answer,
                         const SeriesSet& before, std::int64_t time_ms, Duration took) {
  ScrapeWrite out;
  const auto labels = target_labels(target);
  auto read_answer = read(target, answer);
  if (!read_answer) out.error = to_string(read_answer.error());
  auto exposition = std::move(read_answer).value_or(Exposition{});

  SeriesBatch batch;
  std::set<std::pair<Labels, std::int64_t>> kept;
  for (auto& sample : exposition.samples) {
    auto series = with_target(std::move(sample.labels), labels, target.honor_labels);
    const bool timed = target.honor_timestamps && sample.time_ms.has_value();
    const auto time = timed ? *sample.time_ms : time_ms;
    if (!kept.emplace(series, time).second) continue;
    batch.add(series, Sample{time, sample.value});
    if (!timed) out.seen.insert(std::move(series));
  }
  std::size_t added = 0;
  for (const auto& series : out.seen) added += before.contains(series) ? 0 : 1;
  for (const auto& series : before)
    if (!out.seen.contains(series)) batch.add(series, Sample{time_ms, stale()});

  const auto count = static_cast<double>(exposition.samples.size());
  out.series = std::move(batch).finish();
  out.metadata = std::move(exposition.metadata);
  add_reports(
      labels, time_ms,
      {out.error.empty() ? 1.0 : 0.0, to_seconds(took), count, count, static_cast<double>(added)},
      out.series);
  return out;
}

std::vector<SeriesWrite> forget_target(const ScrapeTarget& target, const SeriesSet& before,
                                       std::int64_t time_ms) {
  std::vector<SeriesWrite> out;
  for (const auto& series : before) out.push_back(one_sample(series, time_ms, stale()));
  std::array<double, kReportNames.size()> values;
  values.fill(stale());
  add_reports(target_labels(target), time_ms, values, out);
  return out;
}

}  // namespace wellrun::telemetry::scrape
