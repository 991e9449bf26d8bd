#include "health/baseline/state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

#include "core/bytes.h"

namespace wellrun::health::baseline {
namespace {

constexpr std::string_view kMagic = "WRBL";
constexpr std::size_t kChecksumSize = 4;
/// Of a whole state, as far as courses decide it: 2 KiB with what a watch notes beside it.
constexpr std::size_t kMostBytes = 1952;
constexpr std::size_t kCourseBytes = 4 + 4 + 2 + Recurrence::kRows;
constexpr std::size_t kEventsBytes = 1 + 6 * 4;

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(stable_hash(bytes));
}

/// Little-endian, whatever the machine.
class Writer {
 public:
  template <typename Integer>
  void integer(Integer value) {
    auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      out_ += static_cast<char>(bits & 0xff);
      bits = static_cast<decltype(bits)>(bits >> (sizeof(Integer) > 1 ? 8 : 0));
    }
  }
  void number(double value) { integer(std::bit_cast<std::uint64_t>(value)); }
  void text(std::string_view text) { out_ += text; }
  [[nodiscard]] std::string& out() { return out_; }

 private:
  std::string out_;
};

/// Reads zeros beyond the end and for what save() never writes, and remembers that it did.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename Integer>
  Integer integer() {
    if (bytes_.size() < sizeof(Integer)) {
      wrong_ = true;
      bytes_ = {};
      return 0;
    }
    std::uint64_t bits = 0;
    for (std::size_t i = sizeof(Integer); i-- > 0;)
      bits = bits << 8 | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(sizeof(Integer));
    return static_cast<Integer>(bits);
  }
  /// Finite, and far from overflowing in what is computed from it.
  double number() {
    return checked(std::bit_cast<double>(integer<std::uint64_t>()), -kLargest, kLargest);
  }
  /// A weight, a scale or a count of rows: not negative.
  double amount() { return checked(number(), 0.0, kLargest); }
  /// A power of two that save() could have written, or 0 for none yet.
  double unit() {
    const double value = amount();
    return checked(value, value > 0 ? kLeastUnit : 0, kLargest);
  }
  std::int64_t count() { return checked(integer<std::int64_t>(), std::int64_t{0}, kHighest); }
  /// Milliseconds since the epoch, or `never`.
  std::int64_t milliseconds(std::int64_t never) {
    const auto value = integer<std::int64_t>();
    return value == never ? value : checked(value, -kHighest, kHighest);
  }
  template <typename T>
  T checked(T value, T lowest, T highest) {
    if (value >= lowest && value <= highest) return value;
    wrong_ = true;
    return {};
  }
  [[nodiscard]] bool read_exactly() const { return !wrong_ && bytes_.empty(); }

 private:
  static constexpr double kLargest = 1e36;
  static constexpr double kLeastUnit = 0x1p-31;  ///< the floor of a scale is 1e-9
  static constexpr std::int64_t kHighest = std::int64_t{1} << 53;

  std::string_view bytes_;
  bool wrong_ = false;
};

/// The upper half of a float, rounded: 8 bits of precision over the whole range.
std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x8000U) >> 16);
}
float from_half(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

/// Means as 16-bit steps between the lowest and the highest; counts as they are.
template <std::size_t kSlots>
void write_profile(Writer& writer, const Profile<kSlots>& profile) {
  const auto [low, high] = std::ranges::minmax(profile.mean);
  const double range = static_cast<double>(high) - static_cast<double>(low);
  writer.number(low);
  writer.number(range);
  for (std::size_t i = 0; i < kSlots; ++i) {
    writer.integer(profile.count[i]);
    if (!profile.knows(i)) continue;
    const double step = range > 0 ? (static_cast<double>(profile.mean[i]) - low) / range : 0;
    writer.integer(static_cast<std::uint16_t>(std::lround(step * 65535)));
  }
}

template <std::size_t kSlots>
Profile<kSlots> read_profile(Reader& reader) {
  Profile<kSlots> profile;
  const double low = reader.number();
  const double range = reader.number();
  for (std::size_t i = 0; i < kSlots; ++i) {
    profile.count[i] = reader.integer<std::uint8_t>();
    if (!profile.knows(i)) continue;
    profile.mean[i] = static_cast<float>(low + range * reader.integer<std::uint16_t>() / 65535);
  }
  return profile;
}

/// Which bins hold something, then those.
void write_tail(Writer& writer, const Tail& tail) {
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < Tail::kBins; ++i)
    if (to_half(tail.counts()[i]) != 0) present |= std::uint64_t{1} << i;
  writer.integer(present);
  for (const float count : tail.counts())
    if (to_half(count) != 0) writer.integer(to_half(count));
}

