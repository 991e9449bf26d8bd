#include "catalog/slo_window.h"

#include <algorithm>
#include <charconv>

#include "catalog/civil_time.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr Duration kDay = std::chrono::hours(24);

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number <= 0 || number > 100'000)
    return std::nullopt;
  return number;
}

/// 0: not one of OpenSLO's capital units.
int months_in(char unit) {
  switch (unit) {
    case 'M':
      return 1;
    case 'Q':
      return 3;
    case 'Y':
      return 12;
    default:
      return 0;
  }
}

std::optional<absl::CivilSecond> local_time_in(std::string_view text) {
  std::string written(trimmed(text));
  if (const auto space = written.find(' '); space != std::string::npos) written[space] = 'T';
  absl::CivilSecond local;
  if (!absl::ParseLenientCivilTime(written, &local)) return std::nullopt;
  return local;
}

/// `months` later on the same day of the month, or on its last where it is too short.
absl::CivilSecond months_later(absl::CivilSecond from, std::int64_t months) {
  const auto month = absl::CivilMonth(from) + months;
  const auto last_day = absl::CivilDay(month + 1) - 1;
  return absl::CivilSecond(month.year(), month.month(), std::min(from.day(), last_day.day()),
                           from.hour(), from.minute(), from.second());
}

/// The borders of a calendar window: begin_of(k) for any k.
struct Borders {
  absl::TimeZone zone;
  absl::CivilSecond first;
  WindowLength length;

  Timestamp begin_of(std::int64_t k) const {
    if (length.months > 0) return resolve(zone, months_later(first, k * length.months));
    const auto day = absl::CivilDay(first) + k * length.days;
    return resolve(zone, absl::CivilSecond(day.year(), day.month(), day.day(), first.hour(),
                                           first.minute(), first.second()));
  }

  std::int64_t covering(Timestamp now) const {
    const auto here = local_time(zone, now);
    auto k = length.months > 0 ? (absl::CivilMonth(here) - absl::CivilMonth(first)) / length.months
                               : (absl::CivilDay(here) - absl::CivilDay(first)) / length.days;
    while (begin_of(k) > now) --k;
    while (begin_of(k + 1) <= now) ++k;
    return k;
  }
};

std::optional<Borders> borders_of(const SloTimeWindow& window) {
  const auto length = parse_window_length(window.duration);
  if (window.is_rolling || !window.calendar || !length || !length->is_calendar())
    return std::nullopt;
  const auto zone = load_zone(window.calendar->time_zone);
  const auto first = local_time_in(window.calendar->start_time);
  if (!zone || !first) return std::nullopt;
  return Borders{*zone, *first, *length};
}

}  // namespace

Duration WindowLength::nominal() const {
  return fixed + days * kDay + (months / 12) * 365 * kDay + (months % 12) * 30 * kDay;
}

Result<WindowLength> parse_window_length(std::string_view text) {
  WindowLength length;
  const int months = text.empty() ? 0 : months_in(text.back());
  if (months > 0) {
    const auto count = whole_number(text.substr(0, text.size() - 1));
    if (!count || *count > 1200)
      return fail(ErrorCode::kInvalid, quote(text) + " is not a length such as 28d, 1M, 1Q or 1Y");
    length.months = *count * months;
    return length;
  }
  const auto duration = parse_duration(text);
  if (!duration || duration->count() <= 0)
    return fail(ErrorCode::kInvalid, quote(text) + " is not a length such as 28d, 1M, 1Q or 1Y");
  if (*duration % kDay == Duration{0})
    length.days = static_cast<int>(*duration / kDay);
  else
    length.fixed = *duration;
  return length;
}

Result<Duration> parse_slice_length(std::string_view text) {
  if (const auto minutes = whole_number(text)) return std::chrono::minutes(*minutes);
  const auto duration = parse_duration(text);
  if (!duration || duration->count() < 1000)
    return fail(ErrorCode::kInvalid,
                quote(text) + " is not a slice such as 1m, or 5 for five minutes");
  return *duration;
}

Status check_local_time(std::string_view text) {
  if (local_time_in(text)) return {};
  return fail(ErrorCode::kInvalid, quote(text) + " is not a local time as \"2026-01-01 00:00:00\"");
}

SloPeriod period_at(const SloTimeWindow& window, Timestamp now) {
  if (const auto borders = borders_of(window)) {
    const auto k = borders->covering(now);
    return {borders->begin_of(k), borders->begin_of(k + 1), false};
  }
  const auto length = parse_window_length(window.duration);
  return {now - (length ? length->nominal() : 28 * kDay), now, true};
}

Duration Slo::window() const {
  const auto length =
      parse_window_length((time_window.empty() ? SloTimeWindow{} : time_window.front()).duration);
  return length ? length->nominal() : 28 * kDay;
}

const Objective& Slo::objective() const {
  static const Objective kNone;
  return objectives.empty() ? kNone : objectives.front();
}

double Objective::share() const {
  if (target_percent) return *target_percent / 100;
  return target.value_or(0.99);
}

double Slo::target() const {
  double highest = objective().share();
  for (const auto& each : objectives) highest = std::max(highest, each.share());
  return highest;
}

std::vector<Slo> Slo::parts() const {
  if (!is_composite()) return {*this};
  std::vector<Slo> parts;
  for (const auto& each : objectives) {
    auto& part = parts.emplace_back(*this);
    part.indicator = each.indicator.value_or(Indicator{});
    part.objectives = {each};
  }
  return parts;
}

std::optional<Duration> Slo::slice() const {
  const auto length = parse_slice_length(objective().time_slice_window);
  return length ? std::optional(*length) : std::nullopt;
}

}  // namespace wellrun::catalog
