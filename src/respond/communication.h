#pragma once

// What customers are told, by a workload's communication plan. Pure.

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/kinds/communication_plan.h"
#include "facts/respond.h"
#include "respond/incident.h"

namespace wellrun::respond {

/// The plan that speaks about this incident: of its workload, for its severity; null: customers are
/// not told.
const catalog::CommunicationPlan* plan_for(const catalog::Catalog& catalog,
                                           const Incident& incident);

/// `text` with {{workload}} (as people write it), {{severity}}, {{title}}, {{next_update}} filled
/// in; other names are left out. A value is never read as a template again.
std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values);

/// An update: `text` empty: from the plan's template for `state`, or a stated default that names no
/// internals.
facts::StatusPosted make_update(const catalog::Catalog& catalog, const Incident& incident,
                                const catalog::CommunicationPlan* plan, const std::string& state,
                                const std::string& text, std::optional<Duration> next_update_in,
                                const std::string& by, Timestamp now);

}  // namespace wellrun::respond
