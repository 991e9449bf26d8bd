#pragma once

// Analyses and actions over HTTP. Domain state is read on the strand, facts off it.

#include <vector>

#include "improve/improve_domain.h"
#include "journal/store.h"
#include "platform/http/router.h"

namespace wellrun::improve {

/// All outlive the routes.
std::vector<http::Route> improve_routes(Runtime runtime, journal::Ledger& ledger,
                                        const ImproveDomain& domain);

}  // namespace wellrun::improve
