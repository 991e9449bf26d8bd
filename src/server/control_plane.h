#pragma once

// The control plane: every domain on one ledger, built from a Runtime and ports. The program gives
// it the real ones; the simulation gives it a virtual clock, a journal in memory and a scripted
// world. No sockets here.

#include <memory>
#include <string>
#include <vector>

#include "assess/assess_service.h"
#include "catalog/catalog_domain.h"
#include "change/change_domain.h"
#include "health/evaluator.h"
#include "health/finding/finding_service.h"
#include "health/forecast/forecast_service.h"
#include "health/health_domain.h"
#include "health/operations/operations_domain.h"
#include "health/watch/watch_service.h"
#include "improve/effect/effect_performer.h"
#include "improve/experiment/experiment_domain.h"
#include "improve/improve_domain.h"
#include "journal/ledger.h"
#include "platform/http/client.h"
#include "platform/http/router.h"
#include "platform/process/process.h"
#include "procedures/procedures_domain.h"
#include "procedures/step_effects.h"
#include "respond/respond_domain.h"
#include "respond/respond_effects.h"
#include "telemetry/query.h"
#include "telemetry/storage.h"

namespace wellrun::server {

/// Everything outside, at its port. All outlive the control plane.
struct Ports {
  Runtime runtime;
  journal::Store& journal;
  telemetry::Querier& querier;
  const telemetry::promql::Engine& engine;  ///< for what reads whole histories
  telemetry::MetricWriter& metrics;
  const telemetry::SignalStore& signals;
  http::Client& http;
  ProcessRunner& processes;
  respond::Mailer& mailer;
  procedures::ReadSecret read_secret;
  /// Where a page's links lead.
  std::function<respond::PageLinks(const respond::Incident&, const std::string& person)> links;
  bool sandbox = true;
  std::string secrets_folder;  ///< see procedures/procedures_domain.h
  health::EvaluatorOptions evaluator = {};
  journal::LedgerOptions ledger;
  health::watch::WatchStore* baselines = nullptr;  ///< null: they are learned anew at each start
  Workers* unhurried = nullptr;  ///< for work of minutes that nobody waits for; null: the runtime's
};

class ControlPlane {
 public:
  explicit ControlPlane(const Ports& ports);
  ~ControlPlane();

  /// Replays the journal and begins: rules are evaluated, timers set, intents taken up. On the
  /// strand.
  Status start();
  /// On the strand; `stopped` runs once what was decided is durable.
  void stop(Task stopped = {});

  journal::Ledger& ledger() { return ledger_; }
  /// Lowest floor first: that is the order in which they apply a fact and react to it.
  std::vector<journal::Domain*> domains();
  const catalog::Catalog& catalog() const { return catalog_.catalog(); }
  catalog::CatalogDomain& catalog_domain() { return catalog_; }
  respond::RespondDomain& respond() { return respond_; }
  const health::HealthDomain& health() const { return health_; }
  const health::Evaluator& evaluator() const { return evaluator_; }
  const health::operations::OperationsDomain& operations() const { return operations_; }
  const health::watch::WatchService& watches() const { return watches_; }
  const health::finding::FindingDomain& findings() const { return finding_; }
  const health::forecast::ForecastService& forecasts() const { return forecasts_; }
  procedures::ProceduresDomain& procedures() { return procedures_; }
  const procedures::LiveOutput& live_output() const { return live_; }
  change::ChangeDomain& change() { return change_; }
  improve::ImproveDomain& improve() { return improve_; }
  assess::AssessService& assess() { return assess_service_; }

  /// Routes of baselines, procedures, change, improve, assess and journal; the others need what the
  /// composer has.
  std::vector<http::Route> routes();

 private:
  Runtime runtime_;
  const telemetry::promql::Engine& engine_;
  catalog::CatalogDomain catalog_;
  health::HealthDomain health_;
  health::operations::OperationsDomain operations_;
  health::finding::FindingDomain finding_;
  procedures::ProceduresDomain procedures_;
  respond::RespondDomain respond_;
  change::ChangeDomain change_;
  improve::ImproveDomain improve_;
  improve::ExperimentDomain experiment_;
  assess::AssessDomain assess_;
  journal::Ledger ledger_;
  health::Evaluator evaluator_;
  health::watch::WatchService watches_;
  health::finding::FindingService findings_;
  health::forecast::ForecastService forecasts_;
  assess::AssessService assess_service_;
  procedures::LiveOutput live_;
  procedures::CommandStep command_step_;
  procedures::HttpStep http_step_;
  procedures::QueryStep query_step_;
  procedures::UnlessCancelled wanted_command_, wanted_http_, wanted_query_;
  improve::EffectPerformer effect_;
  respond::EmailPerformer email_;
  respond::WebhookPerformer webhook_;
  respond::SlackPerformer slack_;
};

}  // namespace wellrun::server