Tail::Counts read_tail(Reader& reader) {
  Tail::Counts counts{};
  const auto present = reader.integer<std::uint64_t>();
  for (std::size_t i = 0; i < Tail::kBins; ++i)
    if ((present >> i & 1) != 0)
      counts[i] = reader.checked(from_half(reader.integer<std::uint16_t>()), 0.0F, 1e12F);
  return counts;
}

}  // namespace

/// Knows the inside of a Baseline; the order of calls is the stored order.
class StateCodec {
 public:
  /// The plain numbers in their stored order: times, rows, flag, signed numbers, amounts.
  static auto times(auto& n) {
    return std::array{&n.last_ms, &n.unusual_since_ms, &n.level_changed_ms};
  }
  static auto signed_numbers(auto& n) {
    return std::array{&n.raw,         &n.last,       &n.level,       &n.near,
                      &n.short_shift, &n.long_shift, &n.value_level, &n.outside_rows};
  }
  static auto amounts(auto& n) {
    return std::array{&n.step_s,         &n.scale,           &n.long_scale,
                      &n.jump_scale,     &n.long_jump_scale, &n.activity,
                      &n.usual_activity, &n.value_scale,     &n.flat_rows};
  }

  static void write(Writer& writer, Baseline baseline) {
    write_numbers(writer, baseline.numbers_);
    write_profile(writer, baseline.hour_scale_);
    const auto& season = baseline.season_.state();
    write_profile(writer, season.day);
    write_profile(writer, season.week);
    for (const double each :
         {season.error.none, season.error.daily, season.error.weekly, season.predictions})
      writer.number(each);
    for (auto& rarity : baseline.rarity_) write_rarity(writer, rarity);
    writer.number(baseline.episode_.state().peak);
    writer.number(baseline.episode_.state().rows);
    write_nature(writer, baseline.nature_.state());
    write_profile(writer, season.holiday);
    writer.number(baseline.episode_.state().fresh);
    writer.number(baseline.plain_.unit());
    write_rarity(writer, baseline.plain_.rarity());
    write_courses(writer, baseline.recurrence_.state(), baseline.numbers_.last_ms);
    write_few_events(writer, baseline.few_.state());
  }

  static Baseline read(Reader& reader, std::uint8_t version) {
    Baseline baseline;
    read_numbers(reader, baseline.numbers_);
    baseline.hour_scale_ = read_profile<24>(reader);
    for (const float mean : baseline.hour_scale_.mean) (void)reader.checked(mean, 0.0F, 1e37F);
    Season::State season;
    season.day = read_profile<Season::kDaySlots>(reader);
    season.week = read_profile<Season::kWeekSlots>(reader);
    for (double* each :
         {&season.error.none, &season.error.daily, &season.error.weekly, &season.predictions})
      *each = reader.amount();
    for (auto& rarity : baseline.rarity_) read_rarity(reader, rarity);
    Episode::State episode;
    episode.peak = reader.amount();
    episode.rows = reader.amount();
    baseline.nature_.restore(read_nature(reader, version));
    if (version >= 2) {
      season.holiday = read_profile<24>(reader);
      episode.fresh = reader.checked(reader.number(), 0.0, 1.0);
    }
    if (version >= 3) {
      baseline.plain_.restore(reader.unit());
      read_rarity(reader, baseline.plain_.rarity());
    }
    if (version >= 4) baseline.recurrence_.restore(read_courses(reader, baseline.numbers_.last_ms));
    if (version >= 5) baseline.few_.restore(read_few_events(reader));
    baseline.episode_.restore(episode);
    baseline.season_.restore(season, baseline.rows_per_day());
    return baseline;
  }

