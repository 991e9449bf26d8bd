// The evidence rules: one function a practice, each reading the catalog, the record of facts and
// the readings, and saying what it found, from what, and what would help most. docs/practices.md is
// printed from the table at the end.

#include <array>
#include <fmt/format.h>
#include <re2/re2.h>

#include "assess/evidence.h"
#include "catalog/kinds.h"
#include "catalog/production.h"
#include "core/text.h"
#include "telemetry/matching.h"
#include "telemetry/promql/parser.h"

namespace wellrun::assess {
namespace {

using catalog::Workload;

constexpr double kWell = 0.9;  ///< a share from here on counts as practised

constexpr const char* kDeclareWorkload = "declare a Workload: wellrun init shows one";
constexpr const char* kDeclareComponents = "declare the Components of your workloads";
constexpr const char* kDeclareKpi = "declare a Kpi, with a target, for each outcome that matters";

Finding nothing(std::string figure, std::string next_step) {
  return {.verdict = Verdict::kNoEvidence,
          .figure = std::move(figure),
          .next_step = std::move(next_step)};
}

/// A practice measured as a share of things done right.
struct Share {
  std::size_t good = 0;
  std::size_t all = 0;
  std::vector<std::string> missing;  ///< names, for the next step
  /// What to do where there is nothing to measure yet; empty where only time brings it.
  std::string begin_with = {};

