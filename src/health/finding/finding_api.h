#pragma once

// Findings over HTTP. On the strand.

#include <vector>

#include "health/finding/finding_domain.h"
#include "platform/http/router.h"

namespace wellrun::health::finding {

/// GET /api/v1/findings, /api/v1/findings/{id}. Both outlive the routes.
std::vector<http::Route> finding_routes(Runtime runtime, const FindingDomain& domain);

}  // namespace wellrun::health::finding
