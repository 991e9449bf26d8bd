#pragma once

// Facts of the respond domain: events, incidents, pages, updates to customers.
// Streams: event/<id>, incident/<id>. Persons and channels are names of resources, never addresses,
// so that personal data can be erased where it is kept: in the catalog.

#include <map>
#include <string>

#include "core/json.h"

namespace wellrun::facts {

struct EventRecorded {
  static constexpr auto kType = "event.recorded";
  std::string event;
  std::string fingerprint;
  std::string alert;
  std::string workload;
  std::string severity;  ///< of the alert: page, ticket or info
  std::string outcome;   ///< incident or noted
  std::string incident;  ///< or empty
};

struct IncidentOpened {
  static constexpr auto kType = "incident.opened";
  std::string incident;
  std::string title;
  std::string workload;
  int severity = 3;         ///< 1 (worst) to 4
  std::string fingerprint;  ///< of the alert that opened it; empty: a person did
  std::string alert;
  Json value;
  std::map<std::string, std::string> labels;
  std::string kpi;
  std::string procedure;
  std::string policy;  ///< escalation policy; empty: nobody is paged
  std::string reason;  ///< why that severity
  std::string by;
};

struct IncidentAlertAdded {
  static constexpr auto kType = "incident.alert_added";
  std::string incident;
  std::string fingerprint;
  std::string alert;
  Json value;
  std::map<std::string, std::string> labels;
};

struct IncidentAlertResolved {
  static constexpr auto kType = "incident.alert_resolved";
  std::string incident;
  std::string fingerprint;
  std::string alert;
};

struct IncidentAcknowledged {
  static constexpr auto kType = "incident.acknowledged";
  std::string incident;
  std::string by;
  std::string via;  ///< page, cli, api or link
};

struct IncidentEscalated {
  static constexpr auto kType = "incident.escalated";
  std::string incident;
  int level = 1;  ///< of the policy, from 1
  int round = 1;  ///< how many times the levels were gone through
  std::string reason;
  std::string by;
};

struct IncidentSeverityChanged {
  static constexpr auto kType = "incident.severity_changed";
  std::string incident;
  int from = 3;
  int to = 3;
  std::string reason;
  std::string by;
};

struct IncidentRoleAssigned {
  static constexpr auto kType = "incident.role_assigned";
  std::string incident;
  std::string role;  ///< commander, communications or scribe
  std::string person;
  std::string by;
};

struct IncidentNoteAdded {
  static constexpr auto kType = "incident.note_added";
  std::string incident;
  std::string text;
  std::string by;
};

struct IncidentMitigated {
  static constexpr auto kType = "incident.mitigated";
  std::string incident;
  std::string by;
  std::string reason;
};

struct IncidentResolved {
  static constexpr auto kType = "incident.resolved";
  std::string incident;
  std::string by;
  std::string reason;
};

struct PageRequested {
  static constexpr auto kType = "page.requested";
  std::string page;
  std::string incident;
  int level = 1;
  int round = 1;
  std::string person;
  std::string channel;
  std::string address;  ///< "contacts/<index>" of the person: where the address is kept
};

struct PageSent {
  static constexpr auto kType = "page.sent";
  std::string page;
  std::string incident;
  std::string person;
  std::string channel;
  std::string detail;
};

struct PageFailed {
  static constexpr auto kType = "page.failed";
  std::string page;
  std::string incident;
  std::string person;
  std::string channel;
  std::string error;
};

struct StatusPosted {
  static constexpr auto kType = "status.posted";
  std::string update;
  std::string incident;
  std::string status_page;
  std::string workload;
  std::string state;  ///< investigating, identified, monitoring or resolved
  std::string text;
  std::string next_update_due;  ///< RFC 3339, or empty
  std::string by;
};

struct StatusUpdateDue {
  static constexpr auto kType = "status.update_due";
  std::string incident;
  std::string due;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EventRecorded, event, fingerprint, alert, workload,
                                                severity, outcome, incident)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentOpened, incident, title, workload, severity,
                                                fingerprint, alert, value, labels, kpi, procedure,
                                                policy, reason, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentAlertAdded, incident, fingerprint, alert,
                                                value, labels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentAlertResolved, incident, fingerprint, alert)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentAcknowledged, incident, by, via)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentEscalated, incident, level, round, reason,
                                                by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentSeverityChanged, incident, from, to, reason,
                                                by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentRoleAssigned, incident, role, person, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentNoteAdded, incident, text, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentMitigated, incident, by, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IncidentResolved, incident, by, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PageRequested, page, incident, level, round, person,
                                                channel, address)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PageSent, page, incident, person, channel, detail)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PageFailed, page, incident, person, channel, error)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StatusPosted, update, incident, status_page,
                                                workload, state, text, next_update_due, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StatusUpdateDue, incident, due)

}  // namespace wellrun::facts
