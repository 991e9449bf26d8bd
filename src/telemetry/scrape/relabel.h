#pragma once

// Relabelling: how targets and samples get their labels, or are dropped. Pure. Source:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/labels.h"
#include "core/result.h"

namespace re2 {
class RE2;
}

namespace wellrun::telemetry::scrape {

/// One step, as Prometheus' relabel_config, with its defaults.
struct RelabelStep {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  std::uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  std::string action = "replace";  ///< replace, keep, drop, keepequal, dropequal, hashmod,
                                   ///< labelmap, labeldrop, labelkeep, lowercase, uppercase

  bool operator==(const RelabelStep&) const = default;
};

/// Steps that were checked, with their expressions compiled. Copies share them; safe from any
/// thread.
class Relabelling {
 public:
  Relabelling() = default;  ///< no steps: labels stay as they are
  /// kInvalid for an action that is not known, an expression that RE2 does not take, a target label
  /// or modulus that the action needs and does not have.
  static Result<Relabelling> compile(std::vector<RelabelStep> steps);

  bool empty() const { return steps_.empty(); }
  /// std::nullopt: dropped.
  std::optional<Labels> apply(Labels labels) const;

  bool operator==(const Relabelling& other) const;

 private:
  struct Compiled {
    RelabelStep step;
    std::shared_ptr<const re2::RE2> regex;
  };
  static bool apply(const Compiled& compiled, Labels& labels);
  std::vector<Compiled> steps_;
};

}  // namespace wellrun::telemetry::scrape
