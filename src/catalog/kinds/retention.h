#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct DownsampleStep {
  Duration after{0};
  Duration resolution{0};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("How finely samples of some age are kept.");
    s.field("after", &DownsampleStep::after, "The age from which on it holds.")
        .required()
        .positive();
    s.field("resolution", &DownsampleStep::resolution,
            "Of each interval of this length the last sample is kept, and those around each reset "
            "of a counter.")
        .required()
        .positive();
  }
};

/// How long some series are kept, and how finely.
struct Retention {
  static constexpr const char* kKind = "Retention";
  Metadata metadata;
  std::vector<std::string> match;
  Duration keep{0};  ///< 0: not said
  std::vector<DownsampleStep> downsample;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about(
        "How long some series are kept, and how finely, where that is not `--retention` and every "
        "sample. Where several match a series, the longest `keep` holds and, at each age, the "
        "finest resolution; one without `downsample` keeps every sample. What follows for queries: "
        "[retention](../retention.md).");
    s.field("match", &Retention::match,
            "The series: those that match any of these PromQL selectors, as "
            "`{job=\"batch\", __name__=~\"debug_.*\"}`.")
        .required();
    s.field("keep", &Retention::keep,
            "How long; longer than `--retention` or shorter. Default: `--retention`.")
        .positive();
    s.field("downsample", &Retention::downsample,
            "How finely older samples are kept; from one step to the next both fields grow.");
  }
};

}  // namespace wellrun::catalog
