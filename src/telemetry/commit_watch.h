#pragma once

// Learns which metrics were written: a MetricWriter around the store's that tells, by metric name,
// what was committed since it was asked last. Rules become due by it.
//
// It must cost the writer next to nothing: one look into a table of bytes for each change of the
// metric's name in a batch, and a note only for the first commit since the last take(). Names share
// places in the table by hash; who shares a place with a written one is told, too: a needless
// evaluation is harmless, a missed one is not. docs/decisions/rules-due-on-commit.md says why.

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// Thread-safe.
class CommitWatch final : public MetricWriter {
 public:
  /// `store` outlives it.
  explicit CommitWatch(MetricWriter& store) : store_(store) {}

  struct Interest {
    std::vector<std::string> names;  ///< unique
    bool everything = false;         ///< also a commit of any other name is to be told
  };
  /// Replaces what is watched; what was committed and not taken yet stays so where it is still
  /// watched. `notify` is called from the writing thread at the first commit since the last take(),
  /// and must return quickly.
  void watch(Interest interest, std::function<void()> notify);

  struct Committed {
    std::vector<std::size_t> names;  ///< indexes into Interest::names, ascending
    bool anything = false;           ///< only when everything was asked for
  };
  /// What was committed since the last call.
  Committed take();

  Result<WriteOutcome> write(std::vector<SeriesWrite> series) override;
  Result<WriteOutcome> write_batch(const SampleBatch& batch) override;
  void put_metadata(std::vector<Metadata> metadata) override {
    store_.put_metadata(std::move(metadata));
  }

 private:
  enum Mark : std::uint8_t { kUnwatched, kWatched, kCommitted };
  static constexpr std::size_t kPlaces = 1U << 14;  ///< fits into a first-level cache

  static std::size_t place_of(std::string_view name);
  static void set_watched(std::atomic<std::uint8_t>& place, bool watched);
  /// True when it was the first since the last take().
  bool mark(std::string_view name);
  bool mark_anything();
  void announce();

  MetricWriter& store_;
  std::array<std::atomic<std::uint8_t>, kPlaces> marks_{};
  std::atomic<std::uint8_t> anything_{kUnwatched};
  std::atomic<bool> announced_{false};

  std::mutex mutex_;  ///< of what follows
  std::map<std::size_t, std::vector<std::size_t>> names_at_;
  std::function<void()> notify_;
};

/// The value of __name__ in the protobuf bytes of SampleBatch::Series::labels; empty when there is
/// none or they are malformed.
std::string_view metric_name_in(std::string_view labels);

}  // namespace wellrun::telemetry
