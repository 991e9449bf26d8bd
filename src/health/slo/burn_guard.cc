#include "health/slo/burn_guard.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace wellrun::health {
namespace {

/// A burn at the threshold shows so many bad events by chance at most this often.
constexpr double kChance = 0.05;

std::string chance_words(double bad, double events, double chance, const std::string& over) {
  return fmt::format("{:.0f} bad of {:.0f} events in {} may be chance (p = {:.2f})", bad, events,
                     over, chance);
}

/// An objective whose events are counted, in units of the composite's burn rate.
struct Weighed {
  double per_bad = 0;  ///< what one bad event adds
  double bad = 0, events = 0;
};

/// What the objectives that have enough add to the burn: of values, which no test is for, as it is.
struct Spoken {
  double of_values = 0;
  std::vector<Weighed> counted;
  std::string left_out;  ///< why the first one that burns was
};

Spoken listen(std::span<const catalog::Slo> parts, std::span<const EventCounts> events,
              const std::string& over) {
  Spoken spoken;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    const auto& promised = part.objective();
    const double rate = burn_rate(events[i], part.target()).value_or(0);
    auto few = too_few(part, events[i], over);
    if (!few.empty()) {
      if (parts.size() > 1) few = fmt::format("{}: {}", promised.display_name, few);
      if (rate > 0 && spoken.left_out.empty()) spoken.left_out = std::move(few);
    } else if (!counts_events(part)) {
      spoken.of_values += promised.composite_weight * rate;
    } else {
      const double total = events[i].total.value_or(0);
      spoken.counted.push_back(
          {.per_bad = promised.composite_weight / (total * (1 - part.target())),
           .bad = bad_of(events[i]),
           .events = total});
    }
  }
  std::ranges::sort(spoken.counted, {}, &Weighed::per_bad);
  return spoken;
}

/// By events, those of the objectives with many first: the more they have, the less is chance, and
/// one failure where there are few must not hide what is certain elsewhere. Among sums of events
/// that each add at most `per_bad` and on average as much together, the one whose events all add
/// just that strays furthest: so it is the binomial tail of as many such events.
std::string may_all_be_chance(const Spoken& spoken, double threshold, const std::string& over) {
  const double rest = std::max(0.0, threshold - spoken.of_values);
  double sum = 0, events = 0, bad = 0, least = 1;
  for (const auto& each : spoken.counted) {
    sum += each.per_bad * each.bad;
    events += each.events;
    bad += each.bad;
    if (each.bad <= 0 || sum <= rest) continue;
    const double chance = chance_of_so_many(std::floor(sum / each.per_bad + 1e-6), events,
                                            rest / each.per_bad / events);
    least = std::min(least, chance * static_cast<double>(spoken.counted.size()));
  }
  if (least <= kChance) return {};
  return chance_words(bad, events, std::min(least, 1.0), over);
}

/// Slices are of all objectives together; so are the requests in them.
std::string too_few_of_slices(const catalog::Slo& slo, std::span<const catalog::Slo> parts,
                              std::span<const EventCounts> events, const std::string& over) {
  EventCounts all{0, 0};
  for (const auto& each : events) {
    *all.total += each.total.value_or(0);
    *all.good += std::min(each.good.value_or(0), each.total.value_or(0));
  }
  catalog::Slo counted = slo;
  counted.indicator = parts.front().indicator;
  for (const auto& part : parts) {
    if (is_stored_ratio(part)) counted.indicator = part.indicator;
  }
  return too_few(counted, all, over);
}

}  // namespace

double bad_of(const EventCounts& counts) {
  return std::round(std::max(0.0, counts.total.value_or(0) - counts.good.value_or(0)));
}

bool is_stored_ratio(const catalog::Slo& slo) {
  const auto& ratio = slo.indicator.spec.ratio_metric;
  return ratio && ratio->raw;
}

bool counts_events(const catalog::Slo& slo) {
  return !slo.by_slices() && !slo.indicator.spec.threshold_metric && !is_stored_ratio(slo);
}

std::string too_few(const catalog::Slo& slo, const EventCounts& events, const std::string& over) {
  const auto& alerting = slo.alerting;
  const double total = events.total.value_or(0);
  const double bad = bad_of(events);
  if (total < alerting.minimum_events)
    return fmt::format("{:.0f} {} in {}, fewer than {}", total,
                       is_stored_ratio(slo) ? "samples" : "events", over, alerting.minimum_events);
  if (is_stored_ratio(slo) || bad >= alerting.minimum_bad_events) return {};
  return fmt::format("{:.0f} bad of {:.0f} events in {}, fewer than {}", bad, total, over,
                     alerting.minimum_bad_events);
}

std::string may_be_chance(const EventCounts& events, double allowed, const std::string& over) {
  const double bad = bad_of(events);
  const double total = events.total.value_or(0);
  const double chance = chance_of_so_many(bad, total, allowed);
  return chance <= kChance ? std::string() : chance_words(bad, total, chance, over);
}

std::string too_little(const catalog::Slo& slo, std::span<const catalog::Slo> parts,
                       std::span<const EventCounts> events, double threshold,
                       const std::string& over) {
  if (slo.by_slices()) return too_few_of_slices(slo, parts, events, over);
  const auto spoken = listen(parts, events, over);
  if (spoken.of_values > threshold) return {};
  if (spoken.counted.empty() || !spoken.left_out.empty()) {
    double sum = spoken.of_values;
    for (const auto& each : spoken.counted) sum += each.per_bad * each.bad;
    if (sum <= threshold) return spoken.left_out;
  }
  return may_all_be_chance(spoken, threshold, over);
}

std::string least_words(const catalog::Slo& slo, const BurnRate& burn) {
  const auto& alerting = slo.alerting;
  const auto over = format_duration(burn.window.long_window);
  const bool each = slo.is_composite() && !slo.by_slices();
  if (is_stored_ratio(slo))
    return fmt::format("Fewer than {} samples in {} never alert; there were {:.0f}.",
                       alerting.minimum_events, over, burn.events);
  return fmt::format(
      "Fewer than {} events or {} bad ones{} in {} never alert; there were {:.0f} "
      "and {:.0f}.",
      alerting.minimum_events, alerting.minimum_bad_events, each ? " of an objective" : "", over,
      burn.events, burn.bad_events);
}

}  // namespace wellrun::health