  void add(bool is_good, const std::string& name) {
    ++all;
    if (is_good) {
      ++good;
    } else if (missing.size() < 3) {
      missing.push_back(name);
    }
  }
  double value() const {
    return all == 0 ? 0 : static_cast<double>(good) / static_cast<double>(all);
  }
};

/// `what`: "components have an owner". `next`: what to do, given the first missing names.
Finding from_share(const Share& share, std::string_view what, std::string next,
                   std::vector<Proof> evidence, std::optional<Timestamp> newest) {
  if (share.all == 0)
    return nothing(fmt::format("0 of 0 {}", what),
                   share.begin_with.empty() ? "nothing to do until there is one to look at"
                                            : share.begin_with);
  const double value = share.value();
  Finding finding{.verdict = value >= kWell ? Verdict::kPractised
                             : value > 0    ? Verdict::kPartly
                                            : Verdict::kNot,
                  .score = value,
                  .figure = fmt::format("{} of {} {}", share.good, share.all, what),
                  .newest = newest,
                  .evidence = std::move(evidence)};
  if (value < 1)
    finding.next_step =
        share.missing.empty() ? next : fmt::format("{}: {}", next, join_words(share.missing));
  return finding;
}

std::optional<Timestamp> newest(const Tally& tally) {
  return tally.count == 0 ? std::nullopt : std::optional(tally.last_at);
}
Proof fact_proof(std::string text, const Tally& tally) {
  return {std::move(text), fmt::format("/journal?seq={}", tally.last_seq)};
}

/// What is only declared is half of it, until it was seen to work.
Finding until_seen(Finding finding, bool seen, std::string next_step) {
  if (seen || finding.score <= 0) return finding;
  finding.score *= 0.5;
  finding.verdict = Verdict::kPartly;
  if (finding.next_step.empty()) finding.next_step = std::move(next_step);
  return finding;
}

std::optional<Timestamp> applied_at(const View& view) {
  return newest(view.record.of("catalog.applied"));
}
Proof catalog_proof(const View& view) {
  return fact_proof("the last apply", view.record.of("catalog.applied"));
}

bool is_reachable(const catalog::Catalog& all, const catalog::Team& team) {
  if (!team.email.empty() || team.channel) return true;
  return std::ranges::any_of(team.members, [&](const auto& member) {
    const auto* person = all.find(member);
    return person != nullptr && (!person->contacts.empty() || !person->email.empty());
  });
}

Share committed_share(const View& view) {
  Share share{.begin_with = "write operations as code and apply them: wellrun init, wellrun apply"};
  for (const auto* resource : view.catalog.resources()) {
    const auto& from = resource->provenance;
    share.add(!from.commit.empty() && !from.dirty, resource->kind + "/" + resource->name);
  }
  return share;
}

Finding operations_as_code(const View& view) {
  const auto share = committed_share(view);
  auto finding = from_share(share, "resources were applied from a clean commit",
                            "commit and apply again", {catalog_proof(view)}, applied_at(view));
  if (finding.verdict == Verdict::kNoEvidence) return finding;
  const auto automated = view.record.automated_runs;
  finding.figure += fmt::format("; {} responses started by automation", automated);
  // Half for what is wanted being code, half for responses being code that events start.
  finding.score = 0.5 * share.value() + (automated > 0 ? 0.5 : 0);
  finding.verdict = finding.score >= kWell ? Verdict::kPractised : Verdict::kPartly;
  if (automated == 0)
    finding.next_step = "let an Automation start a runbook when an incident opens";
  return finding;
}

Finding version_control(const View& view) {
  return from_share(committed_share(view), "resources carry the commit they came from",
                    "keep the operations repository in git and apply from a clean tree",
                    {catalog_proof(view)}, applied_at(view));
}

/// What a change of this practice is like, from the deliveries to production of four weeks.
struct Delivered {
  double a_week = 0;  ///< since the first, where that is less than four weeks ago
  std::optional<Duration> lead_time;
};

Delivered delivered(const View& view) {
  constexpr Duration kWindow = std::chrono::days(28), kWeek = std::chrono::days(7);
  std::optional<Timestamp> first;
  std::size_t recent = 0;
  std::vector<Duration> lead_times;
  for (const auto& each : view.record.deliveries) {
    if (!catalog::is_production(view.catalog, each.environment)) continue;
    if (!first) first = each.at;
    if (view.now - each.at > kWindow) continue;
    ++recent;
    if (each.lead_time_ms) lead_times.emplace_back(*each.lead_time_ms);
  }
  Delivered found;
  if (first) {
    const auto over = std::clamp(view.now - *first, kWeek, kWindow);
    found.a_week = static_cast<double>(recent) * to_seconds(kWeek) / to_seconds(over);
  }
  if (!lead_times.empty()) {
    const auto middle = lead_times.begin() + static_cast<std::ptrdiff_t>(lead_times.size() / 2);
    std::ranges::nth_element(lead_times, middle);
    found.lead_time = *middle;
  }
  return found;
}

/// A third each for frequent (one a week reaches production), small (from commit to production in
/// a week: what waits longer travels in batches) and reversible (one was taken back).
Finding small_reversible_changes(const View& view) {
  const auto ended = view.record.deployments_ended.size();
  if (ended == 0)
    return nothing(
        "no deployments recorded",
        "record deployments: wellrun deploy record, or POST /api/v1/deployments from the pipeline");
  const auto how = delivered(view);
  const bool frequent = how.a_week >= 1;
  const bool small = how.lead_time && *how.lead_time <= std::chrono::days(7);
  const bool reversed = !view.record.taken_back.empty();
  const int parts = int{frequent} + int{small} + int{reversed};
  const auto finished = view.record.of("deployment.finished");
  return {
      .verdict = parts == 3  ? Verdict::kPractised
                 : parts > 0 ? Verdict::kPartly
                             : Verdict::kNot,
      .score = parts / 3.0,
      .figure = fmt::format(
          "{} deployments, {:.1f} a week to production, {} from commit to "
          "there (median), {} taken back",
          ended, how.a_week,
          how.lead_time ? format_duration(std::chrono::floor<std::chrono::seconds>(*how.lead_time))
                        : "unknown time",
          view.record.taken_back.size()),
      .newest = finished.last_at,
      .evidence = {fact_proof("the last deployment", finished)},
      .next_step = !frequent ? "bring less at a time to production, at least once a week"
                   : !small  ? "report each deployment with its commit_time, and shorten the "
                               "way from there to production to a week"
                   : !reversed
                       ? "show that a change can be taken back: rehearse a rollback and record it"
                       : ""};
}

Finding procedures_used(const View& view) {
  Share share{.begin_with = "write a runbook: wellrun init shows one"};
  std::size_t succeeded = 0;
  std::size_t ran = 0;
  for (const auto* runbook : view.catalog.all<catalog::Runbook>()) {
    const auto& name = runbook->metadata.name;
    const auto good = view.record.runs_succeeded.find(name);
    const auto bad = view.record.runs_failed.find(name);
    const auto good_count = good == view.record.runs_succeeded.end() ? 0 : good->second.count;
    succeeded += good_count;
    ran += good_count + (bad == view.record.runs_failed.end() ? 0 : bad->second.count);
    share.add(good_count > 0, name);
  }
  const auto finished = view.record.of("run.finished");
  auto finding = from_share(share, "runbooks have run with success",
                            "run those that never did, in a quiet hour",
                            {fact_proof("the last run", finished)}, newest(finished));
  if (ran > 0) finding.figure += fmt::format("; {} of {} runs succeeded", succeeded, ran);
  return finding;
}

/// The last time that a person worked on an analysis.
Tally last_learnt(const View& view) {
  const auto edited = view.record.of("analysis.edited"),
             is_signed = view.record.of("analysis.signed");
  return edited.last_seq > is_signed.last_seq ? edited : is_signed;
}

/// A draft makes itself; learning begins where a person corrects or signs it.
Finding failures_learnt_from(const View& view) {
  Share share;
  for (const auto& [id, incident] : view.record.incidents) {
    if (incident.resolved_at && incident.severity <= 2) share.add(incident.analysed, id);
  }
  const auto last = last_learnt(view);
  return from_share(share, "resolved incidents of severity 1 and 2 were analysed by a person",
                    "read, correct and sign the draft of", {fact_proof("the last analysis", last)},
                    newest(last));
}

/// Calls between components that were seen in traces, and whether the catalog says so.
Share observed_dependencies(const View& view) {
  std::map<std::string, const catalog::Component*> by_service;
  for (const auto* component : view.catalog.all<catalog::Component>())
    by_service.emplace(component->service_name(), component);
  Share share;
  for (const auto& [from, to] : view.readings.edges) {
    const auto caller = by_service.find(from), called = by_service.find(to);
    if (caller == by_service.end() || called == by_service.end() || from == to) continue;
    const auto& name = called->second->metadata.name;
    share.add(std::ranges::any_of(caller->second->depends_on,
                                  [&](const auto& each) { return each.name == name; }),
              caller->second->metadata.name + " calls " + name);
  }
  return share;
}

/// What is declared, and what was seen to be so: a call that nobody declared is not understood.
Finding workloads_understood(const View& view) {
  Share share{.begin_with = kDeclareWorkload};
  for (const auto* workload : view.catalog.all<Workload>()) {
    const auto& name = workload->metadata.name;
    const auto is_of = [&](const auto* each) { return each->workload.name == name; };
    const auto components = view.catalog.all<catalog::Component>();
    const auto kpis = view.catalog.all<catalog::Kpi>();
    const bool known = workload->owner && std::ranges::any_of(components, is_of) &&
                       std::ranges::any_of(kpis, is_of);
    share.add(known, name);
  }
  auto finding =
      from_share(share, "workloads have an owner, components and KPIs",
                 "describe the missing parts of", {catalog_proof(view)}, applied_at(view));
  const auto seen = observed_dependencies(view);
  if (seen.all == 0 || finding.verdict == Verdict::kNoEvidence) return finding;
  finding.figure +=
      fmt::format("; {} of {} calls seen between components are declared", seen.good, seen.all);
  if (seen.good == seen.all) return finding;
  finding.score *= 0.5 + 0.5 * seen.value();
  finding.verdict = finding.score > 0 ? Verdict::kPartly : Verdict::kNot;
  if (finding.next_step.empty())
    finding.next_step = "declare in dependsOn: " + join_words(seen.missing);
  return finding;
}

Finding components_owned(const View& view) {
  Share share{.begin_with = kDeclareComponents};
  for (const auto* component : view.catalog.all<catalog::Component>()) {
    const auto owner =
        catalog::owner_or_workloads(view.catalog, component->owner, component->workload);
    const auto* team = view.catalog.find(owner);
    share.add(team != nullptr && is_reachable(view.catalog, *team), component->metadata.name);
  }
  return from_share(share, "components have one owner who exists and is reachable",
                    "name an owner who can be reached for", {catalog_proof(view)},
                    applied_at(view));
}

Finding sponsored(const View& view) {
  Share share{.begin_with = "declare a Priority, and who stands behind it"};
  for (const auto* priority : view.catalog.all<catalog::Priority>()) {
    share.add(view.catalog.find(priority->sponsor) != nullptr, priority->metadata.name);
  }
  auto finding = from_share(share, "priorities name a sponsor", "name a sponsor for",
                            {catalog_proof(view)}, applied_at(view));
  // A name is a start; reading and deciding is what a sponsor does, and nothing records that yet.
  finding.score *= 0.4;
  if (finding.verdict == Verdict::kPractised) {
    finding.verdict = Verdict::kPartly;
    finding.next_step = "let the sponsor sign a review";
  }
  return finding;
}

Finding empowered(const View& view) {
  const auto approved = view.record.of("run.approved");
  const auto acknowledged = view.record.of("incident.acknowledged");
  const auto acted = view.record.responders_acted;
  if (acknowledged.count == 0 && acted == 0)
    return nothing("no incident was acted on yet",
                   "let a responder approve a runbook in a game day");
  return {
      .verdict = acted > 0 ? Verdict::kPractised : Verdict::kPartly,
      .score = acted > 0 ? 1 : 0.5,
      .figure =
          fmt::format("{} actions approved that responders may approve, {} incidents acknowledged",
                      acted, acknowledged.count),
      .newest = acted > 0 ? approved.last_at : acknowledged.last_at,
      .evidence = {fact_proof("the last approval", approved)},
      .next_step = acted > 0 ? "" : "give responders a runbook that they may approve themselves"};
}

Finding escalation(const View& view) {
  Share share{.begin_with = kDeclareWorkload};
  for (const auto* workload : view.catalog.all<Workload>()) {
    const auto* policy = view.catalog.find(workload->escalation_policy);
    share.add(policy != nullptr && policy->levels.size() >= 2, workload->metadata.name);
  }
  const auto escalated = view.record.of("incident.escalated");
  auto finding =
      from_share(share, "workloads have an escalation policy of two levels or more",
                 "write an escalation policy for", {catalog_proof(view)}, applied_at(view));
  finding.figure += fmt::format("; {} escalations so far", escalated.count);
  return until_seen(std::move(finding), escalated.count > 0,
                    "escalate once, in an incident or a game day: wellrun incident escalate");
}

Finding communication(const View& view) {
  Share share;
  for (const auto& [id, incident] : view.record.incidents) {
    if (incident.severity <= 2)
      share.add(incident.told_customers && incident.updates_overdue == 0, id);
  }
  const auto posted = view.record.of("status.posted");
  return from_share(share, "serious incidents had their updates on time",
                    "post updates when they were promised", {fact_proof("the last update", posted)},
                    newest(posted));
}

Finding declared_signals(const View& view) {
  if (!view.readings.signals_read)
    return nothing("telemetry could not be read", "look at the server's log");
  Share share{.begin_with = "say in each Component which signals it sends"};
  for (const auto* component : view.catalog.all<catalog::Component>()) {
    const auto seen = view.readings.signals.find(component->service_name());
    for (const auto& signal : component->signals) {
      const bool emitted = seen != view.readings.signals.end() && seen->second.contains(signal);
      share.add(emitted, component->metadata.name + " " + signal);
    }
  }
  return from_share(share, "declared signals came in over the last 10 minutes", "make these arrive",
                    {{"components and their signals", "/workloads"}}, view.now);
}

Finding hosts_measured(const View& view) {
  if (!view.readings.up_read)
    return nothing("telemetry could not be read", "look at the server's log");
  Share share{.begin_with = "declare a Scrape of your hosts and runtimes"};
  for (const auto* scrape : view.catalog.all<catalog::Scrape>()) {
    const auto up = view.readings.up.find(scrape->job_name());
    share.add(up != view.readings.up.end() && up->second >= 1, scrape->metadata.name);
  }
  return from_share(share, "scrape jobs have all targets up", "bring back the targets of",
                    {{"up", "/explore?query=up"}}, view.now);
}

Finding dependencies_measured(const View& view) {
  Share share{.begin_with = "say in each Component what it depends on"};
  for (const auto* component : view.catalog.all<catalog::Component>()) {
    for (const auto& to : component->depends_on) {
      const auto* target = view.catalog.find(to);
      const bool seen =
          target != nullptr &&
          view.readings.edges.contains({component->service_name(), target->service_name()});
      share.add(seen, component->metadata.name + " → " + to.name);
    }
  }
  return from_share(share, "declared dependencies were seen in traces", "trace the calls of",
                    {{"dependencies", "/workloads"}}, view.now);
}

Finding traceability(const View& view) {
  if (view.readings.traces == 0) return nothing("no traces came in", "send spans over OTLP");
  Share share{.good = view.readings.traces_across, .all = view.readings.traces, .missing = {}};
  return from_share(share, "recent traces cross services",
                    "pass the trace context on between services",
                    {{"recent traces", "/explore?tab=traces"}}, view.now);
}

Finding deployments_managed(const View& view) {
  Share share{.begin_with = "record deployments: wellrun deploy record, or from the pipeline"};
  for (const auto& id : view.record.deployments_started)
    share.add(view.record.deployments_ended.contains(id), id);
  const auto finished = view.record.of("deployment.finished");
  return from_share(share, "deployments have a recorded outcome",
                    "record how these deployments ended",
                    {fact_proof("the last deployment", finished)}, newest(finished));
}

/// Whether a version that reached production had succeeded in an earlier environment before;
/// std::nullopt where it never reached production. `places`: in order of first success.
std::optional<bool> was_promoted(const View& view, const std::vector<std::string>& places) {
  std::optional<int> earliest;
  for (const auto& place : places) {
    const auto* environment = view.catalog.find<catalog::Environment>(place);
    if (catalog::is_production(view.catalog, place))
      return environment != nullptr && earliest && *earliest < environment->order;
    if (environment != nullptr)
      earliest = std::min(earliest.value_or(environment->order), environment->order);
  }
  return std::nullopt;
}

Finding environments(const View& view) {
  const auto all = view.catalog.all<catalog::Environment>();
  if (all.empty())
    return nothing("no environments declared", "declare your environments and their order");
  const bool several =
      all.size() >= 2 && std::ranges::any_of(all, [](const auto* e) { return e->production; });
  Share promoted;
  for (const auto& [version, places] : view.record.versions) {
    if (const auto in_order = was_promoted(view, places)) promoted.add(*in_order, version);
  }
  const double score = (several ? 0.5 : 0.2) + 0.5 * promoted.value();
  return {
      .verdict = score >= kWell ? Verdict::kPractised : Verdict::kPartly,
      .score = score,
      .figure = fmt::format("{} environments; {} of {} versions in production were in an earlier "
                            "environment first",
                            all.size(), promoted.good, promoted.all),
      .newest = applied_at(view),
      .evidence = {catalog_proof(view)},
      .next_step = score >= kWell ? "" : "deploy to an earlier environment first, and record it"};
}

Finding way_back(const View& view) {
  if (view.record.taken_back.empty())
    return nothing("no change was ever taken back",
                   "rehearse the way back of a change and record it");
  const auto changed = view.record.of("change.recorded");
  const auto finished = view.record.of("deployment.finished");
  const auto& proof = changed.last_at > finished.last_at ? changed : finished;
  return {.verdict = Verdict::kPartly,
          .score = 0.6,
          .figure = fmt::format("{} changes taken back", view.record.taken_back.size()),
          .newest = proof.last_at,
          .evidence = {fact_proof("the last one", proof)},
          .next_step = "state the way back before each deployment starts"};
}

Finding runbooks(const View& view) {
  auto finding = procedures_used(view);
  if (view.catalog.all<catalog::Runbook>().empty())
    return nothing("no runbooks", "write the first runbook: wellrun init shows one");
  return finding;
}

Finding kpis(const View& view) {
  Share share{.begin_with = kDeclareWorkload};
  for (const auto* workload : view.catalog.all<Workload>()) {
    const auto all = view.catalog.all<catalog::Kpi>();
    const bool fed = std::ranges::any_of(all, [&](const auto* kpi) {
      return kpi->workload.name == workload->metadata.name &&
             view.readings.kpis_with_data.contains(kpi->metadata.name);
    });
    share.add(fed, workload->metadata.name);
  }
  const auto changed = view.record.of("kpi.status_changed");
  return from_share(share, "workloads have a KPI with a target and data",
                    "give a KPI that has data to", {{"KPIs", "/workloads"}}, newest(changed));
}

Finding telemetry_analysed(const View& view) {
  if (!view.readings.signals_read)
    return nothing("telemetry could not be read", "look at the server's log");
  Share share{.begin_with = kDeclareComponents};
  for (const auto* component : view.catalog.all<catalog::Component>())
    share.add(view.readings.signals.contains(component->service_name()), component->metadata.name);
  return from_share(share, "components have fresh telemetry that rules and KPIs read",
                    "send telemetry from", {{"explore", "/explore"}}, view.now);
}

Finding outcome_alerts(const View& view) {
  Share share{.begin_with = kDeclareKpi};
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    const auto slos = view.catalog.all<catalog::Slo>();
    const bool covered = std::ranges::any_of(
        slos, [&](const auto* slo) { return slo->kpi.name == kpi->metadata.name; });
    share.add(covered && view.record.kpi_alerts_fired.contains(kpi->metadata.name),
              kpi->metadata.name);
  }
  const auto fired = view.record.of("alert.fired");
  return from_share(share, "KPIs are covered by an alert that was seen to fire",
                    "cover with an SLO, and test that its alert fires",
                    {fact_proof("the last alert", fired)}, newest(fired));
}

Finding baselines(const View& view) {
  if (!view.readings.baselines_read)
    return nothing("telemetry could not be read", "look at the server's log");
  Share share{.begin_with = kDeclareKpi};
  const auto add = [&](const std::string& key) {
    share.add(view.readings.baselines.contains(key), key);
  };
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    if (kpi->operations.empty()) add("kpi/" + kpi->metadata.name);
  }
  for (const auto* slo : view.catalog.all<catalog::Slo>()) add("sli/" + slo->metadata.name);
  for (const auto* each : view.catalog.all<catalog::Baseline>())
    add("baseline/" + each->metadata.name);
  return from_share(share, "KPIs, SLIs and chosen metrics have a learnt baseline",
                    "give data to what is still learning", {{"workloads", "/workloads"}}, view.now);
}

