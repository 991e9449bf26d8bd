#include "respond/escalation.h"

#include "catalog/kinds/channel.h"
#include "catalog/kinds/escalation_policy.h"
#include "catalog/kinds/person.h"
#include "catalog/kinds/workload.h"
#include "catalog/on_call.h"
#include "core/text.h"
#include "respond/incident_facts.h"

namespace wellrun::respond {
namespace {

const catalog::EscalationLevel* level_of(const catalog::Catalog& catalog, const std::string& policy,
                                         int level) {
  const auto* found = catalog.find<catalog::EscalationPolicy>(policy);
  if (found == nullptr || level < 1 || static_cast<std::size_t>(level) > found->levels.size())
    return nullptr;
  return &found->levels[static_cast<std::size_t>(level) - 1];
}

/// Every contact of `person`; with none, their e-mail address on the first e-mail channel there is.
std::vector<Recipient> contacts_of(const catalog::Catalog& catalog, const catalog::Person& person) {
  std::vector<Recipient> found;
  for (std::size_t i = 0; i < person.contacts.size(); ++i) {
    const auto& contact = person.contacts[i];
    const auto* channel = catalog.find<catalog::Channel>(contact.channel);
    if (channel == nullptr) continue;
    found.push_back(
        {person.metadata.name, contact.channel.name, channel->type, fmt::format("contacts/{}", i)});
  }
  if (!found.empty() || person.email.empty()) return found;
  for (const auto* channel : catalog.all<catalog::Channel>()) {
    if (channel->type != "email") continue;
    found.push_back({person.metadata.name, channel->metadata.name, channel->type, "email"});
    break;
  }
  return found;
}

void add_pages(journal::Decision& decision, const Incident& incident, Step step,
               const std::vector<Recipient>& recipients) {
  auto number = incident.pages.size();
  for (const auto& recipient : recipients) {
    facts::PageRequested page;
    page.page = fmt::format("{}/page-{}", incident.id, ++number);
    page.incident = incident.id;
    page.level = step.level;
    page.round = step.round;
    page.person = recipient.person;
    page.channel = recipient.channel;
    page.address = recipient.address;
    journal::Intent intent;
    intent.key = "page/" + page.page;
    intent.kind = "respond." + recipient.channel_type;
    intent.request = page;
    intent.repeatable = true;  // the key goes along: a receiver that deduplicates sees one, a
                               // person rather two than none
    intent.correlation = incident.id;
    decision.facts.push_back(incident_fact(incident.id, page));
    decision.intents.push_back(std::move(intent));
  }
}

void add_escalated(journal::Decision& decision, const Incident& incident, Step to,
                   const std::string& reason, const std::string& by) {
  facts::IncidentEscalated escalated;
  escalated.incident = incident.id;
  escalated.level = to.level;
  escalated.round = to.round;
  escalated.reason = reason;
  escalated.by = by;
  decision.facts.push_back(incident_fact(incident.id, escalated));
}

std::string policy_now(const catalog::Catalog& catalog, const Incident& incident) {
  return policy_of(catalog, incident.workload, incident.policy);
}

/// Pages of the level where it stands, back to the last that did not fail.
int failed_in_a_row(const Incident& incident) {
  const auto failed = [&](const Page& page) {
    return page.state == "failed" && page.level == incident.level && page.round == incident.round;
  };
  const auto end = std::ranges::find_if_not(incident.pages.rbegin(), incident.pages.rend(), failed);
  return static_cast<int>(end - incident.pages.rbegin());
}

/// Whether anyone is to be paged without being asked for. Not while no alert fires any more: it is
/// mitigated then in a moment, or one fires again and paging goes on where it was.
bool pages_by_itself(const Incident& incident) {
  return incident.state == IncidentState::kTriggered && !incident.quiet_since;
}

std::optional<catalog::OnCall> who_is_on_call(const catalog::Schedule& schedule,
                                              const Clocks& clocks) {
  auto on_call = catalog::who_is_on_call(schedule, clocks.wall);
  return on_call ? on_call : catalog::who_is_on_call(schedule, clocks.ledger);
}

Step standing(const Incident& incident) {
  return {incident.level, incident.round};
}

}  // namespace

std::string policy_of(const catalog::Catalog& catalog, const std::string& workload,
                      const std::string& stored) {
  const auto exists = [&](const std::string& policy) {
    return catalog.find<catalog::EscalationPolicy>(policy) != nullptr;
  };
  const auto* own = catalog.find<catalog::Workload>(workload);
  if (own != nullptr && exists(own->escalation_policy.name)) return own->escalation_policy.name;
  if (exists(stored)) return stored;
  const catalog::Workload* important = nullptr;
  for (const auto* each : catalog.all<catalog::Workload>()) {
    if (exists(each->escalation_policy.name) &&
        (important == nullptr || each->tier < important->tier))
      important = each;
  }
  return important == nullptr ? std::string() : important->escalation_policy.name;
}

Reachable reachable(const catalog::Catalog& catalog, const std::string& policy, int level,
                    const Clocks& clocks) {
  const auto* found = level_of(catalog, policy, level);
  if (found == nullptr) {
    return {{},
            policy.empty() ? "no workload has an escalation policy"
                           : fmt::format("policy {} has no level {}", quote(policy), level)};
  }
  std::vector<std::string> persons, problems;
  const auto add = [&](const std::string& person) {
    if (std::ranges::find(persons, person) == persons.end()) persons.push_back(person);
  };
  for (const auto& reference : found->schedules) {
    const auto* schedule = catalog.find<catalog::Schedule>(reference);
    const auto on_call = schedule == nullptr ? std::nullopt : who_is_on_call(*schedule, clocks);
    if (on_call) {
      add(on_call->person);
    } else {
      problems.push_back(fmt::format("nobody is on call in {}", quote(reference.name)));
    }
  }
  for (const auto& person : found->persons) add(person.name);

  Reachable result;
  for (const auto& name : persons) {
    const auto* person = catalog.find<catalog::Person>(name);
    const auto contacts =
        person == nullptr ? std::vector<Recipient>{} : contacts_of(catalog, *person);
    if (contacts.empty()) problems.push_back(fmt::format("{} has no contact", name));
    result.recipients.insert(result.recipients.end(), contacts.begin(), contacts.end());
  }
  if (result.recipients.size() > kMaxPagesPerLevel) result.recipients.resize(kMaxPagesPerLevel);
  if (result.recipients.empty()) {
    result.reason = fmt::format("level {} reaches nobody: {}", level,
                                problems.empty() ? "it names no one" : join_words(problems));
  }
  return result;
}

std::optional<Step> step_after(const catalog::Catalog& catalog, const std::string& policy,
                               Step step) {
  const auto* found = catalog.find<catalog::EscalationPolicy>(policy);
  if (found == nullptr || found->levels.empty()) return std::nullopt;
  if (static_cast<std::size_t>(step.level) < found->levels.size())
    return Step{step.level + 1, step.round};
  if (step.round < found->repeat) return Step{1, step.round + 1};
  return std::nullopt;
}

journal::Decision page_from(const catalog::Catalog& catalog, const Incident& incident, Step from,
                            const std::string& first_reason, const std::string& by,
                            const Clocks& clocks) {
  journal::Decision decision;
  const auto policy = policy_now(catalog, incident);
  std::string reason = first_reason;
  std::string who = by;
  bool moved = !first_reason.empty();
  // Bounded: at most 20 levels in 20 rounds (EscalationPolicy's limits).
  for (std::optional<Step> step = from; step; step = step_after(catalog, policy, *step)) {
    if (moved) add_escalated(decision, incident, *step, reason, who);
    const auto found = reachable(catalog, policy, step->level, clocks);
    if (!found.recipients.empty()) {
      add_pages(decision, incident, *step, found.recipients);
      return decision;
    }
    reason = found.reason;
    who = "system";
    moved = true;
  }
  facts::IncidentNoteAdded note;
  note.incident = incident.id;
  note.text = fmt::format("Nobody could be paged: {}. Trying again {}.", reason,
                          policy.empty() ? "when the catalog is applied" : "in 15 min");
  note.by = "system";
  decision.facts.push_back(incident_fact(incident.id, note));
  return decision;
}

namespace {

/// A channel that was down for a moment must not cost a quarter of an hour.
Duration until_reminder(const Incident& incident) {
  const auto failed = failed_in_a_row(incident);
  return failed == 0 ? kReminderInterval : std::min(kReminderInterval, kRetryInterval * failed);
}

}  // namespace

std::optional<Timestamp> escalation_due(const catalog::Catalog& catalog, const Incident& incident) {
  const auto policy = policy_now(catalog, incident);
  if (!pages_by_itself(incident) || policy.empty()) return std::nullopt;
  const auto* level = level_of(catalog, policy, incident.level);
  if (level == nullptr || !step_after(catalog, policy, standing(incident)))
    return incident.level_since + until_reminder(incident);
  return incident.level_since + level->acknowledge_within;
}

journal::Decision escalate_when_due(const catalog::Catalog& catalog, const Incident& incident,
                                    const Clocks& clocks) {
  const auto policy = policy_now(catalog, incident);
  const auto next = step_after(catalog, policy, standing(incident));
  if (!next) {
    const auto* found = catalog.find<catalog::EscalationPolicy>(policy);
    const Step last{found == nullptr ? incident.level : static_cast<int>(found->levels.size()),
                    incident.round};
    const auto* reason = failed_in_a_row(incident) == 0
                             ? "still not acknowledged: reminder"
                             : "no page of it could be sent: it is tried again";
    return page_from(catalog, incident, last, reason, "system", clocks);
  }
  const auto* level = level_of(catalog, policy, incident.level);
  return page_from(
      catalog, incident, *next,
      fmt::format("level {} did not acknowledge within {}", incident.level,
                  level == nullptr ? "its time" : format_duration(level->acknowledge_within)),
      "system", clocks);
}

journal::Decision escalate_when_all_failed(const catalog::Catalog& catalog,
                                           const Incident& incident, const Clocks& clocks) {
  if (!pages_by_itself(incident)) return {};
  std::string errors;
  for (const auto& page : incident.pages) {
    if (page.level != incident.level || page.round != incident.round) continue;
    if (page.state != "failed") return {};
    if (errors.size() < 500)
      errors += fmt::format("; {} by {}: {}", page.person, page.channel, page.error);
  }
  const auto next = step_after(catalog, policy_now(catalog, incident), standing(incident));
  if (errors.empty() || !next) return {};
  return page_from(
      catalog, incident, *next,
      fmt::format("every page of level {} failed{}", incident.level, errors.substr(0, 600)),
      "system", clocks);
}

journal::Decision escalate_when_applied(const catalog::Catalog& catalog, const Incident& incident,
                                        const Clocks& clocks) {
  const auto paged = [&](auto at_level) {
    return std::ranges::any_of(incident.pages, [&](const Page& page) {
      return page.round == incident.round && at_level(page.level);
    });
  };
  if (!pages_by_itself(incident) || paged([&](int level) { return level == incident.level; }))
    return {};
  const bool any = paged([](int) { return true; });
  auto decision =
      page_from(catalog, incident, {any ? incident.level : 1, incident.round},
                "nobody could be paged before the catalog was applied", "system", clocks);
  return decision.intents.empty() ? journal::Decision{} : decision;
}

journal::Decision escalate_by_hand(const catalog::Catalog& catalog, const Incident& incident,
                                   const std::string& by, const std::string& reason,
                                   const Clocks& clocks) {
  const auto next = step_after(catalog, policy_now(catalog, incident), standing(incident));
  return page_from(catalog, incident, next.value_or(standing(incident)),
                   reason.empty() ? "asked for" : reason, by, clocks);
}

}  // namespace wellrun::respond
