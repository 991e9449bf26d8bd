#pragma once

// The public status pages: what customers see. Names and texts of the StatusPage and its updates
// only; nothing from inside, and nothing of another page.

#include <vector>

#include "platform/http/router.h"
#include "respond/respond_domain.h"

namespace wellrun::respond {

struct PublicComponent {
  std::string name;
  std::string state;  ///< operational, degraded or outage
  /// Share of the last 90 days, as far as it was watched then, without an incident of severity 1.
  double uptime_90d = 1;
  /// The worst state of each of the last 90 days (UTC), oldest first; today is the last. `unknown`
  /// where nobody watched yet: its workload was not declared.
  std::vector<std::string> days;
};

struct PublicUpdate {
  Timestamp at;
  std::string state, text;
};

/// What one page tells of an incident: values of its own, so that no page can show what was said on
/// another, where it may have been written for other readers.
struct PublicIncident {
  std::string title;  ///< what was told first: the incident's own title is written for us
  Timestamp opened_at;
  std::optional<Timestamp> resolved_at;
  bool hurts_customers = false;
  std::optional<Timestamp> next_update_due;  ///< promised on this page, while it is open
  std::vector<PublicUpdate> updates;         ///< oldest first, at least one
};

struct PublicStatus {
  std::string title, description;
  std::string overall;  ///< the worst of its components
  std::vector<PublicComponent> components;
  std::vector<PublicIncident> incidents;  ///< told on this page, newest first, of the last 90 days
};

/// The status page of that name; std::nullopt when there is none. An open incident of severity 1 is
/// an outage, of 2 or less a degradation; a mitigated one is over for customers. Incidents are
/// those that were told on this very page, with what was told there.
std::optional<PublicStatus> public_status(const RespondDomain& domain, const std::string& page,
                                          Timestamp now);

Json to_json(const PublicStatus& status);

/// For the status pages' own listener. GET /pages/{name} and /api/status/{name} are one page; GET /
/// and /api/status.json are the only one there is, and with several GET / lists them and the other
/// is the first by name. Times are UTC in the page itself; /status.js writes them in the reader's
/// zone, and asks for the page again every minute. `domain` outlives them.
std::vector<http::Route> status_page_routes(Runtime runtime, const RespondDomain& domain);

/// GET /status.css, which the one-tap pages of the main listener need too.
std::vector<http::Route> status_assets();

}  // namespace wellrun::respond