bool patterns_read(const View& view) {
  return view.readings.baselines_read && view.readings.forecasts_read;
}

/// A pattern that was learnt is one that foretold the past.
bool has_pattern(const View& view, const catalog::Kpi& kpi) {
  const auto key = "kpi/" + kpi.metadata.name;
  return view.readings.baselines.contains(key) && view.readings.forecasts.contains(key);
}

Finding expected_patterns(const View& view) {
  if (!patterns_read(view))
    return nothing("telemetry could not be read", "look at the server's log");
  Share share{.begin_with = kDeclareKpi};
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    if (kpi->operations.empty()) share.add(has_pattern(view, *kpi), kpi->metadata.name);
  }
  return from_share(share, "KPIs have a learnt pattern and a forecast tried on the past",
                    "keep a day's history and more of", {{"workloads", "/workloads"}}, view.now);
}

/// An alert reads the scores, and what was unusual was found.
Finding anomaly_alerts(const View& view) {
  Share share{.begin_with = kDeclareWorkload};
  const auto groups = view.catalog.all<catalog::RuleGroup>();
  for (const auto* workload : view.catalog.all<Workload>()) {
    const bool alerted = std::ranges::any_of(groups, [&](const auto* group) {
      return group->workload.name == workload->metadata.name &&
             std::ranges::any_of(group->rules, [](const auto& rule) {
               return rule.is_alert() &&
                      rule.expr.find("wellrun:baseline:score") != std::string::npos;
             });
    });
    share.add(alerted, workload->metadata.name);
  }
  const auto found = view.record.of("finding.opened");
  auto finding = from_share(share, "workloads have an alert over their baselines' scores",
                            "alert on wellrun:baseline:score for",
                            {fact_proof("the last finding", found)}, newest(found));
  return until_seen(std::move(finding), found.count > 0,
                    "nothing unusual was found yet: only time brings it, or a game day");
}

