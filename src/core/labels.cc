#include "core/labels.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/bytes.h"
#include "core/text.h"

namespace wellrun {
namespace {

bool is_plain_name(std::string_view name) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  };
  if (name.empty() || !plain(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return plain(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Labels::Labels(std::vector<Label> labels) : labels_(std::move(labels)) {
  // Most come from what was Labels before.
  const auto out_of_place = [](const Label& a, const Label& b) { return a.name >= b.name; };
  const bool in_place = std::ranges::adjacent_find(labels_, out_of_place) == labels_.end();
  if (in_place &&
      std::ranges::none_of(labels_, [](const Label& label) { return label.value.empty(); }))
    return;
  std::ranges::stable_sort(labels_, {}, &Label::name);
  auto kept = labels_.begin();
  for (auto pair = labels_.begin(); pair != labels_.end(); ++pair) {
    const auto following = std::next(pair);
    const bool overridden = following != labels_.end() && following->name == pair->name;
    if (overridden || pair->value.empty()) continue;
    if (kept != pair) *kept = std::move(*pair);
    ++kept;
  }
  labels_.erase(kept, labels_.end());
}

std::string_view Labels::get(std::string_view name) const {
  const auto found = std::ranges::lower_bound(labels_, name, {}, &Label::name);
  return found != labels_.end() && found->name == name ? std::string_view(found->value)
                                                       : std::string_view();
}

void Labels::set(std::string_view name, std::string_view value) {
  const auto place = std::ranges::lower_bound(labels_, name, {}, &Label::name);
  const bool present = place != labels_.end() && place->name == name;
  if (value.empty()) {
    if (present) labels_.erase(place);
  } else if (present) {
    place->value = value;
  } else {
    labels_.insert(place, Label{std::string(name), std::string(value)});
  }
}

std::uint64_t stable_hash(const Labels& labels) {
  std::uint64_t hash = kHashSeed;
  for (const auto& [name, value] : labels) {
    hash = stable_hash(name, hash);
    hash = stable_hash(std::string_view("\xff", 1), hash);
    hash = stable_hash(value, hash);
    hash = stable_hash(std::string_view("\xff", 1), hash);
  }
  return hash;
}

std::string to_string(const Labels& labels) {
  std::string text;
  const auto metric = labels.metric_name();
  const bool plain_metric = is_plain_name(metric);
  if (plain_metric) text = metric;
  std::string pairs;
  if (!metric.empty() && !plain_metric) pairs = quote(metric);
  for (const auto& [name, value] : labels) {
    if (name == kMetricNameLabel) continue;
    if (!pairs.empty()) pairs += ", ";
    pairs += is_plain_name(name) ? name : quote(name);
    pairs += '=' + quote(value);
  }
  return pairs.empty() && !text.empty() ? text : text + '{' + pairs + '}';
}

}  // namespace wellrun
