#include "catalog/civil_time.h"

#include <string>

namespace wellrun::catalog {

std::optional<absl::TimeZone> load_zone(std::string_view name) {
  absl::TimeZone zone;
  if (name == "UTC") return absl::UTCTimeZone();
  // A leading ':' or '/' would read any file.
  if (name.empty() || name.front() == ':' || name.front() == '/' ||
      name.find("..") != std::string_view::npos) {
    return std::nullopt;
  }
  if (!absl::LoadTimeZone(std::string(name), &zone)) return std::nullopt;
  return zone;
}

Timestamp resolve(const absl::TimeZone& zone, absl::CivilSecond local) {
  const absl::TimeZone::TimeInfo info = zone.At(local);
  const absl::Time time = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
  return from_unix_ms(absl::ToUnixMillis(time));
}

absl::CivilSecond local_time(const absl::TimeZone& zone, Timestamp at) {
  return zone.At(absl::FromUnixMillis(to_unix_ms(at))).cs;
}

}  // namespace wellrun::catalog
