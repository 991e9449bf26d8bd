#include "telemetry/store/descriptions.h"

#include <algorithm>
#include <set>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

bool say_the_same(const Metadata& a, const Metadata& b) {
  return a.type == b.type && a.help == b.help && a.unit == b.unit;
}

}  // namespace

/// True when other descriptions are known afterwards.
bool Descriptions::add(std::vector<Heard>& known, Metadata said, Moment now) {
  const auto same =
      std::ranges::find_if(known, [&](const Heard& one) { return say_the_same(one.said, said); });
  const bool is_new = same == known.end();
  if (is_new)
    known.push_back({std::move(said), now});
  else
    same->last = now;
  const auto forgotten =
      std::erase_if(known, [&](const Heard& one) { return one.last < now - kForgottenAfter; });
  if (known.size() > kMaxOfFamily) known.erase(std::ranges::min_element(known, {}, &Heard::last));
  return is_new || forgotten > 0;
}

std::vector<std::string> Descriptions::note(std::vector<Metadata> heard, Moment now) {
  std::set<std::string> changed;
  const std::scoped_lock lock(mutex_);
  for (auto& one : heard) {
    auto at = families_.find(one.family);
    if (at == families_.end()) {
      if (families_.size() >= kMaxFamilies) continue;
      at = families_.try_emplace(one.family).first;
    }
    if (add(at->second, std::move(one), now)) changed.insert(at->first);
  }
  return {changed.begin(), changed.end()};
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
  ByteReader reader(row);
  while (!reader.at_end()) {
    Metadata said{.family = family, .type = {}, .help = {}, .unit = {}};
    for (auto* text : {&said.type, &said.help, &said.unit}) *text = reader.text();
    if (reader.failed()) return;
    add(families_[family], std::move(said), now);
  }
}

}  // namespace wellrun::telemetry::store
