#pragma once

// Runbooks, runs and automations over HTTP: maps requests to commands and state to JSON. Handlers
// run on the strand.

#include <vector>

#include "journal/ledger.h"
#include "platform/http/router.h"
#include "procedures/procedures_domain.h"
#include "procedures/step_effects.h"

namespace wellrun::procedures {

/// All outlive the routes.
std::vector<http::Route> procedures_routes(Runtime runtime, journal::Ledger& ledger,
                                           const ProceduresDomain& domain,
                                           const catalog::Catalog& catalog, const LiveOutput& live);

}  // namespace wellrun::procedures
