#include "server/control_plane.h"

#include "change/change_api.h"
#include "health/finding/finding_api.h"
#include "health/forecast/forecast_api.h"
#include "health/kpi_api.h"
#include "health/watch/watch_api.h"
#include "improve/experiment/experiment_api.h"
#include "improve/improve_api.h"
#include "journal/journal_api.h"
#include "procedures/procedures_api.h"
#include "server/secrets.h"

namespace wellrun::server {

namespace {

respond::NotifyEnvironment notify(const Ports& ports, const respond::RespondDomain& domain) {
  return {.runtime = ports.runtime,
          .domain = domain,
          .read_secret = ports.read_secret,
          .links = ports.links};
}

health::EvaluatorOptions with_operations(health::EvaluatorOptions options,
                                         const health::operations::OperationsDomain& operations) {
  options.operations = &operations.record();
  return options;
}

procedures::UnlessCancelled::MayBegin may_begin(const procedures::ProceduresDomain& domain) {
  return [&domain](const journal::Intent& intent) { return domain.may_begin(intent); };
}

Runtime unhurried(const Ports& ports) {
  const auto& given = ports.runtime;
  return {given.clock, given.random, given.strand,
          ports.unhurried ? *ports.unhurried : given.workers};
}

}  // namespace

ControlPlane::ControlPlane(const Ports& ports)
    : runtime_(ports.runtime),
      engine_(ports.engine),
      operations_(catalog_.catalog()),
      procedures_(catalog_.catalog(), {.secrets_folder = ports.secrets_folder}),
      respond_(catalog_.catalog()),
      change_(catalog_.catalog()),
      ledger_(ports.runtime, ports.journal, domains(), ports.ledger),
      evaluator_(ports.runtime, catalog_.catalog(), ports.querier, ports.metrics, ledger_, health_,
                 with_operations(ports.evaluator, operations_)),
      watches_(ports.runtime, catalog_.catalog(), ledger_,
               {.engine = ports.engine, .writer = ports.metrics, .store = ports.baselines}),
      findings_(catalog_.catalog(), ledger_, finding_, watches_),
      forecasts_(unhurried(ports), catalog_.catalog(), ledger_, health_, ports.engine,
                 ports.metrics),
      assess_service_(ports.runtime, ledger_, assess_, catalog_.catalog(), ports.querier,
                      ports.signals),
      command_step_(
          {ports.runtime, ports.journal, live_, ports.read_secret}, ports.processes,
          ports.sandbox ? ProcessRequest::Sandbox::kIsolated : ProcessRequest::Sandbox::kNone,
          [this] { return secret_files(catalog_.catalog()); }),
      http_step_({ports.runtime, ports.journal, live_, ports.read_secret}, ports.http),
      query_step_({ports.runtime, ports.journal, live_, ports.read_secret}, ports.querier),
      wanted_command_(may_begin(procedures_), command_step_),
      wanted_http_(may_begin(procedures_), http_step_),
      wanted_query_(may_begin(procedures_), query_step_),
      effect_(unhurried(ports), catalog_.catalog(), ports.engine),
      email_(notify(ports, respond_), ports.mailer),
      webhook_(notify(ports, respond_), ports.http),
      slack_(notify(ports, respond_), ports.http) {
  ledger_.perform_with("procedures.run", wanted_command_);
  ledger_.perform_with("procedures.http", wanted_http_);
  ledger_.perform_with("procedures.query", wanted_query_);
  ledger_.perform_with("improve.look", effect_);
  ledger_.perform_with("experiment.look", effect_);
  ledger_.perform_with("respond.email", email_);
  ledger_.perform_with("respond.webhook", webhook_);
  ledger_.perform_with("respond.slack", slack_);
}

ControlPlane::~ControlPlane() = default;

std::vector<journal::Domain*> ControlPlane::domains() {
  return {&catalog_, &health_, &operations_, &finding_,    &procedures_,
          &respond_, &change_, &improve_,    &experiment_, &assess_};
}

Status ControlPlane::start() {
  TRY_STATUS(ledger_.start());
  evaluator_.start();
  watches_.start();
  findings_.start();  // after the watches: it looks at them when the catalog has changed
  forecasts_.start();
  return {};
}

void ControlPlane::stop(Task stopped) {
  forecasts_.stop();
  watches_.stop();
  evaluator_.stop();
  effect_.stop();
  ledger_.stop(std::move(stopped));
}

std::vector<http::Route> ControlPlane::routes() {
  std::vector<http::Route> all;
  const auto add = [&](std::vector<http::Route> routes) {
    std::ranges::move(routes, std::back_inserter(all));
  };
  add(health::kpi_routes(runtime_, ledger_, catalog_.catalog(), evaluator_, health_, operations_));
  add(health::watch::watch_routes(runtime_, watches_, engine_));
  add(health::finding::finding_routes(runtime_, finding_));
  add(health::forecast::forecast_routes(runtime_, forecasts_));
  add(procedures::procedures_routes(runtime_, ledger_, procedures_, catalog_.catalog(), live_));
  add(change::change_routes(runtime_, ledger_, change_));
  add(improve::improve_routes(runtime_, ledger_, improve_));
  add(improve::experiment_routes(runtime_, ledger_, experiment_));
  add(assess_service_.routes());
  add(journal::journal_routes(runtime_, ledger_));
  return all;
}

}  // namespace wellrun::server
