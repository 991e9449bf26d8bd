#include "telemetry/store/signals.h"

#include <algorithm>
#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kTailBytes = 16;  ///< time and sequence at the end of every key
constexpr std::size_t kMaxScanned = 2'000'000;
constexpr std::size_t kPruneBatch = 10'000;
constexpr std::int64_t kNsPerMs = 1'000'000;

void put_attributes(std::string& out, const Labels& attributes) {
  put_varint(out, attributes.size());
  for (const auto& [name, value] : attributes) {
    put_text(out, name);
    put_text(out, value);
  }
}

Labels read_attributes(ByteReader& reader) {
  std::vector<Label> attributes;
  for (auto count = reader.varint(); count > 0 && !reader.failed(); --count) {
    std::string name(reader.text());
    attributes.push_back(Label{std::move(name), std::string(reader.text())});
  }
  return Labels(std::move(attributes));
}

std::string tail_of(std::int64_t time, std::uint64_t sequence) {
  std::string key;
  put_key_time(key, time);
  put_key64(key, sequence);
  return key;
}

std::string index_prefix(char kind, std::string_view text) {
  std::string key(1, kind);
  for (const char c : text) {
    key += c;
    if (c == '\0') key += '\xff';
  }
  key.append(2, '\0');
  return key;
}

struct Access {
  Family records, index;
};
constexpr Access kLogAccess{Family::kLogs, Family::kLogsIndex};
constexpr Access kSpanAccess{Family::kSpans, Family::kSpansIndex};

void put_record(rocksdb::WriteBatch& batch, const Database& database, Access access,
                const std::string& tail, const std::string& value, std::string_view trace_id,
                std::string_view service) {
  batch.Put(database.family(access.records), tail, value);
  if (!trace_id.empty())
    batch.Put(database.family(access.index), index_prefix('t', trace_id) + tail, {});
  if (!service.empty())
    batch.Put(database.family(access.index), index_prefix('s', service) + tail, {});
}

/// Newest first: calls `each(value)` for records in [start, end] until it returns false. The
/// narrowest key is used.
template <typename Each>
Status scan(const Database& database, Access access, std::int64_t start, std::int64_t end,
            const std::optional<std::string>& trace_id, const std::optional<std::string>& service,
            Each&& each) {
  if (start > end) return {};
  const bool indexed = (trace_id && !trace_id->empty()) || (service && !service->empty());
  const auto prefix = !indexed                         ? std::string()
                      : trace_id && !trace_id->empty() ? index_prefix('t', *trace_id)
                                                       : index_prefix('s', *service);
  const auto rows = database.iterate(indexed ? access.index : access.records);
  std::size_t scanned = 0;
  for (rows->SeekForPrev(prefix + tail_of(end, UINT64_MAX)); rows->Valid(); rows->Prev()) {
    const auto key = rows->key();
    if (key.size() != prefix.size() + kTailBytes || !key.starts_with(prefix)) break;
    if (read_key_time(key.data() + prefix.size()) < start) break;
    if (++scanned > kMaxScanned)
      return fail(ErrorCode::kTooLarge,
                  "more than 2,000,000 records were looked at: narrow the time range, or name a "
                  "service or trace");
    if (!indexed) {
      if (!each(std::string_view(rows->value().data(), rows->value().size()))) return {};
      continue;
    }
    TRY(const auto value, database.get(access.records, key.ToString().substr(prefix.size())));
    if (value && !each(std::string_view(*value))) return {};
  }
  if (!rows->status().ok())
    return std::unexpected(database.error_of(rows->status(), "reading logs or spans"));
  return {};
}

/// Deletes records older than `cutoff` with their index entries; where something cannot be read,
/// those before it.
template <typename Keys>
Status drop(Database& database, Access access, std::int64_t cutoff, Keys&& keys_of) {
  const auto rows = database.iterate(access.records);
  rocksdb::WriteBatch batch;
  for (rows->SeekToFirst(); rows->Valid() && rows->key().size() == kTailBytes; rows->Next()) {
    if (read_key_time(rows->key().data()) >= cutoff) break;
    const auto tail = rows->key().ToString();
    batch.Delete(database.family(access.records), tail);
    const auto [trace_id, service] =
        keys_of(std::string_view(rows->value().data(), rows->value().size()));
    if (!trace_id.empty())
      batch.Delete(database.family(access.index), index_prefix('t', trace_id) + tail);
    if (!service.empty())
      batch.Delete(database.family(access.index), index_prefix('s', service) + tail);
    if (batch.Count() > kPruneBatch) {
      TRY_STATUS(database.write(batch));
      batch.Clear();
    }
  }
  if (batch.Count() > 0) TRY_STATUS(database.write(batch));
  if (!rows->status().ok())
    return std::unexpected(database.error_of(rows->status(), "dropping old logs or spans"));
  return {};
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kCorrupt,
              std::string("a stored ") + std::string(what) + " cannot be read");
}

template <typename Record>
std::pair<std::string, std::string> index_keys(const std::optional<Record>& record) {
  return record ? std::pair(record->trace_id, record->service)
                : std::pair<std::string, std::string>();
}

