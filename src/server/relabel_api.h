#pragma once

// What relabelling makes of a target, step by step: for whoever wonders why one is dropped or
// carries another label.

#include <vector>

#include "catalog/catalog.h"
#include "platform/http/router.h"
#include "platform/runtime/runtime.h"

namespace wellrun::server {

/// GET /api/v1/targets/relabel_steps?scrapePool=&labels={…}: each step of the job's `relabel` with
/// the labels after it; ends with the step that drops. Source: Prometheus' HTTP API.
std::vector<http::Route> relabel_routes(Runtime runtime, const catalog::Catalog& catalog);

}  // namespace wellrun::server
