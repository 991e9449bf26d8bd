#include "telemetry/exemplars.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <map>
#include <snappy.h>

#include "core/text.h"
#include "platform/log/log.h"
#include "telemetry/store/byte_io.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kMaxCharacters = 128;  ///< OpenMetrics: of all names and values

std::size_t characters_of(const Labels& labels) {
  std::size_t count = 0;
  for (const auto& label : labels)
    for (const auto* text : {&label.name, &label.value})
      count += static_cast<std::size_t>(
          std::ranges::count_if(*text, [](char c) { return (c & 0xC0) != 0x80; }));
  return count;
}

bool is_text(const Labels& labels) {
  return std::ranges::all_of(labels, [](const Label& label) {
    return is_valid_utf8(label.name) && is_valid_utf8(label.value);
  });
}

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = 0;
  for (const auto& label : labels) bytes += sizeof(Label) + label.name.size() + label.value.size();
  return bytes;
}

/// docs/formats/telemetry.md.
constexpr char kRecordOfExemplars = 1;

void append_entry(std::string& out, const Labels& series, const Exemplar& exemplar) {
  store::put_text(out, store::label_bytes(series));
  store::put_text(out, store::label_bytes(exemplar.labels));
  store::put_varint(out, store::zigzag(exemplar.time_ms));
  store::put_fixed(out, exemplar.value);
}

/// One that was exposed without a time comes with each scrape, at the time of that. Source:
/// Prometheus, exemplar.Equals.
bool same(const Exemplar& a, const Exemplar& b) {
  const bool timed = a.has_own_time || b.has_own_time;
  return (!timed || a.time_ms == b.time_ms) && a.labels == b.labels &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}

}  // namespace

struct ExemplarStore::Series {
  Labels labels;
  std::uint64_t hash = 0;
  std::size_t count = 0;  ///< slots that are its own
  Exemplar newest;
};

ExemplarStore::ExemplarStore(ExemplarLimits limits) : limits_(limits) {}
ExemplarStore::~ExemplarStore() = default;

ExemplarStore::Added ExemplarStore::add(const Labels& series, Exemplar exemplar) {
  if (characters_of(exemplar.labels) > kMaxCharacters) return Added::kTooLong;
  if (!is_text(exemplar.labels)) return Added::kNotText;
  const std::scoped_lock lock(mutex_);
  return add_locked(series, std::move(exemplar));
}

ExemplarStore::Added ExemplarStore::add_locked(const Labels& series, Exemplar exemplar) {
  const auto hash = stable_hash(series);
  auto& bucket = series_[hash];
  auto found = std::ranges::find(bucket, series, [](const auto& one) { return one->labels; });
  if (found == bucket.end()) {
    bucket.push_back(std::make_unique<Series>(Series{series, hash, 0, {}}));
    found = bucket.end() - 1;
    bytes_ += sizeof(Series) + bytes_of(series);
  }
  Series& owner = **found;
  if (owner.count > 0 && same(owner.newest, exemplar)) return Added::kSame;
  if (owner.count > 0 && comes_before(exemplar, owner.newest)) return Added::kOutOfOrder;
  owner.newest = exemplar;
  if (log_) append_entry(pending_, series, exemplar);
  ++owner.count;
  const auto bytes = sizeof(Slot) + bytes_of(exemplar.labels);
  bytes_ += bytes;
  slots_.push_back({&owner, std::move(exemplar), bytes});
  while (slots_.size() > limits_.max_count || (bytes_ > limits_.max_bytes && slots_.size() > 1))
    drop_oldest();
  return Added::kNew;
}

void ExemplarStore::drop_oldest() {
  Series* const owner = slots_.front().series;
  bytes_ -= slots_.front().bytes;
  slots_.pop_front();
  if (--owner->count > 0) return;
  bytes_ -= sizeof(Series) + bytes_of(owner->labels);
  const auto bucket = series_.find(owner->hash);
  std::erase_if(bucket->second, [&](const auto& one) { return one.get() == owner; });
  if (bucket->second.empty()) series_.erase(bucket);
}

