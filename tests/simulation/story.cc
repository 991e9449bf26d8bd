#include "simulation/story.h"

#include <set>

#include "core/text.h"

namespace wellrun::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLookEvery = 5s;
constexpr Duration kHealthyFor = 60s;
constexpr Duration kLongest = 90min;
constexpr Duration kLevelTimeout = 5min;  ///< of the shop's escalation policy
constexpr Duration kCalmAfter = 30min;    ///< then nothing goes wrong any more

/// The incident that a message is about: "… (inc-0001)" of a subject, or of a webhook's body.
std::string incident_in(const std::string& text) {
  const auto at = text.find("inc-");
  return at == std::string::npos ? std::string() : text.substr(at, std::string("inc-0001").size());
}

}  // namespace

Story::Story(StoryOptions options)
    : options_(options),
      world_(options.seed, *parse_rfc3339("2026-01-05T10:00:00Z"), options.habits, options.crash),
      house_(world_, options.house),
      began_(world_.time.now()),
      restarted_(began_) {}

std::string Story::trace() const {
  return world_.trace();
}

void Story::tell() {
  while (!over() && world_.time.now() < began_ + kLongest) go_on();
  // What is left undone would show itself now.
  for (const auto end = world_.time.now() + 2min; world_.time.now() < end;) go_on();
}

void Story::go_on() {
  world_.time.run_for(kLookEvery);
  if (world_.time.now() > began_ + kCalmAfter) world_.calm();
  if (options_.restart_every > 0s && world_.time.now() >= restarted_ + options_.restart_every) {
    restarted_ = world_.time.now();
    if (!world_.dead()) house_.restart();
  }
  if (house_.revive()) return;
  act();
}

bool Story::over() {
  return assessed_;
}

bool Story::tell_server(const std::string& who, const std::string& path, const Json& body) {
  const auto answer = house_.call(who, "POST", path, body);
  const bool good = answer && answer->status / 100 == 2;
  world_.note(fmt::format("{} POST {} → {}", who, path,
                          !answer ? "no answer"
                          : good  ? std::to_string(answer->status)
                                  : fmt::format("{} {}", answer->status, answer->body)));
  if (!good) return false;
  const auto newest = world_.store.read({.limit = 1, .newest_first = true});
  if (newest && !newest->empty()) heard_.push_back(newest->front());
  return true;
}

// ---- everybody ----

void Story::act() {
  apply_repository();
  release();
  read_messages();
  const auto runs = house_.look("/api/v1/runs");
  if (runs.is_object()) {
    for (const auto& run : runs.at("items")) approve_or_decide(run);
  }
  const auto incidents = house_.look("/api/v1/incidents?state=open");
  if (incidents.is_object()) {
    for (const auto& incident : incidents.at("items")) look_after(incident);
  }
  look_back();
}

void Story::apply_repository() {
  if (applied_) return;
  applied_ =
      tell_server("token:ci", "/api/v1/catalog/apply",
                  {{"documents", shop_repository()}, {"commit", "c0ffee"}, {"author", "Ana"}});
}

void Story::release() {
  if (world_.time.now() < began_ + kHealthyFor) return;
  if (!released_) world_.release_is_bad = true;
  if (released_ || !applied_) return;
  released_ = tell_server("token:ci", "/api/v1/deployments",
                          {{"id", "deploy-2"},
                           {"workload", "shop"},
                           {"component", "checkout"},
                           {"environment", "production"},
                           {"version", "2.0"},
                           {"commit", "badc0de"},
                           {"outcome", "succeeded"}});
}

/// Whoever is paged acknowledges; a second page about the same incident changes nothing.
void Story::read_messages() {
  for (; messages_read_ < world_.deliveries.size(); ++messages_read_) {
    const auto incident = incident_in(world_.deliveries[messages_read_].subject);
    if (!incident.empty()) to_acknowledge_.insert(incident);
  }
}

