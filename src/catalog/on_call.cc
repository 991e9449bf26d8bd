#include "catalog/on_call.h"

#include <array>
#include <charconv>

#include "catalog/civil_time.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr std::array kDays = {"monday", "tuesday",  "wednesday", "thursday",
                              "friday", "saturday", "sunday"};

absl::CivilMinute local_minute(const absl::TimeZone& zone, Timestamp at) {
  return absl::CivilMinute(local_time(zone, at));
}

std::optional<int> day_named(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (std::size_t day = 0; day < kDays.size(); ++day) {
    if (lower == kDays[day] || lower == std::string_view(kDays[day]).substr(0, 3)) {
      return static_cast<int>(day);
    }
  }
  return std::nullopt;
}

std::optional<int> two_digits(std::string_view text, int most) {
  int value = 0;
  if (text.size() != 2) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value);
  if (error != std::errc{} || end != text.data() + 2 || value < 0 || value > most) {
    return std::nullopt;
  }
  return value;
}

/// The hand-overs of a schedule: turn `k` begins at begin_of(k), for k >= 0.
class Turns {
 public:
  static std::optional<Turns> of(const Schedule& schedule) {
    const auto zone = load_zone(schedule.time_zone);
    const std::int64_t minutes = schedule.shift.count() / 60'000;
    if (!zone || minutes <= 0) return std::nullopt;
    Turns turns;
    turns.zone_ = *zone;
    turns.start_ = schedule.start;
    turns.shift_minutes_ = minutes;
    const absl::CivilMinute start = local_minute(*zone, schedule.start);
    turns.first_ = start;
    if (schedule.handover.empty()) return turns;
    const auto handover = parse_handover(schedule.handover);
    if (!handover) return std::nullopt;
    turns.first_ = first_at_or_after(*zone, schedule.start, *handover);
    return turns;
  }

  Timestamp begin_of(std::int64_t turn) const {
    return turn == 0 ? start_ : resolve(zone_, absl::CivilSecond(first_ + turn * shift_minutes_));
  }

  /// Which turn covers `at`; at >= start.
  std::int64_t covering(Timestamp at) const {
    std::int64_t turn =
        std::max<std::int64_t>(0, (local_minute(zone_, at) - first_) / shift_minutes_);
    while (turn > 0 && begin_of(turn) > at) --turn;
    while (begin_of(turn + 1) <= at) ++turn;
    return turn;
  }

 private:
  static absl::CivilMinute first_at_or_after(const absl::TimeZone& zone, Timestamp start,
                                             const Handover& handover) {
    absl::CivilDay day(local_minute(zone, start));
    for (int i = 0; i <= 8; ++i, ++day) {
      const bool weekday_fits =
          !handover.weekday || static_cast<int>(absl::GetWeekday(day)) == *handover.weekday;
      const absl::CivilMinute candidate(day.year(), day.month(), day.day(), handover.hour,
                                        handover.minute);
      if (weekday_fits && resolve(zone, absl::CivilSecond(candidate)) >= start) return candidate;
    }
    return local_minute(zone, start);  // not reached: nine days hold every weekday twice
  }

  absl::TimeZone zone_;
  Timestamp start_;
  absl::CivilMinute first_;
  std::int64_t shift_minutes_ = 1;
};

std::string person_at(const Schedule& schedule, const Turns& turns, Timestamp at) {
  for (auto override = schedule.overrides.rbegin(); override != schedule.overrides.rend();
       ++override) {
    if (override->from <= at && at < override->to) return override->person.name;
  }
  if (schedule.rotation.empty() || at < schedule.start) return {};
  const auto size = static_cast<std::int64_t>(schedule.rotation.size());
  return schedule.rotation[static_cast<std::size_t>(turns.covering(at) % size)].name;
}

/// The nearest edges of overrides around `at` at which the person changes, within [from, to].
void narrow(const Schedule& schedule, const Turns& turns, Timestamp at, OnCall& on_call) {
  std::vector<Timestamp> edges;
  for (const Override& override : schedule.overrides) {
    edges.push_back(override.from);
    edges.push_back(override.to);
  }
  std::ranges::sort(edges);
  for (const Timestamp edge : edges) {
    if (edge > at && edge < on_call.to && person_at(schedule, turns, edge) != on_call.person) {
      on_call.to = edge;
      break;
    }
  }
  for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) {
    const bool changes_here = *edge <= at && *edge > on_call.from &&
                              person_at(schedule, turns, *edge - Duration{1}) != on_call.person;
    if (changes_here) {
      on_call.from = *edge;
      break;
    }
  }
}

}  // namespace

Result<Handover> parse_handover(std::string_view text) {
  const auto refuse = [&] {
    return fail(ErrorCode::kInvalid, "reading hand-over " + quote(text) +
                                         ": write a day and a local time as \"monday 09:00\", or "
                                         "a time alone as \"09:00\"");
  };
  Handover handover;
  std::string_view time = trimmed(text);
  if (const std::size_t space = time.find(' '); space != std::string_view::npos) {
    handover.weekday = day_named(time.substr(0, space));
    if (!handover.weekday) return refuse();
    time = trimmed(time.substr(space));
  }
  if (time.size() != 5 || time[2] != ':') return refuse();
  const auto hour = two_digits(time.substr(0, 2), 23);
  const auto minute = two_digits(time.substr(3), 59);
  if (!hour || !minute) return refuse();
  handover.hour = *hour;
  handover.minute = *minute;
  return handover;
}

bool is_time_zone(std::string_view name) {
  return load_zone(name).has_value();
}

std::optional<OnCall> who_is_on_call(const Schedule& schedule, Timestamp at) {
  const auto turns = Turns::of(schedule);
  if (!turns) return std::nullopt;
  OnCall on_call;
  on_call.person = person_at(schedule, *turns, at);
  if (on_call.person.empty()) return std::nullopt;
  if (at < schedule.start || schedule.rotation.empty()) {
    // Only an override covers it: its own edges bound it.
    on_call.from = Timestamp::min();
    on_call.to = at < schedule.start ? schedule.start : Timestamp::max();
  } else {
    const std::int64_t turn = turns->covering(at);
    on_call.from = turns->begin_of(turn);
    on_call.to = turns->begin_of(turn + 1);
  }
  narrow(schedule, *turns, at, on_call);
  on_call.next_person = person_at(schedule, *turns, on_call.to);
  return on_call;
}

}  // namespace wellrun::catalog
