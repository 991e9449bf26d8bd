#include "telemetry/promql/testing/memory_reader.h"

#include <algorithm>
#include <re2/re2.h>
#include <set>

namespace wellrun::telemetry::promql::testing {
namespace {

template <typename Item>
void merge(std::vector<Item>& into, std::vector<std::int64_t>& into_starts, std::vector<Item> from,
           std::vector<std::int64_t> starts) {
  if (!starts.empty() || !into_starts.empty()) {
    into_starts.resize(into.size());
    starts.resize(from.size());
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    auto at = std::ranges::lower_bound(into, from[i].time_ms, {}, &Item::time_ms);
    const auto index = at - into.begin();
    const bool known = at != into.end() && at->time_ms == from[i].time_ms;
    if (known)
      *at = from[i];
    else
      into.insert(at, from[i]);
    if (starts.empty()) continue;
    if (known)
      into_starts[static_cast<std::size_t>(index)] = starts[i];
    else
      into_starts.insert(into_starts.begin() + index, starts[i]);
  }
}

template <typename Item>
void cut(std::vector<Item>& items, std::vector<std::int64_t>& starts, TimeRange range) {
  const auto first =
      std::ranges::lower_bound(items, range.start_ms, {}, &Item::time_ms) - items.begin();
  const auto last =
      std::ranges::upper_bound(items, range.end_ms, {}, &Item::time_ms) - items.begin();
  if (!starts.empty()) starts = {starts.begin() + first, starts.begin() + std::max(first, last)};
  items = {items.begin() + first, items.begin() + std::max(first, last)};
}

}  // namespace

Result<bool> matches(const Labels& labels, const std::vector<Matcher>& matchers) {
  for (const auto& matcher : matchers) {
    const std::string value(labels.get(matcher.name));
    bool holds = false;
    if (matcher.kind == Matcher::Kind::kEqual || matcher.kind == Matcher::Kind::kNotEqual) {
      holds = (value == matcher.value) == (matcher.kind == Matcher::Kind::kEqual);
    } else {
      const RE2 regex("(?s:" + matcher.value + ")", RE2::Quiet);
      if (!regex.ok()) return fail(ErrorCode::kInvalid, "bad regular expression: " + matcher.value);
      holds = RE2::FullMatch(value, regex) == (matcher.kind == Matcher::Kind::kRegex);
    }
    if (!holds) return false;
  }
  return true;
}

void MemoryReader::add(SeriesWrite series) {
  auto at = std::ranges::lower_bound(series_, series.labels, {}, &SeriesData::labels);
  if (at == series_.end() || at->labels != series.labels) {
    SeriesData fresh;
    fresh.labels = series.labels;
    at = series_.insert(at, std::move(fresh));
  }
  merge(at->samples, at->sample_starts, std::move(series.samples), std::move(series.sample_starts));
  merge(at->histograms, at->histogram_starts, std::move(series.histograms),
        std::move(series.histogram_starts));
}

Result<std::vector<SeriesData>> MemoryReader::select(const std::vector<Matcher>& matchers,
                                                     TimeRange range,
                                                     const ReadLimits& limits) const {
  std::vector<SeriesData> out;
  for (const auto& series : series_) {
    if (limits.cancelled && limits.cancelled())
      return fail(ErrorCode::kCancelled, "the read was given up");
    TRY(const bool wanted, matches(series.labels, matchers));
    if (!wanted) continue;
    SeriesData copy = series;
    cut(copy.samples, copy.sample_starts, range);
    cut(copy.histograms, copy.histogram_starts, range);
    if (!copy.samples.empty() || !copy.histograms.empty()) out.push_back(std::move(copy));
  }
  return out;
}

Result<std::vector<Labels>> MemoryReader::series(const std::vector<std::vector<Matcher>>& sets,
                                                 TimeRange range, const ReadLimits& limits) const {
  std::set<Labels> found;
  const std::vector<std::vector<Matcher>> everything = {{}};
  for (const auto& matchers : sets.empty() ? everything : sets) {
    TRY(auto selected, select(matchers, range, limits));
    for (auto& series : selected) found.insert(std::move(series.labels));
  }
  return std::vector<Labels>(found.begin(), found.end());
}

Result<std::vector<std::string>> MemoryReader::label_names(
    const std::vector<std::vector<Matcher>>& sets, TimeRange range,
    const ReadLimits& limits) const {
  TRY(const auto all, series(sets, range, limits));
  std::set<std::string> names;
  for (const auto& labels : all)
    for (const auto& label : labels) names.insert(label.name);
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemoryReader::label_values(
    const std::string& name, const std::vector<std::vector<Matcher>>& sets, TimeRange range,
    const ReadLimits& limits) const {
  TRY(const auto all, series(sets, range, limits));
  std::set<std::string> values;
  for (const auto& labels : all)
    if (labels.has(name)) values.insert(std::string(labels.get(name)));
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace wellrun::telemetry::promql::testing
