#pragma once

// One series after another, from the database and from memory. A checkpoint in between may show a
// sample twice, never hide it. One thread.

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {

template <typename TimedSample>
std::span<const TimedSample> within(std::span<const TimedSample> samples, TimeRange range) {
  const auto first = std::ranges::lower_bound(samples, range.start_ms, {}, &TimedSample::time_ms);
  const auto last = std::ranges::upper_bound(samples, range.end_ms, {}, &TimedSample::time_ms);
  return first < last ? std::span(first, last) : std::span<const TimedSample>();
}

/// kTooLarge when a read has come to more than it may.
Status check_limits(const ReadLimits& limits, std::size_t series, std::size_t samples);

class SeriesReader {
 public:
  SeriesReader(const Core& core, TimeRange range)
      : core_(core), range_(range), starts_(*core.starts) {}

  /// With the block locked. False: `in_memory`, the part of its floats that lies in the range, is
  /// all that is wanted of the series, after the part of its recent ones when is_recent().
  static bool needed_for(const Series& series, TimeRange range, std::span<const Sample> in_memory,
                         SamplesWanted wanted);

  /// Everything but the labels; valid until the next call, may be moved from. Without the block's
  /// lock.
  Result<SeriesData*> read(std::uint32_t ref);

 private:
  struct OnDisk {
    bool any = false;            ///< of what lies in the range, that is nowhere else
    bool worth_keeping = false;  ///< the chunks that are read for it
    std::shared_ptr<const KeptChunks> kept;
  };
  OnDisk look(const Series& series, std::uint64_t epoch) const;
  Status read_disk(std::uint32_t ref, std::uint64_t epoch, OnDisk& disk);
  std::shared_ptr<const KeptChunks> copy(std::uint32_t ref, bool behind_smaller);

  const Core& core_;
  const TimeRange range_;
  SeriesData data_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  std::uint64_t epoch_ = 0;
  std::optional<std::uint32_t> last_read_;  ///< with these rows
  StartTimes::Reader starts_;
};

}  // namespace wellrun::telemetry::store
