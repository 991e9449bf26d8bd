// Mending a damaged database: what memory knows of it is written anew, then what cannot be read is
// taken out.

#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20;
constexpr Duration kBetweenTries = std::chrono::minutes(10);

/// Under checkpoint_mutex. A row that comes twice is the same row.
class KnownRows {
 public:
  explicit KnownRows(Core& core) : core_(core) {}

  Status put() {
    TRY_STATUS(put_series());
    for (std::uint32_t i = 0; i < core_.head.block_count(); ++i)
      if (core_.head.block(i) != nullptr)
        TRY_STATUS(put(Family::kDefault, bounds_key(i), bounds_value(core_, i)));
    TRY_STATUS(put_metadata());
    TRY_STATUS(put(Family::kDefault, kFormatKey, kFormat));
    TRY_STATUS(put(Family::kDefault, kOpensKey, number(core_.opens)));
    TRY_STATUS(put(Family::kDefault, kGivenUpKey, given_up_value(core_.given_up_bytes)));
    TRY_STATUS(write());
    return core_.database->flush_metrics();
  }

 private:
  Status put_series() {
    for (std::uint32_t ref = 0; ref < core_.persisted_end; ++ref) {
      if (!core_.head.has(ref) || core_.head.at(ref).gone) continue;
      std::string key;
      put_key32(key, ref);
      TRY_STATUS(put(Family::kSeries, key, core_.head.at(ref).label_bytes()));
    }
    return {};
  }

  Status put_metadata() {
    for (const auto& family : core_.metadata.families())
      TRY_STATUS(put(Family::kDefault, metadata_key(family), core_.metadata.row_of(family)));
    return {};
  }

  static std::string number(std::uint64_t value) {
    std::string bytes;
    put_fixed(bytes, value);
    return bytes;
  }

  Status put(Family family, const std::string& key, std::string_view value) {
    batch_.Put(core_.database->family(family), key, rocksdb::Slice(value.data(), value.size()));
    return batch_.GetDataSize() > kBatchBytes ? write() : Status{};
  }

  Status write() {
    TRY_STATUS(core_.database->write_unlogged(batch_));
    batch_.Clear();
    return {};
  }

  Core& core_;
  rocksdb::WriteBatch batch_;
};

}  // namespace

std::string metadata_key(const std::string& family) {
  return "m" + family;
}

Status mend(Core& core) {
  if (!core.database->is_damaged()) return {};
  const bool is_mended = core.database->awaits_restart();
  if (!is_mended) {
    const std::scoped_lock once(core.checkpoint_mutex);
    TRY_STATUS(checkpoint_alone(core));
    TRY_STATUS(KnownRows(core).put());
  }
  TRY(const bool is_used,
      core.database->mend(core.options.dir / "lost", core.reclaiming_cancelled));
  if (is_used)
    log(Level::kInfo, "telemetry/store", "damaged tables were mended: compaction goes on", {});
  else if (!is_mended)
    log(Level::kWarning, "telemetry/store",
        "damaged tables were mended, but are open as they were: they are used, and compaction goes "
        "on, after the next start",
        {});
  return {};
}

void mend_in_background(Core& core) {
  const auto now = core.runtime.clock.steady();
  if (!core.database->is_damaged() || now < core.next_mending || core.is_reclaiming.exchange(true))
    return;
  core.next_mending = now + kBetweenTries;
  core.reclaim_with([&core] {
    const auto done = mend(core);
    core.is_reclaiming = false;
    if (!done && !core.reclaiming_cancelled)
      core.note_damage({"mending of damaged tables", to_string(done.error())});
  });
}

}  // namespace wellrun::telemetry::store
