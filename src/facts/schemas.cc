#include "facts/schemas.h"

#include <algorithm>
#include <fmt/format.h>

#include "facts/assess.h"
#include "facts/catalog.h"
#include "facts/change.h"
#include "facts/findings.h"
#include "facts/health.h"
#include "facts/improve.h"
#include "facts/procedures.h"
#include "facts/respond.h"
#include "facts/telemetry.h"
#include "facts/views.h"

namespace wellrun::facts {
namespace {

/// A fact whose struct reads and writes itself.
template <typename Fact>
Schema fact(const std::vector<Upcast>& upcasts = {}) {
  return {.type = Fact::kType,
          .reread = [](const Json& body) { return Json(body.get<Fact>()); },
          .blank = [] { return Json(Fact{}); },
          .upcasts = upcasts};
}

/// One of the catalog: to_json() and a reader that refuses.
template <typename Fact, Result<Fact> (*read)(const Json&)>
Schema catalog_fact(const std::vector<Upcast>& upcasts = {}) {
  return {.type = Fact::kType,
          .reread =
              [](const Json& body) {
                const auto fact = read(body);
                return fact ? to_json(*fact) : Json(to_string(fact.error()));
              },
          .blank = [] { return to_json(Fact{}); },
          .upcasts = upcasts};
}

std::vector<Schema> all() {
  std::vector<Schema> all = {
      // assess
      fact<AssessmentMade>(),
      // catalog
      catalog_fact<CatalogApplied, catalog_applied_from_json>(),
      catalog_fact<ResourceApplied, resource_applied_from_json>(),
      catalog_fact<ResourceDeleted, resource_deleted_from_json>(),
      catalog_fact<ResourcePart, resource_part_from_json>(),
      // change
      fact<ChangeRecorded>(),
      fact<DeploymentFinished>(),
      fact<DeploymentStarted>(),
      // health
      fact<AlertFired>(),
      fact<AlertResolved>(),
      fact<FindingChanged>(),
      fact<FindingClosed>(),
      fact<FindingOpened>(),
      fact<AlertVerdictGiven>(),
      fact<BudgetStepLeft>(),
      fact<BudgetStepReached>(),
      fact<KpiReviewed>(),
      fact<KpiStatusChanged>(),
      fact<KpiViewed>(),
      // improve
      fact<ActionCreated>(),
      fact<ActionEffectExpected>(),
      fact<ActionEffectJudged>(),
      fact<ActionFinished>(),
      fact<AnalysisDrafted>(),
      fact<AnalysisEdited>(),
      fact<AnalysisSigned>(),
      fact<ExperimentEnded>(),
      fact<ExperimentJudged>(),
      fact<ExperimentLearned>(),
      fact<ExperimentStarted>(),
      // procedures
      fact<AutomationSuppressed>(),
      fact<AutomationTriggered>(),
      fact<RunApprovalRequested>(),
      fact<RunApproved>(),
      fact<RunFinished>(),
      fact<RunResumed>(),
      fact<RunStarted>(),
      fact<RunStepFinished>(),
      fact<RunStepStarted>(),
      fact<RunVerdictGiven>(),
      // respond
      fact<EventRecorded>(),
      fact<IncidentAcknowledged>(),
      fact<IncidentAlertAdded>(),
      fact<IncidentAlertResolved>(),
      fact<IncidentEscalated>(),
      fact<IncidentMitigated>(),
      fact<IncidentNoteAdded>(),
      fact<IncidentOpened>(),
      fact<IncidentResolved>(),
      fact<IncidentRoleAssigned>(),
      fact<IncidentSeverityChanged>(),
      fact<PageFailed>(),
      fact<PageRequested>(),
      fact<PageSent>(),
      fact<StatusPosted>(),
      fact<StatusUpdateDue>(),
      // telemetry
      fact<SeriesDeleted>(),
      fact<SeriesDeletionRequested>(),
      fact<SeriesLimitCleared>(),
      fact<SeriesLimitReached>(),
  };
  std::ranges::sort(all, {}, &Schema::type);
  return all;
}

}  // namespace

std::span<const Schema> schemas() {
  static const std::vector<Schema> kAll = all();
  return kAll;
}

const Schema* schema_of(std::string_view type) {
  const auto found = std::ranges::lower_bound(schemas(), type, {}, &Schema::type);
  return found == schemas().end() || found->type != type ? nullptr : &*found;
}

Status upcast(const Schema& schema, int version, Json& body) {
  if (version > schema.current()) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has version {}, this program reads up to {}; use the version of "
                            "Wellrun that wrote it, or a newer one",
                            schema.type, version, schema.current()));
  }
  try {
    for (auto step = version; step < schema.current(); ++step)
      schema.upcasts[static_cast<std::size_t>(step) - 1](body);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, fmt::format("{} of version {} cannot be read: {}", schema.type,
                                                 version, error.what()));
  }
  return {};
}

Status upcast(std::string_view type, int version, Json& body) {
  const auto* schema = schema_of(type);
  return schema == nullptr ? Status() : upcast(*schema, version, body);
}

}  // namespace wellrun::facts