std::vector<double> seconds_between(const Record& record,
                                    std::optional<Timestamp> IncidentRecord::* end) {
  std::vector<double> all;
  for (const auto& [id, incident] : record.incidents) {
    if (incident.*end) all.push_back(to_seconds(*(incident.*end) - incident.opened_at));
  }
  std::ranges::sort(all);
  return all;
}

Finding operations_kpis(const View& view) {
  const auto acknowledge = seconds_between(view.record, &IncidentRecord::acknowledged_at);
  const auto resolve = seconds_between(view.record, &IncidentRecord::resolved_at);
  const auto deployed = view.record.deployments_ended.size();
  const std::size_t with_data =
      (acknowledge.empty() ? 0U : 1U) + (resolve.empty() ? 0U : 1U) + (deployed == 0 ? 0U : 1U);
  if (with_data == 0)
    return nothing("no incident and no deployment to measure",
                   "record deployments; acknowledge and resolve incidents here");
  std::string figure;
  if (!acknowledge.empty())
    figure +=
        fmt::format("time to acknowledge {:.0f} s (median), ", acknowledge[acknowledge.size() / 2]);
  if (!resolve.empty())
    figure += fmt::format("time to resolve {:.0f} s (median), ", resolve[resolve.size() / 2]);
  figure += fmt::format("{} deployments", deployed);
  const double score = static_cast<double>(with_data) / 3;
  return {
      .verdict = with_data == 3 ? Verdict::kPractised : Verdict::kPartly,
      .score = score,
      .figure = figure,
      .newest = newest(view.record.of("incident.resolved")),
      .evidence = {{"the four DORA figures", "/changes"}, {"incidents", "/incidents?state=all"}},
      .next_step = with_data == 3
                       ? ""
                       : "let deployments, acknowledgements and resolutions be recorded here"};
}

