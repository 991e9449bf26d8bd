#pragma once

// The figures of operations: how fast trouble is noticed and ended, how changes go, what work is
// done by hand. Pure functions of the record. docs/kpis.md defines each.

#include <optional>
#include <span>
#include <string_view>

#include "health/operations/operations_record.h"

namespace wellrun::health::operations {

struct Figure {
  std::optional<double> value;  ///< nothing without data
  std::size_t count = 0;        ///< of the incidents, deployments … that it rests on
};

struct FigureKind {
  std::string_view name;  ///< as Kpi.operations has it
  std::string_view title;
  std::string_view unit;       ///< as charts have it: s, ratio, 1/d, h/week
  std::string_view direction;  ///< which way is better
  Figure (*compute)(const OperationsRecord&, std::string_view workload, Timestamp from,
                    Timestamp to);
};

/// All of them, in the order of a review.
std::span<const FigureKind> figure_kinds();

/// Over [now - window, now]; `workload` empty: all. Nothing for a name that is not one.
Figure figure(const OperationsRecord& record, std::string_view name, std::string_view workload,
              Timestamp now, Duration window);

}  // namespace wellrun::health::operations
