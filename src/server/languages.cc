#include "server/languages.h"

#include "health/alert_template.h"
#include "health/slo/sli_queries.h"
#include "telemetry/promql/parser.h"

namespace wellrun::server {

catalog::Languages languages() {
  return {.check_query = [](std::string_view query) -> Status {
            auto parsed = telemetry::promql::parse(query);
            if (!parsed) return std::unexpected(parsed.error());
            return {};
          },
          .check_template = health::check_template,
          .check_slo = health::check_slo_queries};
}

}  // namespace wellrun::server