bool has_data(const View& view, const catalog::Kpi& kpi) {
  const auto status = view.record.kpi_status.find(kpi.metadata.name);
  return status != view.record.kpi_status.end() && status->second != "no_data";
}

/// What people measure of their own work: figures of operations with a target.
Finding operations_targets(const View& view) {
  Share share;
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    if (!kpi->operations.empty()) share.add(has_data(view, *kpi), kpi->metadata.name);
  }
  if (share.all == 0) {
    auto finding = operations_kpis(view);
    if (finding.verdict == Verdict::kNoEvidence) return finding;
    finding.score *= 0.5;
    finding.verdict = Verdict::kPartly;
    finding.next_step = "give a figure of operations a target: a Kpi with `operations`";
    return finding;
  }
  return from_share(share, "KPIs of operations have a target and data",
                    "make happen what these are measured from",
                    {{"health of operations", "/health"}},
                    newest(view.record.of("kpi.status_changed")));
}

/// From an outcome something leads down to what can be acted on before it is missed.
Finding leading_indicators(const View& view) {
  Share share{.begin_with = kDeclareKpi};
  const auto kpis = view.catalog.all<catalog::Kpi>();
  const auto slos = view.catalog.all<catalog::Slo>();
  for (const auto* kpi : kpis) {
    if (kpi->parent || !kpi->operations.empty()) continue;
    const auto leads_to = [&](const auto* other, const auto& reference) {
      return reference.name == kpi->metadata.name && other != nullptr;
    };
    const bool led =
        std::ranges::any_of(kpis,
                            [&](const auto* each) {
                              return leads_to(each, each->parent) && has_data(view, *each);
                            }) ||
        std::ranges::any_of(slos, [&](const auto* each) { return leads_to(each, each->kpi); });
    share.add(led, kpi->metadata.name);
  }
  return from_share(share, "outcomes have an indicator or an objective that leads to them",
                    "say what leads to", {{"from outcome to signal", "/health"}}, applied_at(view));
}

/// The KPIs of operations for which `is_good` holds.
template <typename IsGood>
Share operations_share(const View& view, const IsGood& is_good) {
  Share share;
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    if (!kpi->operations.empty()) share.add(is_good(*kpi), kpi->metadata.name);
  }
  return share;
}

Finding no_operations_kpi() {
  return nothing("no KPI of operations", "declare one: a Kpi with `operations`");
}

/// A figure of the work is tied to what it is for, or to what leads to it.
Finding operations_tied(const View& view) {
  const auto kpis = view.catalog.all<catalog::Kpi>();
  const auto share = operations_share(view, [&](const catalog::Kpi& kpi) {
    const bool leads = view.catalog.find(kpi.parent) != nullptr;
    const bool is_led = std::ranges::any_of(
        kpis, [&](const auto* each) { return each->parent.name == kpi.metadata.name; });
    return (leads || is_led) && has_data(view, kpi);
  });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share, "KPIs of operations have data, and lead to an outcome or are led to",
                    "name the `parent` of, and record what it is measured from",
                    {{"from outcome to signal", "/health"}}, applied_at(view));
}

/// What figures of operations are made of came in lately, and somebody looked at them.
Finding operations_collected(const View& view) {
  constexpr auto kLately = std::chrono::days(30);
  const auto lately = [&](const char* type) {
    const auto tally = view.record.of(type);
    return tally.count > 0 && view.now - tally.last_at <= kLately;
  };
  Share share;
  for (const auto* type : {"incident.acknowledged", "incident.resolved", "deployment.finished",
                           "run.finished", "page.sent", "action.created"})
    share.add(lately(type), type);
  if (share.good == 0)
    return nothing("nothing that operations are measured from in 30 days",
                   "record deployments, runs and incidents here");
  const bool looked_at = lately("kpi.reviewed") || lately("analysis.signed") ||
                         lately("alert.verdict_given") || lately("assessment.made");
  auto finding = from_share(share, "kinds of records of operations came in, in 30 days",
                            "record what is missing", {{"health of operations", "/health"}},
                            newest(view.record.of("incident.resolved")));
  finding.figure += looked_at ? "; looked at since" : "; nobody looked at them";
  finding.score = 0.5 * share.value() + (looked_at ? 0.5 : 0);
  finding.verdict = finding.score >= kWell ? Verdict::kPractised : Verdict::kPartly;
  if (!looked_at)
    finding.next_step = "look at the figures: review a KPI, judge an alert, keep an assessment";
  return finding;
}

Finding operations_baselines(const View& view) {
  if (!view.readings.baselines_read)
    return nothing("telemetry could not be read", "look at the server's log");
  const auto share = operations_share(view, [&](const catalog::Kpi& kpi) {
    return view.readings.baselines.contains("kpi/" + kpi.metadata.name);
  });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share, "KPIs of operations have a learnt baseline",
                    "record what is measured by", {{"health of operations", "/health"}}, view.now);
}