void Story::approve_or_decide(const Json& run) {
  const auto id = text_or(run, "id");
  const auto state = text_or(run, "state");
  if (state == "waiting_approval")
    tell_server("person:ana", "/api/v1/runs/" + id + "/approve",
                {{"step", run.at("current_step")}, {"approved", true}});
  if (state == "unknown") {
    // A person looks whether it happened: that is what "unknown, ask" is for.
    const bool happened = world_.commands.contains(id + " refund-failed-orders");
    tell_server("person:ana", "/api/v1/runs/" + id + "/resume",
                {{"decision", happened ? "done" : "retry"}});
  }
}

void Story::look_after(const Json& incident) {
  const auto id = text_or(incident, "id");
  const auto state = text_or(incident, "state");
  const auto path = "/api/v1/incidents/" + id;
  if (state == "triggered" && to_acknowledge_.contains(id)) {
    if (tell_server("person:ana", path + "/acknowledge", Json::object())) to_acknowledge_.erase(id);
  }
  // A run that failed is started again by hand.
  const auto runs = house_.look("/api/v1/runs?incident=" + id);
  const bool known = runs.is_object();
  const bool open =
      known && std::ranges::any_of(runs.at("items"), [](const Json& run) {
        const auto status = text_or(run, "state");
        return status == "running" || status == "waiting_approval" || status == "unknown";
      });
  if (known && !open && world_.failing() && state == "acknowledged")
    tell_server("person:ana", "/api/v1/runs", {{"runbook", "switch-back"}, {"incident", id}});
  if (known && !open && state == "mitigated")
    tell_server("person:ana", path + "/resolve", {{"reason", "switched back"}});
}

void Story::look_back() {
  if (assessed_) return;
  const auto analyses = house_.look("/api/v1/analyses");
  const auto open = house_.look("/api/v1/incidents?state=open");
  if (!analyses.is_object() || analyses.at("items").empty() || !open.is_object() ||
      !open.at("items").empty() || world_.failing())
    return;
  bool all_signed = true;
  for (const auto& analysis : analyses.at("items")) {
    if (!text_or(analysis, "signed_by").empty()) continue;
    all_signed = tell_server("person:ana", "/api/v1/analyses/" + text_or(analysis, "id") + "/sign",
                             Json::object()) &&
                 all_signed;
  }
  if (all_signed) assessed_ = tell_server("person:ana", "/api/v1/assessment", Json::object());
}

// ---- promises ----

std::vector<std::string> Story::broken_promises() {
  std::vector<std::string> broken;
  check_pages(broken);
  check_steps(broken);
  check_ends(broken);
  check_journal(broken);
  return broken;
}

namespace {

std::vector<journal::Fact> all_facts(World& world) {
  return world.store.read({.limit = 1'000'000}).value();
}

/// Snapshots of fresh domains that saw nothing but `facts`.
std::map<std::string, Json> states_from(const std::vector<journal::Fact>& facts) {
  catalog::CatalogDomain catalog;
  health::HealthDomain health;
  health::operations::OperationsDomain operations(catalog.catalog());
  health::finding::FindingDomain finding;
  procedures::ProceduresDomain procedures(catalog.catalog());
  respond::RespondDomain respond(catalog.catalog());
  change::ChangeDomain change(catalog.catalog());
  improve::ImproveDomain improve;
  improve::ExperimentDomain experiment;
  assess::AssessDomain assess;
  const std::vector<journal::Domain*> domains = {&catalog,    &health,  &operations, &finding,
                                                 &procedures, &respond, &change,     &improve,
                                                 &experiment, &assess};
  for (const auto& fact : facts)
    for (auto* domain : domains) domain->apply(fact);
  std::map<std::string, Json> states;
  for (const auto* domain : domains) states[std::string(domain->name())] = domain->snapshot();
  return states;
}

}  // namespace

