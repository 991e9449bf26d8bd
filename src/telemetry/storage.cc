#include "telemetry/storage.h"

#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {

Result<std::unique_ptr<SeriesScan>> MetricReader::scan(const std::vector<Matcher>& matchers,
                                                       TimeRange range, SamplesWanted,
                                                       const ReadLimits& limits) const {
  TRY(auto series, select(matchers, range, limits));
  return scan_of(std::move(series));
}

Result<WriteOutcome> MetricWriter::write_batch(const SampleBatch& batch) {
  constexpr std::size_t kMaxLabelBytes = 64U << 10;
  std::vector<SeriesWrite> series;
  std::vector<std::size_t> places;  // in the batch, of what stands in `series`
  WriteOutcome refused;
  auto sample = batch.samples.begin();
  auto histogram = batch.histograms.begin();
  for (const auto& one : batch.series) {
    SeriesWrite write;
    const auto first_sample = std::exchange(sample, sample + one.sample_count);
    const auto first_histogram = std::exchange(histogram, histogram + one.histogram_count);
    const auto labels = store::canonical_label_bytes(one.labels, kMaxLabelBytes);
    if (!labels) {
      if (refused.rejected == 0) refused.first_rejection = labels.error().message;
      refused.rejected += one.sample_count + one.histogram_count;
      const auto index = static_cast<std::size_t>(&one - batch.series.data());
      for (auto at = first_sample; at != sample; ++at)
        refused.rejections.push_back({index, at->time_ms});
      for (auto at = first_histogram; at != histogram; ++at)
        refused.rejections.push_back({index, at->time_ms});
      continue;
    }
    write.labels = store::labels_from_bytes(*labels);
    write.samples.assign(first_sample, sample);
    write.histograms.assign(first_histogram, histogram);
    const auto starts_of = [](const std::vector<std::int64_t>& starts, std::ptrdiff_t first,
                              std::uint32_t count) {
      if (starts.empty()) return std::vector<std::int64_t>();
      return std::vector(starts.begin() + first, starts.begin() + first + count);
    };
    write.sample_starts =
        starts_of(batch.sample_starts, first_sample - batch.samples.begin(), one.sample_count);
    write.histogram_starts = starts_of(
        batch.histogram_starts, first_histogram - batch.histograms.begin(), one.histogram_count);
    series.push_back(std::move(write));
    places.push_back(static_cast<std::size_t>(&one - batch.series.data()));
  }
  TRY(auto outcome, this->write(std::move(series)));
  if (outcome.rejected == 0) outcome.first_rejection = refused.first_rejection;
  outcome.rejected += refused.rejected;
  for (auto& rejection : outcome.rejections)
    rejection.series_index = places[rejection.series_index];
  outcome.rejections.insert(outcome.rejections.end(), refused.rejections.begin(),
                            refused.rejections.end());
  return outcome;
}

}  // namespace wellrun::telemetry
