#include "telemetry/store/descriptions.h"

#include <algorithm>

#include "core/text.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBytesBesideTexts = 256;  ///< objects and the node in the map, about
constexpr std::size_t kNames = 2;               ///< as the key, and in what was said

bool say_the_same(const Metadata& a, const Metadata& b) {
  return a.type == b.type && a.help == b.help && a.unit == b.unit;
}

std::size_t bytes_of(const Metadata& said) {
  return kBytesBesideTexts + kNames * said.family.size() + said.type.size() + said.help.size() +
         said.unit.size();
}

bool is_utf8(const Metadata& said) {
  return is_valid_utf8(said.family) && is_valid_utf8(said.type) && is_valid_utf8(said.help) &&
         is_valid_utf8(said.unit);
}

/// Not in the middle of a character of UTF-8.
void cut(std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return;
  text.resize(utf8_beginning(text, max_bytes).size());
  text.shrink_to_fit();
}

Descriptions::Moment last_heard(const auto& known) {
  return std::ranges::max_element(known, {}, [](const auto& one) { return one.last; })->last;
}

}  // namespace

std::vector<std::string> Descriptions::note(std::vector<Metadata> heard, Moment now) {
  Families changed;
  const std::scoped_lock lock(mutex_);
  for (auto& one : heard) hear(std::move(one), now, changed);
  return {changed.begin(), changed.end()};
}

void Descriptions::hear(Metadata said, Moment now, Families& changed) {
  if (said.family.size() > kMaxNameBytes || !is_utf8(said)) return;
  cut(said.help, kMaxHelpBytes);
  cut(said.type, kMaxTypeBytes);
  cut(said.unit, kMaxUnitBytes);
  if (const auto at = families_.find(said.family); at != families_.end()) {
    const auto same = std::ranges::find_if(
        at->second, [&](const Heard& one) { return say_the_same(one.said, said); });
    if (same != at->second.end()) {
      same->last = now;
      if (forget_unheard(at->second, now)) changed.insert(said.family);
      return;
    }
  }
  if (!make_room_for(said, now, changed)) return;
  changed.insert(said.family);
  bytes_ += bytes_of(said);
  auto& known = families_[said.family];
  known.push_back({std::move(said), now});
  forget_unheard(known, now);
}

/// True when there is room.
bool Descriptions::make_room_for(const Metadata& said, Moment now, Families& changed) {
  const auto has_room = [&] {
    return bytes_ + bytes_of(said) <= kMaxBytes &&
           (families_.size() < kMaxFamilies || families_.contains(said.family));
  };
  if (has_room()) return true;
  if (now < next_forgetting_) return false;
  forget_unheard_families(now, changed);
  return has_room();
}

void Descriptions::forget_unheard_families(Moment now, Families& changed) {
  next_forgetting_ = now + kForgottenAfter;
  std::erase_if(families_, [&](const auto& entry) {
    const auto& [family, known] = entry;
    const auto forgotten_at = last_heard(known) + kForgottenAfter;
    if (forgotten_at >= now) {
      next_forgetting_ = std::min(next_forgetting_, forgotten_at);
      return false;
    }
    for (const auto& one : known) bytes_ -= bytes_of(one.said);
    changed.insert(family);
    return true;
  });
}

/// True when others are known afterwards. One that was just heard stays.
bool Descriptions::forget_unheard(Known& known, Moment now) {
  const auto before = known.size();
  const auto forget = [&](const Heard& one) {
    bytes_ -= bytes_of(one.said);
    return true;
  };
  std::erase_if(known,
                [&](const Heard& one) { return one.last < now - kForgottenAfter && forget(one); });
  if (known.size() > kMaxOfFamily) {
    const auto oldest = std::ranges::min_element(known, {}, &Heard::last);
    forget(*oldest);
    known.erase(oldest);
  }
  return known.size() != before;
}

std::vector<Metadata> Descriptions::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Metadata> all;
  for (const auto& [family, known] : families_)
    for (const auto& one : known) all.push_back(one.said);
  return all;
}

std::vector<std::string> Descriptions::families() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [family, known] : families_) names.push_back(family);
  return names;
}

std::string Descriptions::row_of(const std::string& family) const {
  const std::scoped_lock lock(mutex_);
  std::string row;
  const auto at = families_.find(family);
  if (at == families_.end()) return row;
  for (const auto& one : at->second)
    for (const auto* text : {&one.said.type, &one.said.help, &one.said.unit}) put_text(row, *text);
  return row;
}

void Descriptions::restore(const std::string& family, std::string_view row, Moment now) {
  const std::scoped_lock lock(mutex_);
  Families changed;
  ByteReader reader(row);
  while (!reader.at_end()) {
    Metadata said{.family = family, .type = {}, .help = {}, .unit = {}};
    for (auto* text : {&said.type, &said.help, &said.unit}) *text = reader.text();
    if (reader.failed()) return;
    hear(std::move(said), now, changed);
  }
}

}  // namespace wellrun::telemetry::store