std::int64_t to_ns(std::int64_t ms) {
  if (ms > INT64_MAX / kNsPerMs) return INT64_MAX;
  if (ms < INT64_MIN / kNsPerMs) return INT64_MIN;
  return ms * kNsPerMs;
}

}  // namespace

std::string encode_log(const LogRecord& record) {
  std::string out(1, kVersion);
  put_varint(out, zigzag(to_unix_ms(record.time)));
  put_varint(out, zigzag(record.severity));
  for (const auto* text :
       {&record.severity_text, &record.service, &record.body, &record.trace_id, &record.span_id})
    put_text(out, *text);
  put_attributes(out, record.attributes);
  return out;
}

std::optional<LogRecord> decode_log(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kVersion) return std::nullopt;
  LogRecord record;
  record.time = from_unix_ms(reader.zigzag());
  record.severity = static_cast<int>(reader.zigzag());
  for (auto* text :
       {&record.severity_text, &record.service, &record.body, &record.trace_id, &record.span_id})
    *text = reader.text();
  record.attributes = read_attributes(reader);
  if (reader.failed() || !reader.at_end()) return std::nullopt;
  return record;
}

std::string encode_span(const SpanRecord& record) {
  std::string out(1, kVersion);
  for (const auto* text : {&record.trace_id, &record.span_id, &record.parent_span_id, &record.name,
                           &record.service, &record.kind, &record.status, &record.status_message})
    put_text(out, *text);
  put_varint(out, zigzag(record.start_ns));
  put_varint(out, zigzag(wrapping_sub(record.end_ns, record.start_ns)));
  put_attributes(out, record.attributes);
  return out;
}

std::optional<SpanRecord> decode_span(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kVersion) return std::nullopt;
  SpanRecord record;
  for (auto* text : {&record.trace_id, &record.span_id, &record.parent_span_id, &record.name,
                     &record.service, &record.kind, &record.status, &record.status_message})
    *text = reader.text();
  record.start_ns = reader.zigzag();
  record.end_ns = wrapping_add(record.start_ns, reader.zigzag());
  record.attributes = read_attributes(reader);
  if (reader.failed() || !reader.at_end()) return std::nullopt;
  return record;
}

Status Signals::put_logs(const std::vector<LogRecord>& records) {
  rocksdb::WriteBatch batch;
  for (const auto& record : records)
    put_record(batch, database_, kLogAccess, tail_of(to_unix_ms(record.time), next_sequence_++),
               encode_log(record), record.trace_id, record.service);
  return batch.Count() == 0 ? Status{} : database_.write(batch);
}

Status Signals::put_spans(const std::vector<SpanRecord>& records) {
  rocksdb::WriteBatch batch;
  for (const auto& record : records)
    put_record(batch, database_, kSpanAccess, tail_of(record.start_ns, next_sequence_++),
               encode_span(record), record.trace_id, record.service);
  return batch.Count() == 0 ? Status{} : database_.write(batch);
}

Result<std::vector<LogRecord>> Signals::logs(const LogQuery& query) const {
  std::vector<LogRecord> found;
  bool is_sound = true;
  TRY_STATUS(scan(database_, kLogAccess, query.range.start_ms, query.range.end_ms, query.trace_id,
                  query.service, [&](std::string_view bytes) {
                    auto record = decode_log(bytes);
                    if (!record) return is_sound = false;
                    const bool wanted = record->severity >= query.min_severity &&
                                        (!query.service || record->service == *query.service) &&
                                        (!query.trace_id || record->trace_id == *query.trace_id) &&
                                        (!query.contains || record->body.contains(*query.contains));
                    if (wanted) found.push_back(std::move(*record));
                    return query.limit == 0 || found.size() < query.limit;
                  }));
  if (!is_sound) return malformed("log record");
  return found;
}

Result<std::vector<SpanRecord>> Signals::spans(const SpanQuery& query) const {
  std::vector<SpanRecord> found;
  bool is_sound = true;
  const auto end_ns = query.range.end_ms > INT64_MAX / kNsPerMs - 1
                          ? INT64_MAX
                          : to_ns(query.range.end_ms) + kNsPerMs - 1;
  TRY_STATUS(scan(database_, kSpanAccess, to_ns(query.range.start_ms), end_ns, query.trace_id,
                  query.service, [&](std::string_view bytes) {
                    auto record = decode_span(bytes);
                    if (!record) return is_sound = false;
                    const bool wanted =
                        (!query.service || record->service == *query.service) &&
                        (!query.trace_id || record->trace_id == *query.trace_id) &&
                        (!query.errors_only || record->status == "error") &&
                        wrapping_sub(record->end_ns, record->start_ns) >= query.min_duration_ns;
                    if (wanted) found.push_back(std::move(*record));
                    return query.limit == 0 || found.size() < query.limit;
                  }));
  if (!is_sound) return malformed("span");
  return found;
}

Status Signals::prune(std::int64_t cutoff_ms) {
  TRY_STATUS(drop(database_, kLogAccess, cutoff_ms,
                  [](std::string_view bytes) { return index_keys(decode_log(bytes)); }));
  return drop(database_, kSpanAccess, to_ns(cutoff_ms),
              [](std::string_view bytes) { return index_keys(decode_span(bytes)); });
}

}  // namespace wellrun::telemetry::store
