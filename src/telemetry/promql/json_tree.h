#pragma once

// A query's tree as JSON, in the shape of Prometheus' /api/v1/parse_query.

#include "core/json.h"
#include "telemetry/promql/ast.h"

namespace wellrun::telemetry::promql {

Json tree_as_json(const Expr& expr);

}  // namespace wellrun::telemetry::promql
