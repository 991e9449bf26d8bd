#include "respond/severity.h"

#include <array>

namespace wellrun::respond {

Severity severity_of(int tier, const std::string& kpi, const std::string& kpi_status) {
  constexpr std::array<std::array<int, 3>, 4> kTable{{{1, 2, 2}, {2, 2, 3}, {3, 3, 3}, {4, 4, 4}}};
  if (tier < 1 || tier > 4) tier = 3;
  const std::size_t column = kpi_status == "missed" ? 0 : kpi_status == "at_risk" ? 1 : 2;
  const int level = kTable[static_cast<std::size_t>(tier) - 1][column];
  if (column == 2)
    return {level, fmt::format("workload of tier {}, no KPI known to be at risk", tier)};
  return {level, fmt::format("workload of tier {}, KPI {} {}", tier, kpi,
                             column == 0 ? "missed" : "at risk")};
}

}  // namespace wellrun::respond
