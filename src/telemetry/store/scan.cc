// Scans: the samples of matching series as they lie in the head, copied block by block under one
// lock each, and labels only where a group or an answer needs them.

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/sample_weight.h"
#include "telemetry/store/core.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/series_reader.h"

namespace wellrun::telemetry::store {
namespace {

/// Within one block: what was copied of a series under the block's lock.
struct Copied {
  std::size_t series = 0;            ///< number in the scan
  std::size_t first = 0, count = 0;  ///< in the copy
  bool needs_reader = false;         ///< has more than floats in memory
};

class StoreScan final : public SeriesScan {
 public:
  StoreScan(const Core& core, ReadPins::Pin pin, const Roaring& refs, TimeRange range,
            SamplesWanted wanted, const ReadLimits& limits)
      : core_(core),
        pin_(std::move(pin)),
        range_(range),
        wanted_(wanted),
        limits_(limits),
        refs_(refs.cardinality()) {
    refs.toUint32Array(refs_.data());
  }

  std::size_t size() const override { return refs_.size(); }
  Labels labels(std::size_t series) const override {
    return labels_from_bytes(bytes_of(refs_[series]));
  }
  bool any_has(std::string_view label) const override { return core_.index.any_has(label, refs_); }
  SeriesGroups groups(const GroupBy& by) const override {
    return core_.groups.of(core_.head, by, refs_);
  }

  Status read(std::size_t first, std::size_t last, const SeriesVisit& visit) const override {
    SeriesReader reader(core_, range_);
    std::vector<Sample> samples;
    std::vector<Copied> copies;
    while (first < last) {
      if (limits_.cancelled && limits_.cancelled())
        return fail(ErrorCode::kCancelled, "the read was cancelled");
      const auto block = refs_[first] / SeriesBlock::kSize;
      auto end = first;
      while (end < last && refs_[end] / SeriesBlock::kSize == block) ++end;
      copy_block(first, end, samples, copies);
      TRY_STATUS(count(copies.size(), samples.size()));
      for (const auto& copy : copies) {
        TRY(const bool go_on, show(copy, samples, reader, visit));
        if (!go_on) return {};
      }
      first = end;
    }
    return {};
  }

 private:
  std::string_view bytes_of(std::uint32_t ref) const { return core_.head.at(ref).label_bytes(); }

  void copy_block(std::size_t first, std::size_t end, std::vector<Sample>& samples,
                  std::vector<Copied>& copies) const {
    samples.clear();
    copies.clear();
    const std::scoped_lock lock(core_.head.block_of(refs_[first]).mutex);
    for (auto i = first; i < end; ++i) {
      const auto& series = core_.head.at(refs_[i]);
      Copied copy{i, samples.size(), 0, false};
      const auto part = within(series.floats.samples(), range_);
      if (SeriesReader::needed_for(series, range_, part, wanted_) ||
          core_.starts->knows(refs_[i])) {
        copy.needs_reader = true;
      } else {
        if (series.is_recent(range_.start_ms))
          take(within(series.recent.samples(), range_), samples);
        take(part, samples);
        if (wanted_ == SamplesWanted::kLatest && samples.size() > copy.first)
          copy.first = samples.size() - 1;
        copy.count = samples.size() - copy.first;
        if (copy.count == 0) continue;
      }
      copies.push_back(copy);
    }
  }

  void take(std::span<const Sample> part, std::vector<Sample>& samples) const {
    if (wanted_ == SamplesWanted::kLatest) part = part.last(std::min<std::size_t>(1, part.size()));
    samples.insert(samples.end(), part.begin(), part.end());
  }

  Result<bool> show(const Copied& copy, const std::vector<Sample>& samples, SeriesReader& reader,
                    const SeriesVisit& visit) const {
    if (!copy.needs_reader)
      return visit(copy.series, {.floats = std::span(samples).subspan(copy.first, copy.count)});
    TRY(const SeriesData* const read, reader.read(refs_[copy.series]));
    const auto& data = *read;
    TRY_STATUS(count(0, data.samples.size() + weight_of(data.histograms)));
    if (data.samples.empty() && data.histograms.empty()) return true;
    return visit(copy.series,
                 {data.samples, data.histograms, data.sample_starts, data.histogram_starts});
  }

  Status count(std::size_t series, std::size_t samples) const {
    return check_limits(limits_, series_read_ += series, samples_read_ += samples);
  }

  const Core& core_;
  const ReadPins::Pin pin_;
  const TimeRange range_;
  const SamplesWanted wanted_;
  const ReadLimits limits_;
  std::vector<std::uint32_t> refs_;
  mutable std::atomic<std::size_t> series_read_ = 0, samples_read_ = 0;  ///< of all parts together
};

}  // namespace

Result<std::unique_ptr<SeriesScan>> scan_series(const Core& core,
                                                const std::vector<Matcher>& matchers,
                                                TimeRange range, SamplesWanted wanted,
                                                const ReadLimits& limits) {
  auto pin = core.pins.pin();
  TRY(const auto refs, core.index.match(matchers));
  return std::make_unique<StoreScan>(core, std::move(pin), refs, range, wanted, limits);
}

}  // namespace wellrun::telemetry::store
