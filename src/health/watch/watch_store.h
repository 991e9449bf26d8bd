#pragma once

// Where the states of watched series survive: one SQLite file, docs/baselines.md, "Stored form".
// Thread-safe; one caller at a time.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/labels.h"
#include "core/result.h"
#include "health/watch/watched_series.h"
#include "platform/db/sqlite.h"

namespace wellrun::health::watch {

struct StoredWatch {
  std::string key;
  std::string definition;
  Timestamp read_to{};
};

struct StoredSeries {
  Labels identity;
  std::string model;
  Json notes;
  std::deque<Anomaly> anomalies;
};

class WatchStore {
 public:
  /// The file is opened at the first use, so that a start does not wait for it. One that is damaged
  /// or not ours is set aside as `<path>.damaged` and begun anew: what it held can be learned
  /// again.
  explicit WatchStore(std::string path) : path_(std::move(path)) {}

  Result<std::vector<StoredWatch>> watches();
  /// Of one watch; rows that cannot be read are left out.
  Result<std::vector<StoredSeries>> series(const std::string& watch);

  /// All or nothing: `changed` is put, `gone` (identities) removed.
  Status save(const StoredWatch& watch, const std::vector<StoredSeries>& changed,
              const std::vector<Labels>& gone);
  /// Removes everything of a watch.
  Status forget(const std::string& watch);

 private:
  Result<db::Sqlite*> database();

  std::string path_;
  std::optional<db::Sqlite> database_;
};

}  // namespace wellrun::health::watch
