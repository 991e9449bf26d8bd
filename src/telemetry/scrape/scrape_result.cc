#include "telemetry/scrape/scrape_result.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>

#include "core/text.h"
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

/// A label that the target gives empty is given: honoured, the sample is without it. So a
/// Pushgateway keeps its own `instance` away from what was pushed without one. Source: Prometheus,
/// mutateSampleLabels.
Labels with_target(ExposedSample& exposed, const Labels& target, bool honor_labels) {
  auto sample = std::move(exposed.labels);
  for (const auto& label : target) {
    const std::string theirs(sample.get(label.name));
    if (theirs.empty()) {
      const auto& empty = exposed.empty_labels;
      const bool given = std::ranges::find(empty, label.name) != empty.end();
      if (!honor_labels || !given) sample.set(label.name, label.value);
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
  return parse_exposition(answer->body,
                          format_of(http::find_header(answer->headers, "content-type")),
                          target.limits, target.classic_histograms);
}

void add_reports(const Labels& target, std::int64_t time_ms,
                 const std::array<double, kReportNames.size()>& values,
                 std::vector<SeriesWrite>& out) {
  for (std::size_t i = 0; i < values.size(); ++i)
    out.push_back(one_sample(named(target, kReportNames[i]), time_ms, values[i]));
}

}  // namespace

namespace {

/// Samples as they are to be stored: with the target's labels, relabelled, within the limits.
struct Taken {
  std::vector<ExposedSample> samples;  ///< none when something failed
  std::vector<Metadata> metadata;
  std::size_t exposed = 0;    ///< before relabelling
  std::size_t remaining = 0;  ///< after it
  std::string error;          ///< what of the samples is not as it may be; empty: nothing
};

Status check_limits(const SampleLimits& limits, const Labels& labels) {
  if (limits.labels != 0 && labels.size() > limits.labels)
    return fail(ErrorCode::kTooLarge, fmt::format("{} has {} labels; the limit is {}",
                                                  to_string(labels), labels.size(), limits.labels));
  for (const auto& label : labels) {
    if (limits.label_name_bytes != 0 && label.name.size() > limits.label_name_bytes)
      return fail(ErrorCode::kTooLarge, fmt::format("label name {} has {} bytes; the limit is {}",
                                                    quote(label.name.substr(0, 80)),
                                                    label.name.size(), limits.label_name_bytes));
    if (limits.label_value_bytes != 0 && label.value.size() > limits.label_value_bytes)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("the value of label {} has {} bytes; the limit is {}",
                              quote(label.name), label.value.size(), limits.label_value_bytes));
  }
  return {};
}

Status check_sample(const SampleLimits& limits, const Labels& series, std::size_t index) {
  if (series.metric_name().empty())
    return fail(ErrorCode::kInvalid,
                fmt::format("{} has no metric name after relabelling", to_string(series)));
  TRY_STATUS(check_limits(limits, series));
  if (limits.samples != 0 && index >= limits.samples)
    return fail(ErrorCode::kTooLarge,
                fmt::format("more samples than the limit of {}", limits.samples));
  return {};
}

/// All are counted, also behind one that fails the scrape: how far it is over a limit is to be
/// seen.
Taken take(const ScrapeTarget& target, const Labels& labels, Exposition exposition) {
  Taken taken;
  taken.exposed = exposition.samples.size();
  for (auto& sample : exposition.samples) {
    auto series = with_target(sample, labels, target.honor_labels);
    if (!target.metric_relabelling.empty()) {
      auto relabelled = target.metric_relabelling.apply(std::move(series));
      if (!relabelled) continue;
      series = std::move(*relabelled);
    }
    const auto index = taken.remaining++;
    if (!taken.error.empty()) continue;
    if (const auto fits = check_sample(target.sample_limits, series, index); !fits)
      taken.error = to_string(fits.error());
    sample.labels = std::move(series);
    taken.samples.push_back(std::move(sample));
  }
  if (taken.error.empty())
    taken.metadata = std::move(exposition.metadata);
  else
    taken.samples.clear();
  return taken;
}

}  // namespace

ScrapeWrite apply_scrape(const ScrapeTarget& target, const Result<http::Response>& answer,
                         const SeriesSet& before, std::int64_t time_ms,
                         std::chrono::nanoseconds took) {
  ScrapeWrite out;
  const auto labels = target_labels(target);
  auto exposition = read(target, answer);
  auto taken = exposition ? take(target, labels, std::move(*exposition)) : Taken{};
  out.error = exposition ? std::move(taken.error) : to_string(exposition.error());

  SeriesBatch batch;
  std::set<std::pair<Labels, std::int64_t>> kept;
  for (auto& sample : taken.samples) {
    const bool timed = target.honor_timestamps && sample.time_ms.has_value();
    const auto time = timed ? *sample.time_ms : time_ms;
    if (!kept.emplace(sample.labels, time).second) continue;
    const auto start = sample.start_ms <= time ? sample.start_ms : 0;
    for (auto& exemplar : sample.exemplars)
      out.exemplars.push_back({sample.labels, std::move(exemplar)});
    if (sample.histogram)
      batch.add(sample.labels, HistogramSample{time, std::move(sample.histogram)}, start);
    else
      batch.add(sample.labels, Sample{time, sample.value}, start);
    if (sample.exemplar) {
      if (sample.exemplar->time_ms == 0) {
        sample.exemplar->time_ms = time;
        sample.exemplar->has_own_time = false;
      }
      out.exemplars.push_back({sample.labels, std::move(*sample.exemplar)});
    }
    if (!timed || target.track_timestamps_staleness) out.seen.insert(std::move(sample.labels));
  }
  std::size_t added = 0;
  for (const auto& series : out.seen) added += before.contains(series) ? 0 : 1;
  for (const auto& series : before)
    if (!out.seen.contains(series)) batch.add(series, Sample{time_ms, stale()});

  out.series = std::move(batch).finish();
  out.metadata = std::move(taken.metadata);
  add_reports(labels, time_ms,
              {out.error.empty() ? 1.0 : 0.0, std::chrono::duration<double>(took).count(),
               static_cast<double>(taken.exposed), static_cast<double>(taken.remaining),
               static_cast<double>(added)},
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
