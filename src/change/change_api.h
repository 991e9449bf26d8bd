#pragma once

// Deployments, changes and DORA figures over HTTP, and CDEvents in. Handlers run on the strand.

#include <vector>

#include "change/change_domain.h"
#include "platform/http/router.h"

namespace wellrun::change {

/// All outlive the routes.
std::vector<http::Route> change_routes(Runtime runtime, journal::Ledger& ledger,
                                       const ChangeDomain& domain);

/// What a CDEvent (https://cdevents.dev, specification 0.4) says of a deployment; std::nullopt for
/// events that say nothing of one. `type`: "dev.cdevents.service.deployed.0.2.0"; `subject`: the
/// event's `subject` object. kInvalid names what is missing.
Result<std::optional<DeploymentReport>> read_cdevent(const Json& event);

}  // namespace wellrun::change