Finding operations_patterns(const View& view) {
  if (!patterns_read(view))
    return nothing("telemetry could not be read", "look at the server's log");
  const auto share =
      operations_share(view, [&](const catalog::Kpi& kpi) { return has_pattern(view, kpi); });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share,
                    "KPIs of operations have a learnt pattern and a forecast tried on the past",
                    "keep a day's history and more of", {{"looking ahead", "/health"}}, view.now);
}

/// Whether `promql` reads the score of this KPI's baseline.
bool reads_score(const std::string& promql, const catalog::Kpi& kpi) {
  static const RE2 kSelector(R"((wellrun:baseline:score\s*(?:\{[^}]*\})?))");
  re2::StringPiece rest = promql;
  std::string selector;
  while (RE2::FindAndConsume(&rest, kSelector, &selector)) {
    const auto parsed = telemetry::promql::parse(selector);
    const auto* found = parsed ? (*parsed)->as<telemetry::promql::VectorSelector>() : nullptr;
    if (found == nullptr) continue;
    auto matchers = found->matchers;
    std::erase_if(matchers, [](const telemetry::Matcher& matcher) {
      return matcher.name != "baseline" && matcher.name != "workload";
    });
    const auto compiled = telemetry::MatcherSet::compile(matchers);
    const Labels labels{{"baseline", "kpi/" + kpi.metadata.name}, {"workload", kpi.workload.name}};
    if (compiled && compiled->matches(labels)) return true;
  }
  return false;
}

Finding operations_anomalies(const View& view) {
  const auto groups = view.catalog.all<catalog::RuleGroup>();
  const auto share = operations_share(view, [&](const catalog::Kpi& kpi) {
    return std::ranges::any_of(groups, [&](const auto* group) {
      return std::ranges::any_of(group->rules, [&](const auto& rule) {
        return rule.is_alert() && reads_score(rule.expr, kpi);
      });
    });
  });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share, "KPIs of operations have an alert over their baseline's score",
                    "alert on wellrun:baseline:score of", {{"health of operations", "/health"}},
                    newest(view.record.of("finding.opened")));
}

Finding operations_alerts(const View& view) {
  const auto share = operations_share(view, [&](const catalog::Kpi& kpi) {
    return view.record.kpi_alerts_fired.contains(kpi.metadata.name);
  });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share, "KPIs of operations are covered by an alert that was seen to fire",
                    "write an alert on wellrun_kpi_value of", {{"health of operations", "/health"}},
                    newest(view.record.of("alert.fired")));
}

bool reviewed_in_time(const View& view, const catalog::Kpi& kpi) {
  const auto reviewed = view.record.kpis_reviewed.find(kpi.metadata.name);
  return reviewed != view.record.kpis_reviewed.end() &&
         view.now - reviewed->second.last_at <= kpi.review_every;
}

/// Half for alerts that people called real or noise, half for KPIs that were reviewed in time.
Finding effectiveness(const View& view) {
  Share verdicts, reviews;
  for (const auto& [alert, fired] : view.record.alerts_fired)
    verdicts.add(view.record.alert_verdicts.contains(alert), alert);
  for (const auto* kpi : view.catalog.all<catalog::Kpi>()) {
    if (kpi->operations.empty()) reviews.add(reviewed_in_time(view, *kpi), kpi->metadata.name);
  }
  if (verdicts.all + reviews.all == 0)
    return nothing("neither alerts nor KPIs to validate", "declare KPIs and alerts");
  Share both{.good = verdicts.good + reviews.good,
             .all = verdicts.all + reviews.all,
             .missing = verdicts.good < verdicts.all ? verdicts.missing : reviews.missing};
  const auto given = view.record.of("alert.verdict_given");
  auto finding =
      from_share(both, "alerts that fired have a verdict, or KPIs a review in time",
                 verdicts.good < verdicts.all ? "say whether these alerts were real or noise"
                                              : "review these KPIs",
                 {{"effectiveness", "/effectiveness"}}, newest(given));
  finding.score = verdicts.all == 0  ? reviews.value()
                  : reviews.all == 0 ? verdicts.value()
                                     : (verdicts.value() + reviews.value()) / 2;
  finding.verdict = finding.score >= kWell ? Verdict::kPractised
                    : finding.score > 0    ? Verdict::kPartly
                                           : Verdict::kNot;
  return finding;
}

Finding operations_effectiveness(const View& view) {
  const auto share =
      operations_share(view, [&](const catalog::Kpi& kpi) { return reviewed_in_time(view, kpi); });
  if (share.all == 0) return no_operations_kpi();
  return from_share(share, "KPIs of operations were reviewed in time", "review",
                    {{"effectiveness", "/effectiveness"}}, newest(view.record.of("kpi.reviewed")));
}

Finding one_process(const View& view) {
  Share share;
  for (const auto& fingerprint : view.record.alerts_fingerprints)
    share.add(view.record.alerts_with_event.contains(fingerprint), fingerprint);
  const auto event = view.record.of("event.recorded");
  return from_share(share, "alerts became an event with an outcome", "look at what happened to",
                    {fact_proof("the last event", event)}, newest(event));
}

Finding procedure_per_alert(const View& view) {
  Share share{.begin_with = "declare an Slo or a RuleGroup with alerts"};
  std::size_t used = 0;
  const auto add = [&](const std::string& name, const catalog::Ref<catalog::Runbook>& procedure) {
    share.add(!procedure.empty(), name);
    if (view.record.procedures_used.contains(procedure.name)) ++used;
  };
  for (const auto* slo : view.catalog.all<catalog::Slo>()) add(slo->metadata.name, slo->procedure);
  for (const auto* group : view.catalog.all<catalog::RuleGroup>()) {
    for (const auto& rule : group->rules) {
      if (rule.is_alert() && rule.severity() != "info") add(rule.alert, rule.procedure);
    }
  }
  auto finding =
      from_share(share, "alerts name their procedure", "write a procedure for",
                 {{"procedures", "/procedures"}}, newest(view.record.of("run.finished")));
  if (finding.verdict == Verdict::kNoEvidence) return finding;
  finding.figure += fmt::format("; {} were used in an incident", used);
  if (used == 0) {
    finding.verdict = Verdict::kPartly;
    finding.score *= 0.6;
    finding.next_step = "use a procedure in the next incident, or in a game day";
  }
  return finding;
}

