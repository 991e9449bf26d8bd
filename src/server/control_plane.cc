#include "server/control_plane.h"

#include "change/change_api.h"
#include "improve/improve_api.h"
#include "journal/journal_api.h"
#include "procedures/procedures_api.h"

namespace wellrun::server {

ControlPlane::ControlPlane(const Ports& ports, catalog::CatalogDomain& catalog_domain,
                           respond::RespondDomain& respond_domain)
    : runtime_(ports.runtime),
      catalog_(catalog_domain),
      respond_(respond_domain),
      procedures_(catalog_.catalog()),
      // Lowest floor first: that is the order in which they apply a fact and react to it.
      ledger_(ports.runtime, ports.journal,
              {&catalog_, &health_, &procedures_, &respond_, &change_, &improve_, &assess_}),
      evaluator_(ports.runtime, catalog_.catalog(), ports.querier, ports.metrics, ledger_, health_,
                 ports.evaluator),
      assess_service_(ports.runtime, ledger_, assess_, catalog_.catalog(), ports.querier,
                      ports.signals),
      command_step_(
          {ports.runtime, ports.journal, live_, ports.read_secret}, ports.processes,
          ports.sandbox ? ProcessRequest::Sandbox::kIsolated : ProcessRequest::Sandbox::kNone),
      http_step_({ports.runtime, ports.journal, live_, ports.read_secret}, ports.http),
      query_step_({ports.runtime, ports.journal, live_, ports.read_secret}, ports.querier) {
  ledger_.perform_with("procedures.run", command_step_);
  ledger_.perform_with("procedures.http", http_step_);
  ledger_.perform_with("procedures.query", query_step_);
  ledger_.perform_with("respond.email", ports.email);
  ledger_.perform_with("respond.webhook", ports.webhook);
  ledger_.perform_with("respond.slack", ports.slack);
}

ControlPlane::~ControlPlane() = default;

Status ControlPlane::start() {
  TRY_STATUS(ledger_.start());
  evaluator_.start();
  return {};
}

void ControlPlane::stop(Task stopped) {
  evaluator_.stop();
  ledger_.stop(std::move(stopped));
}

std::vector<http::Route> ControlPlane::routes() {
  std::vector<http::Route> all;
  const auto add = [&](std::vector<http::Route> routes) {
    std::ranges::move(routes, std::back_inserter(all));
  };
  add(procedures::procedures_routes(runtime_, ledger_, procedures_, catalog_.catalog()));
  add(change::change_routes(runtime_, ledger_, change_));
  add(improve::improve_routes(runtime_, ledger_, improve_));
  add(assess_service_.routes());
  add(journal::journal_routes(runtime_, ledger_));
  return all;
}

}  // namespace wellrun::server
