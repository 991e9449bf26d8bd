#include "telemetry/series_scan.h"

#include <algorithm>
#include <unordered_map>

namespace wellrun::telemetry {
namespace {

bool is_part_of_the_name(std::string_view label) {
  return label == kMetricNameLabel || label == "__type__" || label == "__unit__";
}

class SelectedScan final : public SeriesScan {
 public:
  explicit SelectedScan(std::vector<SeriesData> series) : series_(std::move(series)) {}

  std::size_t size() const override { return series_.size(); }
  Labels labels(std::size_t series) const override { return series_[series].labels; }
  bool any_has(std::string_view label) const override {
    return std::ranges::any_of(series_, [&](const auto& one) { return one.labels.has(label); });
  }

  SeriesGroups groups(const GroupBy& by) const override {
    SeriesGroups made;
    std::unordered_map<Labels, std::uint32_t, LabelsHash> known;
    for (const auto& one : series_) {
      auto labels = group_labels(one.labels, by);
      const auto next = static_cast<std::uint32_t>(made.labels.size());
      const auto [at, is_new] = known.emplace(std::move(labels), next);
      if (is_new) made.labels.push_back(at->first);
      made.group_of.push_back(at->second);
    }
    return made;
  }

  Status read(std::size_t first, std::size_t last, const SeriesVisit& visit) const override {
    for (auto i = first; i < last; ++i) {
      const auto& one = series_[i];
      const SeriesSamples samples{one.samples, one.histograms, one.sample_starts,
                                  one.histogram_starts};
      if (!visit(i, samples)) break;
    }
    return {};
  }

 private:
  const std::vector<SeriesData> series_;
};

}  // namespace

Labels group_labels(const Labels& labels, const GroupBy& by) {
  std::vector<Label> kept;
  if (by.without) {
    for (const auto& label : labels)
      if (!is_part_of_the_name(label.name) &&
          std::ranges::find(by.labels, label.name) == by.labels.end())
        kept.push_back(label);
  } else {
    for (const auto& name : by.labels)
      if (auto value = labels.get(name); !value.empty()) kept.push_back({name, std::string(value)});
  }
  return Labels(std::move(kept));
}

std::unique_ptr<SeriesScan> scan_of(std::vector<SeriesData> series) {
  return std::make_unique<SelectedScan>(std::move(series));
}

}  // namespace wellrun::telemetry