/// Every page that was wanted was sent or is known to have failed, and somebody got word of every
/// incident.
void Story::check_pages(std::vector<std::string>& broken) {
  std::map<std::string, std::string> pages;  // id -> what became of it
  std::map<std::string, Timestamp> opened, over;
  std::set<std::string> sent;
  for (const auto& fact : all_facts(world_)) {
    const auto page = text_or(fact.body, "page");
    if (fact.type == "page.requested") pages[page] = "nothing";
    if (fact.type == "page.sent" || fact.type == "page.failed") {
      if (!pages.contains(page)) broken.push_back(page + " ended without being wanted");
      if (pages[page] != "nothing") broken.push_back(page + " ended twice");
      pages[page] = fact.type;
    }
    const auto incident = text_or(fact.body, "incident");
    if (fact.type == "page.sent") sent.insert(incident);
    if (fact.type == "incident.opened") opened[incident] = fact.time;
    if (fact.type == "incident.mitigated") over.try_emplace(incident, fact.time);
  }
  for (const auto& [page, end] : pages)
    if (end == "nothing") broken.push_back(page + " was wanted and is lost");
  for (const auto& [incident, at] : opened) {
    const bool told = std::ranges::any_of(world_.deliveries, [&](const Delivery& delivery) {
      return incident_in(delivery.subject) == incident;
    });
    // A mail that was taken and lost is missed when the level's time is up, and not before.
    const bool was_over_before =
        sent.contains(incident) && over.contains(incident) && over[incident] - at < kLevelTimeout;
    if (!told && !was_over_before) broken.push_back("nobody got word of " + incident);
  }
  if (opened.empty()) broken.push_back("no incident was opened");
}

/// A command that must not run twice ran once a run, but for those that a person wanted again.
void Story::check_steps(std::vector<std::string>& broken) {
  std::map<std::string, int> wanted_again;
  for (const auto& fact : all_facts(world_)) {
    if (fact.type == "run.resumed" && text_or(fact.body, "decision") == "retry")
      ++wanted_again[text_or(fact.body, "run")];
  }
  for (const auto& [command, count] : world_.commands) {
    const auto run = command.substr(0, command.find(' '));
    if (count > 1 + wanted_again[run] || count > 1)
      broken.push_back(fmt::format("\"{}\" ran {} times", command, count));
  }
}

void Story::check_ends(std::vector<std::string>& broken) {
  if (!assessed_) broken.push_back("the story did not come to its end in 90 minutes");
  const auto& plane = house_.plane();
  for (const auto& [id, incident] : house_.plane().respond().incidents()) {
    if (incident.is_open())
      broken.push_back(fmt::format("{} is still {}", id, name_of(incident.state)));
    if (incident.any_firing()) broken.push_back(id + " still has a firing alert");
    if (incident.updates.empty() || incident.updates.back().state != "resolved")
      broken.push_back("customers were not told that " + id + " is over");
  }
  for (const auto& [id, run] : house_.plane().procedures().runs()) {
    if (!procedures::is_finished(run.status))
      broken.push_back(fmt::format("{} is still {}", id, name_of(run.status)));
  }
  for (const auto& [fingerprint, alert] : plane.health().firing())
    broken.push_back("alert " + alert.fired.alert + " never resolved");
  const auto open_intents = world_.store.open_intents();
  for (const auto& open : *open_intents)
    broken.push_back("the outbox still holds " + open.intent.key);
  if (world_.failing()) broken.push_back("the shop was never repaired");
}

/// What was acknowledged is there; the chain holds; the journal alone leads to the same state.
void Story::check_journal(std::vector<std::string>& broken) {
  const auto facts = all_facts(world_);
  std::string hash;
  for (const auto& fact : facts) {
    hash = journal::chain_hash(hash, fact, to_text(fact.body));
    if (hash != fact.hash) broken.push_back(fmt::format("fact {} breaks the chain", fact.seq));
    if (fact.cause >= fact.seq)
      broken.push_back(fmt::format("fact {} has a cause after itself", fact.seq));
  }
  for (const auto& fact : heard_) {
    if (fact.seq > facts.size() || facts[fact.seq - 1].hash != fact.hash)
      broken.push_back(fmt::format("fact {} was acknowledged and is not there", fact.seq));
  }
  const auto again = states_from(facts);
  for (const auto* domain : house_.plane().domains()) {
    const auto lived = domain->snapshot();
    const auto found = again.find(std::string(domain->name()));
    if (found == again.end()) {
      broken.push_back(fmt::format("the domain {} is not replayed here", domain->name()));
      continue;
    }
    const auto& replayed = found->second;
    if (lived == replayed) continue;
    broken.push_back(fmt::format("replay leads {} to another state: {}", domain->name(),
                                 Json::diff(lived, replayed).dump().substr(0, 400)));
  }
}

}  // namespace wellrun::simulation
