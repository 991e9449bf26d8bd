#pragma once

// Incidents, events, pages, on-call and one-tap links over HTTP. Handlers run on the strand; what
// must be read from the whole journal takes its turn among the queries.

#include <vector>

#include "journal/store.h"
#include "platform/auth/link_signer.h"
#include "platform/http/router.h"
#include "respond/respond_domain.h"
#include "telemetry/in_turn.h"

namespace wellrun::respond {

/// All outlive the routes.
std::vector<http::Route> respond_routes(Runtime runtime, journal::Ledger& ledger,
                                        const RespondDomain& domain, const LinkSigner& signer,
                                        telemetry::RunningQueries& running);

/// As GET /api/v1/incidents has it.
Json incident_json(const Incident& incident);

}  // namespace wellrun::respond