Result<std::unique_ptr<ExemplarStore>> ExemplarStore::open(const std::filesystem::path& dir,
                                                           ExemplarLimits limits) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error)
    return fail(ErrorCode::kIo, "making the folder of exemplars failed: " + error.message(),
                dir.string());
  auto opened = std::make_unique<ExemplarStore>(limits);
  const auto segments = store::wal_segments(dir);
  for (const auto segment : segments) {
    const auto path = store::wal_segment_path(dir, segment);
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    store::WalReader reader(bytes, "exemplars/" + path.filename().string());
    for (std::string_view payload; reader.next(payload);) opened->replay(payload);
    for (const auto& damage : reader.damage())
      log(Level::kError, "telemetry/exemplars", "damage",
          {{"where", damage.where}, {"what", damage.what}});
  }
  // The log does not say whose a time is: the next scrape may bring the same one again.
  for (auto& [hash, bucket] : opened->series_)
    for (auto& series : bucket) series->newest.has_own_time = false;
  store::WalOptions options;
  options.dir = dir;
  TRY(opened->log_,
      store::Wal::open(std::move(options), segments.empty() ? 1 : segments.back() + 1));
  return opened;
}

void ExemplarStore::replay(std::string_view payload) {
  if (payload.empty() || payload.front() != kRecordOfExemplars) return;
  std::string plain;
  if (!snappy::Uncompress(payload.data() + 1, payload.size() - 1, &plain)) return;
  store::ByteReader reader(plain);
  while (!reader.at_end()) {
    const auto series = reader.text();
    const auto labels = reader.text();
    Exemplar exemplar;
    exemplar.time_ms = reader.zigzag();
    exemplar.value = reader.fixed<double>();
    if (reader.failed()) return;
    exemplar.labels = store::labels_from_bytes(labels);
    // Logs of before this was judged hold others, too.
    if (!is_text(exemplar.labels)) continue;
    add_locked(store::labels_from_bytes(series), std::move(exemplar));
  }
}

void ExemplarStore::commit() {
  const std::scoped_lock in_order(log_mutex_);
  std::string plain;
  {
    const std::scoped_lock lock(mutex_);
    plain.swap(pending_);
  }
  if (plain.empty() || !log_) return;
  if (const auto written = write(plain); !written)
    log(Level::kWarning, "telemetry/exemplars", "exemplars are not durable",
        {{"error", to_string(written.error())}});
}

/// Half of the ring's room a segment, and three before it: all that the ring holds stands in them.
Status ExemplarStore::write(std::string_view plain) {
  std::string payload;
  snappy::Compress(plain.data(), plain.size(), &payload);
  payload.insert(payload.begin(), kRecordOfExemplars);
  const auto bytes = store::wal_record_bytes(payload.size());
  if (log_->size_bytes() > limits_.max_bytes / 2) {
    TRY(const auto segment, log_->rotate());
    if (segment > 3) log_->drop_before(segment - 3);
  }
  TRY_STATUS(log_->reserve(bytes));
  log_->enqueue(payload);
  return log_->commit(bytes);
}

std::vector<SeriesExemplars> ExemplarStore::select(const std::vector<MatcherSet>& sets,
                                                   TimeRange range) const {
  const std::scoped_lock lock(mutex_);
  std::map<Labels, std::vector<Exemplar>> found;
  absl::flat_hash_map<const Series*, bool> matched;
  for (const auto& slot : slots_) {
    if (slot.exemplar.time_ms < range.start_ms || slot.exemplar.time_ms > range.end_ms) continue;
    const auto [known, fresh] = matched.try_emplace(slot.series, false);
    if (fresh) known->second = matches_any(sets, slot.series->labels);
    if (known->second) found[slot.series->labels].push_back(slot.exemplar);
  }
  std::vector<SeriesExemplars> out;
  for (auto& [labels, exemplars] : found) out.push_back({labels, std::move(exemplars)});
  return out;
}

std::size_t ExemplarStore::size() const {
  const std::scoped_lock lock(mutex_);
  return slots_.size();
}

}  // namespace wellrun::telemetry