Finding by_impact(const View& view) {
  Share share;
  for (const auto& [id, incident] : view.record.incidents)
    share.add(!incident.severity_changed, id);
  const auto opened = view.record.of("incident.opened");
  return from_share(share, "incidents kept the severity that impact gave them",
                    "look at why the severity was changed in",
                    {fact_proof("the last incident", opened)}, newest(opened));
}

Finding paths_answered(const View& view) {
  Share share;
  for (const auto& [id, incident] : view.record.incidents) {
    if (incident.acknowledged_at || incident.resolved_at ||
        view.now - incident.opened_at > std::chrono::minutes(15)) {
      share.add(incident.acknowledged_at.has_value(), id);
    }
  }
  const auto acknowledged = view.record.of("incident.acknowledged");
  auto finding =
      from_share(share, "incidents were acknowledged", "find out why nobody answered",
                 {fact_proof("the last acknowledgement", acknowledged)}, newest(acknowledged));
  const auto times = seconds_between(view.record, &IncidentRecord::acknowledged_at);
  if (!times.empty())
    finding.figure += fmt::format("; median after {:.0f} s", times[times.size() / 2]);
  return finding;
}

Finding customer_plan(const View& view) {
  Share share{.begin_with = "set customerFacing on the workloads that customers see"};
  for (const auto* workload : view.catalog.all<Workload>()) {
    if (workload->customer_facing)
      share.add(view.catalog.find(workload->communication_plan) != nullptr,
                workload->metadata.name);
  }
  const auto posted = view.record.of("status.posted");
  auto finding =
      from_share(share, "customer-facing workloads have a communication plan", "write a plan for",
                 {fact_proof("the last update", posted)}, newest(posted));
  if (finding.verdict == Verdict::kNoEvidence) return finding;
  finding.figure += fmt::format("; {} updates posted", posted.count);
  if (posted.count == 0) {
    finding.verdict = Verdict::kPartly;
    finding.score *= 0.5;
    finding.next_step = "use the plan in the next incident";
  }
  return finding;
}

Finding truthful_status(const View& view) {
  if (view.catalog.all<catalog::StatusPage>().empty())
    return nothing("no status page", "declare a StatusPage");
  Share share;
  for (const auto& [id, incident] : view.record.incidents) {
    if (incident.severity <= 2) share.add(incident.told_customers, id);
  }
  const auto posted = view.record.of("status.posted");
  if (share.all == 0)
    return nothing("a status page, and no serious incident yet",
                   "nothing to do until there is one");
  return from_share(share, "serious incidents were on the status page", "show these there too",
                    {fact_proof("the last update", posted)}, newest(posted));
}

Finding automated(const View& view) {
  const auto triggered = view.record.of("automation.triggered");
  if (triggered.count == 0)
    return nothing("no automation was triggered", "let an Automation start a runbook");
  const Share share{
      .good = view.record.automated_succeeded, .all = view.record.automated_runs, .missing = {}};
  return from_share(share, "automated responses succeeded", "look at the runs that did not",
                    {fact_proof("the last one", triggered)}, newest(triggered));
}

Finding analyses(const View& view) {
  Share share;
  for (const auto& [id, incident] : view.record.incidents) {
    if (incident.resolved_at && incident.severity <= 2) share.add(incident.analysis_signed, id);
  }
  const auto is_signed = view.record.of("analysis.signed");
  return from_share(share, "resolved incidents of severity 1 and 2 have a signed analysis",
                    "read, correct and sign the draft of",
                    {fact_proof("the last signature", is_signed)}, newest(is_signed));
}

Finding feedback(const View& view) {
  const auto finished = view.record.of("run.finished");
  const auto given = view.record.of("run.verdict_given");
  const Share share{.good = std::min(view.record.runs_judged.size(), finished.count),
                    .all = finished.count,
                    .missing = {},
                    .begin_with = "start a runbook: wellrun run start --runbook NAME"};
  return from_share(share, "runs got a verdict", "say after each run whether it helped: one click",
                    {fact_proof("the last verdict", given)}, newest(given));
}

Finding improvement(const View& view) {
  const auto created = view.record.of("action.created");
  if (created.count == 0) return nothing("no actions", "put an action into an analysis");
  const auto finished = view.record.of("action.finished");
  const Share share{
      .good = std::min(finished.count, created.count), .all = created.count, .missing = {}};
  return from_share(share, "actions are finished", "finish the open actions",
                    {fact_proof("the last action", created)}, created.last_at);
}

/// Of the actions that are done and not being watched any more. Confirmed or refuted: either way
/// the insight was put to the test.
Finding insights(const View& view) {
  Share share{.begin_with =
                  "say what an open action is to change, before it is done: wellrun action expect"};
  std::size_t confirmed = 0, refuted = 0;
  for (const auto& [id, action] : view.record.actions) {
    if (!action.finished || (action.expected && action.effect.empty())) continue;
    confirmed += action.effect == "confirmed";
    refuted += action.effect == "refuted";
    share.add(action.effect == "confirmed" || action.effect == "refuted", id);
  }
  const auto judged = view.record.of("action.effect_judged");
  auto finding = from_share(
      share, "finished actions were checked against what they were to change",
      "say what an action is to change before it is done (wellrun action expect), not as with", {},
      newest(judged));
  if (share.good > 0) {
    finding.figure += fmt::format(": {} confirmed, {} refuted", confirmed, refuted);
    finding.evidence.push_back(fact_proof("the last look at an effect", judged));
  }
  return finding;
}

/// A result counts also when it refutes; to stop before there is one, or to learn nothing, does
/// not.
Finding experiments(const View& view) {
  Share share{.begin_with = "start an experiment: wellrun experiment start"};
  for (const auto& [id, experiment] : view.record.experiments) {
    if (experiment.state.empty()) continue;
    const bool has_result = experiment.state == "confirmed" || experiment.state == "refuted" ||
                            experiment.state == "harmful";
    share.add(has_result && experiment.learned, id);
  }
  const auto ended = view.record.of("experiment.ended");
  auto finding =
      from_share(share, "experiments came to a result and were learnt from",
                 "say what it taught (wellrun experiment learn), or watch longer next time", {},
                 newest(ended));
  if (share.all > 0) finding.evidence.push_back(fact_proof("the last experiment's end", ended));
  return finding;
}

