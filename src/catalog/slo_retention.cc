#include "catalog/slo_retention.h"

#include <algorithm>
#include <fmt/format.h>

#include "catalog/kinds/retention.h"

namespace wellrun::catalog {

std::string beyond_retention(const Catalog& catalog, const Slo& slo, Duration retention) {
  if (retention <= Duration{0}) return {};
  Duration longest = retention;
  for (const auto* each : catalog.all<Retention>()) longest = std::max(longest, each->keep);
  if (slo.window() <= longest) return {};
  return fmt::format(
      "its time window is {} long and samples are kept for {}: no more than that is counted. Keep "
      "its series longer (a Retention, or --retention), or promise over less",
      format_duration(slo.window()), format_duration(longest));
}

}  // namespace wellrun::catalog
