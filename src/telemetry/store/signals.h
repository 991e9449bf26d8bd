#pragma once

// Logs and spans in RocksDB: by time, and by trace id or service and time
// (docs/formats/telemetry.md). Thread-safe.

#include <atomic>

#include "telemetry/storage.h"
#include "telemetry/store/database.h"

namespace wellrun::telemetry::store {

class Signals {
 public:
  /// `opens`: how often this folder was opened: keeps sequence numbers unique.
  Signals(Database& database, std::uint64_t opens)
      : database_(database), next_sequence_(opens << 40) {}

  Status put_logs(const std::vector<LogRecord>& records);
  Status put_spans(const std::vector<SpanRecord>& records);
  Result<std::vector<LogRecord>> logs(const LogQuery& query) const;
  Result<std::vector<SpanRecord>> spans(const SpanQuery& query) const;

  /// Drops what is older.
  Status prune(std::int64_t cutoff_ms);

 private:
  Database& database_;
  std::atomic<std::uint64_t> next_sequence_;
};

/// The stored form; std::nullopt for bytes that are not one. Exact both ways.
std::string encode_log(const LogRecord& record);
std::optional<LogRecord> decode_log(std::string_view bytes);
std::string encode_span(const SpanRecord& record);
std::optional<SpanRecord> decode_span(std::string_view bytes);

}  // namespace wellrun::telemetry::store
