#pragma once

// Prometheus labels: what identifies a series, an alert, a target.

#include <compare>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wellrun {

inline constexpr std::string_view kMetricNameLabel = "__name__";

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

/// Label pairs sorted by name (bytewise), names unique, no empty values (an empty value is the same
/// as absence).
class Labels {
 public:
  Labels() = default;
  Labels(std::initializer_list<Label> labels) : Labels(std::vector<Label>(labels)) {}

  /// Sorts; of pairs with one name the last wins; drops empty values.
  explicit Labels(std::vector<Label> labels);

  /// The value of `name`, or an empty view when absent. Cost: logarithmic.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }

  /// Replaces or adds; an empty value removes.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name) { set(name, {}); }

  std::string_view metric_name() const { return get(kMetricNameLabel); }

  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }
  std::size_t size() const { return labels_.size(); }
  bool empty() const { return labels_.empty(); }

  auto operator<=>(const Labels&) const = default;

 private:
  std::vector<Label> labels_;
};

/// A hash of all pairs, the same in every process and version: it may be stored.
std::uint64_t stable_hash(const Labels& labels);

/// `http_requests_total{code="500", job="shop"}` as Prometheus prints it; `{}` for no labels.
std::string to_string(const Labels& labels);

struct LabelsHash {
  std::size_t operator()(const Labels& labels) const { return stable_hash(labels); }
};

}  // namespace wellrun
