#pragma once

// The public status page: what customers see. Names and texts of the StatusPage and its updates
// only; nothing from inside.

#include <vector>

#include "platform/http/router.h"
#include "respond/respond_domain.h"

namespace wellrun::respond {

struct PublicComponent {
  std::string name;
  std::string state;      ///< operational, degraded or outage
  double uptime_90d = 1;  ///< share of the last 90 days without an incident of severity 1
};

struct PublicStatus {
  std::string title, description;
  std::string overall;  ///< the worst of its components
  std::vector<PublicComponent> components;
  std::vector<const Incident*> incidents;  ///< told to customers, newest first, of the last 90 days
};

/// The first status page of the catalog; std::nullopt when there is none. An open incident of
/// severity 1 is an outage, of 2 or less a degradation; a mitigated one is over for customers.
std::optional<PublicStatus> public_status(const RespondDomain& domain, Timestamp now);

Json to_json(const PublicStatus& status);

/// GET /, /status.css, /api/status.json: for the status page's own listener. `domain` outlives
/// them.
std::vector<http::Route> status_page_routes(Runtime runtime, const RespondDomain& domain);

/// GET /status.css, which the one-tap pages of the main listener need too.
std::vector<http::Route> status_assets();

}  // namespace wellrun::respond