struct Rule {
  std::string_view practice;
  Finding (*judge)(const View&);
  Witness witness;
};

// clang-format off
constexpr std::array kRules{
    Rule{"DP1", operations_as_code, {"apply", "/catalog", "src/catalog/catalog_test.cc"}},
    Rule{"DP2", small_reversible_changes, {"deploy list", "/changes", "src/change/change_domain_test.cc"}},
    Rule{"DP3", procedures_used, {"runbook list", "/procedures", "src/procedures/run_fsm_test.cc"}},
    Rule{"DP5", failures_learnt_from, {"analysis list", "/analyses", "src/improve/draft_test.cc"}},
    Rule{"O1", workloads_understood, {"workload list", "/workloads", "src/catalog/catalog_test.cc"}},
    Rule{"O9", components_owned, {"check", "/workloads", "tests/corpora/catalog/unreachable_owner.yaml"}},
    Rule{"O11", sponsored, {"get Priority", "/catalog", "src/catalog/catalog_test.cc"}},
    Rule{"O12", empowered, {"incident list", "/incidents", "src/respond/incident_fsm_test.cc"}},
    Rule{"O13", escalation, {"incident escalate", "/incidents", "src/respond/respond_domain_test.cc"}},
    Rule{"O14", communication, {"incident update", "/incidents", "src/respond/status_page_test.cc"}},
    Rule{"O15", experiments, {"experiment list", "/analyses", "src/improve/experiment/experiment_domain_test.cc"}},
    Rule{"P1", declared_signals, {"assess", "/workloads", "src/telemetry/otlp/otlp_test.cc"}},
    Rule{"P2", hosts_measured, {"query up", "/explore", "src/telemetry/scrape/scraper_test.cc"}},
    Rule{"P4", dependencies_measured, {"assess", "/workloads", "src/assess/rules_test.cc"}},
    Rule{"P5", traceability, {"assess", "/explore", "src/telemetry/logs_api_test.cc"}},
    Rule{"P6", version_control, {"plan", "/catalog", "src/catalog/catalog_test.cc"}},
    Rule{"P9", deployments_managed, {"deploy list", "/changes", "src/change/change_domain_test.cc"}},
    Rule{"P13", environments, {"get Environment", "/changes", "src/change/change_domain_test.cc"}},
    Rule{"P14", small_reversible_changes, {"deploy list", "/changes", "src/change/change_domain_test.cc"}},
    Rule{"P16", way_back, {"deploy list", "/changes", "src/change/change_domain_test.cc"}},
    Rule{"P26", runbooks, {"run list", "/runs", "tests/simulation/story_test.cc"}},
    Rule{"W1", kpis, {"kpi list", "/workloads", "src/health/evaluator_test.cc"}},
    Rule{"W2", leading_indicators, {"kpi tree", "/health", "src/assess/rules_test.cc"}},
    Rule{"W3", telemetry_analysed, {"query", "/explore", "src/telemetry/promql/engine_test.cc"}},
    Rule{"W4", baselines, {"baselines list", "/workloads", "src/health/watch/watch_turn_test.cc"}},
    Rule{"W5", expected_patterns, {"forecasts list", "/workloads", "src/health/forecast/outlook_test.cc"}},
    Rule{"W6", outcome_alerts, {"slo report", "/health", "src/health/slo/budget_test.cc"}},
    Rule{"W7", anomaly_alerts, {"findings list", "/workloads", "tests/e2e/baselines.mjs"}},
    Rule{"W8", effectiveness, {"effectiveness list", "/effectiveness", "src/health/effectiveness/effectiveness_test.cc"}},
    Rule{"H1", operations_targets, {"kpi operations", "/health", "src/health/operations/figures_test.cc"}},
    Rule{"H2", operations_tied, {"kpi tree", "/health", "src/assess/rules_test.cc"}},
    Rule{"H3", operations_collected, {"kpi operations", "/health", "src/assess/rules_test.cc"}},
    Rule{"H4", operations_baselines, {"baselines list", "/workloads", "src/assess/rules_test.cc"}},
    Rule{"H5", operations_patterns, {"forecasts list", "/health", "src/assess/rules_test.cc"}},
    Rule{"H7", operations_anomalies, {"findings list", "/workloads", "src/assess/rules_test.cc"}},
    Rule{"H6", operations_alerts, {"kpi operations", "/health", "src/assess/rules_test.cc"}},
    Rule{"H8", operations_effectiveness, {"kpi review", "/effectiveness", "src/assess/rules_test.cc"}},
    Rule{"E1", one_process, {"journal tail", "/incidents", "src/respond/respond_domain_test.cc"}},
    Rule{"E2", procedure_per_alert, {"check", "/procedures", "src/catalog/catalog_test.cc"}},
    Rule{"E3", by_impact, {"incident list", "/incidents", "src/respond/respond_domain_test.cc"}},
    Rule{"E4", paths_answered, {"oncall list", "/incidents", "src/respond/respond_domain_test.cc"}},
    Rule{"E5", customer_plan, {"incident update", "/incidents", "src/respond/respond_domain_test.cc"}},
    Rule{"E6", truthful_status, {"incident show", "/incidents", "src/respond/status_page_test.cc"}},
    Rule{"E7", automated, {"automation list", "/procedures", "src/procedures/run_fsm_test.cc"}},
    Rule{"V1", improvement, {"action list", "/analyses", "src/assess/rules_test.cc"}},
    Rule{"V2", analyses, {"analysis list", "/analyses", "src/improve/draft_test.cc"}},
    Rule{"V3", feedback, {"run verdict", "/runs", "src/procedures/run_fsm_test.cc"}},
    Rule{"V6", insights, {"action show", "/analyses", "src/improve/action_effect_test.cc"}},
};
// clang-format on

}  // namespace

std::optional<Witness> witness(std::string_view practice_id) {
  const auto rule = std::ranges::find(kRules, practice_id, &Rule::practice);
  if (rule == kRules.end()) return std::nullopt;
  return rule->witness;
}

Finding judge(std::string_view practice_id, const View& view) {
  const auto rule = std::ranges::find(kRules, practice_id, &Rule::practice);
  if (rule == kRules.end()) return {.figure = "no evidence rule yet"};
  return rule->judge(view);
}

}  // namespace wellrun::assess
