#include "telemetry/scrape/open_metrics_number.h"

#include <cmath>
#include <fmt/format.h>

namespace wellrun::telemetry::scrape {

std::string open_metrics_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  auto text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace wellrun::telemetry::scrape
