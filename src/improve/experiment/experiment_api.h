#pragma once

// Experiments over HTTP, on the strand.

#include <vector>

#include "improve/experiment/experiment_domain.h"
#include "platform/http/router.h"

namespace wellrun::improve {

/// All outlive the routes.
std::vector<http::Route> experiment_routes(Runtime runtime, journal::Ledger& ledger,
                                           const ExperimentDomain& domain);

}  // namespace wellrun::improve