 private:
  static void write_rarity(Writer& writer, Rarity& rarity) {
    rarity.normalise();
    writer.number(rarity.total());
    write_tail(writer, rarity.up());
    write_tail(writer, rarity.down());
  }

  static void read_rarity(Reader& reader, Rarity& rarity) {
    const double total = reader.amount();
    const auto up = read_tail(reader);
    const auto down = read_tail(reader);
    rarity.restore(up, down, total);
  }

  static auto amounts_of(auto& events) {
    return std::array{&events.rows, &events.events, &events.squares,
                      &events.last, &events.lately, &events.of_late};
  }

  static void write_few_events(Writer& writer, const FewEvents::State& state) {
    writer.integer<std::uint8_t>(state.counts ? 1 : 0);
    if (!state.counts) return;
    for (const auto* each : amounts_of(state))
      writer.integer(std::bit_cast<std::uint32_t>(static_cast<float>(*each)));
  }

  static FewEvents::State read_few_events(Reader& reader) {
    FewEvents::State state;
    state.counts = reader.integer<std::uint8_t>() != 0;
    if (!state.counts) return state;
    for (auto* each : amounts_of(state))
      *each = reader.checked(std::bit_cast<float>(reader.integer<std::uint32_t>()), 0.0F, 1e37F);
    return state;
  }

  /// Values as 8-bit steps between the lowest and the highest of a course: far finer than what
  /// counts as the same.
  static void write_course(Writer& writer, const Recurrence::Course& course) {
    const auto [low, high] = std::ranges::minmax(course);
    const float range = high - low;
    writer.integer(std::bit_cast<std::uint32_t>(low));
    writer.integer(to_half(range));
    for (const float value : course) {
      const float step = range > 0 ? (value - low) / range : 0;
      writer.integer(static_cast<std::uint8_t>(std::lround(step * 255)));
    }
  }

  static Recurrence::Course read_course(Reader& reader) {
    const auto low =
        reader.checked(std::bit_cast<float>(reader.integer<std::uint32_t>()), -1e36F, 1e36F);
    const auto range = reader.checked(from_half(reader.integer<std::uint16_t>()), 0.0F, 1e36F);
    Recurrence::Course course;
    for (float& value : course)
      value = low + range * static_cast<float>(reader.integer<std::uint8_t>()) / 255;
    return course;
  }

  /// When each was seen: as seconds before the last row, at most 136 years.
  /// Those seen last, where all would make the state larger than it should be.
  static std::vector<Recurrence::Kept> that_fit(std::vector<Recurrence::Kept> kept,
                                                std::size_t written) {
    const auto room = kMostBytes - std::min(kMostBytes, written + 1 + kEventsBytes + kChecksumSize);
    if (kept.size() * kCourseBytes <= room) return kept;
    std::ranges::sort(kept, std::ranges::greater{}, &Recurrence::Kept::seen_ms);
    kept.resize(room / kCourseBytes);
    return kept;
  }

  static void write_courses(Writer& writer, const Recurrence::State& state, std::int64_t last_ms) {
    writer.integer(state.calm_rows);
    writer.integer(state.stretch_from_ms);
    const auto stored = that_fit(state.kept, writer.out().size());
    writer.integer(static_cast<std::uint8_t>(stored.size()));
    for (const auto& kept : stored) {
      const std::int64_t ago_s = (last_ms - kept.seen_ms) / 1000;
      writer.integer(static_cast<std::uint32_t>(std::clamp<std::int64_t>(ago_s, 0, UINT32_MAX)));
      write_course(writer, kept.course);
    }
  }

  static Recurrence::State read_courses(Reader& reader, std::int64_t last_ms) {
    constexpr auto kMost = static_cast<std::uint8_t>(Recurrence::kMost);
    Recurrence::State state;
    state.calm_rows = reader.count();
    state.stretch_from_ms = reader.milliseconds(Baseline::kNever);
    state.kept.resize(reader.checked(reader.integer<std::uint8_t>(), std::uint8_t{0}, kMost));
    for (auto& kept : state.kept) {
      kept.seen_ms = last_ms - 1000 * std::int64_t{reader.integer<std::uint32_t>()};
      kept.course = read_course(reader);
    }
    return state;
  }

  static void write_numbers(Writer& writer, const Baseline::Numbers& numbers) {
    for (const auto* each : times(numbers)) writer.integer(*each);
    writer.integer(numbers.rows);
    writer.integer<std::uint8_t>(numbers.constant ? 1 : 0);
    for (const auto* each : signed_numbers(numbers)) writer.number(*each);
    for (const auto* each : amounts(numbers)) writer.number(*each);
  }

  static void read_numbers(Reader& reader, Baseline::Numbers& numbers) {
    for (auto* each : times(numbers)) *each = reader.milliseconds(Baseline::kNever);
    numbers.rows = reader.count();
    numbers.constant = reader.integer<std::uint8_t>() != 0;
    for (auto* each : signed_numbers(numbers)) *each = reader.number();
    for (auto* each : amounts(numbers)) *each = reader.amount();
    if (numbers.last_ms == Baseline::kNever) numbers.last_ms = 0;
  }

  /// Whether a series is a counter; up to version 5 its other numbers alone tell that it is one.
  static constexpr std::uint8_t kOpen = 0, kFell = 1, kCounter = 2;

  static void write_nature(Writer& writer, const NatureFinder::State& state) {
    writer.integer(state.count);
    writer.integer(state.rises);
    writer.integer(state.restarts);
    writer.integer(state.fell ? kFell : state.counter ? kCounter : kOpen);
    for (const double each : {state.last, state.lowest, state.highest}) writer.number(each);
  }

  static NatureFinder::State read_nature(Reader& reader, std::uint8_t version) {
    NatureFinder::State state;
    state.count = reader.count();
    state.rises = reader.count();
    state.restarts = reader.count();
    const auto verdict =
        reader.checked(reader.integer<std::uint8_t>(), kOpen, version >= 6 ? kCounter : kFell);
    state.fell = verdict == kFell;
    state.counter = verdict == kCounter;
    for (double* each : {&state.last, &state.lowest, &state.highest}) *each = reader.number();
    return state;
  }
};

std::string save(const Baseline& baseline) {
  Writer writer;
  writer.text(kMagic);
  writer.integer(kStateVersion);
  StateCodec::write(writer, baseline);
  writer.integer(checksum(writer.out()));
  return std::move(writer.out());
}

Result<Baseline> restore(std::string_view bytes) {
  const std::size_t head = kMagic.size() + 1;
  if (bytes.size() < head + kChecksumSize || !bytes.starts_with(kMagic))
    return fail(ErrorCode::kCorrupt, "these bytes are not a stored baseline");
  const auto version = static_cast<std::uint8_t>(bytes[kMagic.size()]);
  if (version < kOldestStateVersion || version > kStateVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("a stored baseline of version {}; this program reads versions {} to "
                            "{}: the series is learned anew",
                            version, kOldestStateVersion, kStateVersion));
  const auto body = bytes.substr(0, bytes.size() - kChecksumSize);
  Reader sum(bytes.substr(body.size()));
  if (sum.integer<std::uint32_t>() != checksum(body))
    return fail(ErrorCode::kCorrupt, "the checksum of a stored baseline does not match its bytes");
  Reader reader(body.substr(head));
  Baseline baseline = StateCodec::read(reader, version);
  if (!reader.read_exactly())
    return fail(ErrorCode::kCorrupt, "a stored baseline has the wrong length");
  return baseline;
}

}  // namespace wellrun::health::baseline
