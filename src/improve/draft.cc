#include "improve/draft.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <span>

#include "core/text.h"
#include "facts/sentence.h"

namespace wellrun::improve {
namespace {

using journal::Fact;

constexpr int kAlertsInARow = 5;  ///< more are one line of the timeline

const Fact* first_of(const std::vector<Fact>& facts, std::string_view type) {
  const auto found = std::ranges::find(facts, type, &Fact::type);
  return found == facts.end() ? nullptr : &*found;
}

std::vector<const Fact*> all_of(const std::vector<Fact>& facts, std::string_view type) {
  std::vector<const Fact*> found;
  for (const auto& fact : facts) {
    if (fact.type == type) found.push_back(&fact);
  }
  return found;
}

std::string field(const Fact& fact, const char* name) {
  return text_or(fact.body, name);
}

/// "12 s", "3 min 20 s": format_age's "just now" is no length of time.
std::string lasted(Duration length) {
  return length < std::chrono::seconds(5) ? format_duration(length) : format_age(length);
}

std::string took(const Fact& from, const Fact& to) {
  return lasted(to.time - from.time);
}

Section summary(const Fact& opened, const std::vector<Fact>& story) {
  Section section{.name = "summary", .sentences = {}};
  section.sentences.push_back({fmt::format("{} ({}, severity {}) was opened for workload {}.",
                                           field(opened, "title"), field(opened, "incident"),
                                           static_cast<int>(number_or(opened.body, "severity", 0)),
                                           field(opened, "workload")),
                               {opened.seq}});
  if (const auto* resolved = first_of(story, "incident.resolved")) {
    const auto reason = field(*resolved, "reason");
    section.sentences.push_back(
        {fmt::format("It was resolved by {} after {}{}.", resolved->actor, took(opened, *resolved),
                     reason.empty() ? "" : ": " + reason),
         {opened.seq, resolved->seq}});
  }
  return section;
}

Section impact(const Fact& opened, const std::vector<Fact>& story,
               const std::vector<Fact>& before) {
  Section section{.name = "impact", .sentences = {}};
  for (const auto* alert : all_of(before, "alert.fired")) {
    section.sentences.push_back(
        {fmt::format("{} stood at {:.4g} when it fired; {}.", field(*alert, "alert"),
                     number_or(alert->body, "value", 0),
                     text_or(alert->body.value("annotations", Json::object()), "summary",
                             "no summary was written for it")),
         {alert->seq}});
  }
  if (const auto kpi = field(opened, "kpi"); !kpi.empty()) {
    section.sentences.push_back({fmt::format("The outcome at risk was {}.", kpi), {opened.seq}});
  }
  for (const auto* posted : all_of(story, "status.posted")) {
    section.sentences.push_back(
        {fmt::format("Customers were told: “{}”", field(*posted, "text")), {posted->seq}});
  }
  return section;
}

/// Who did it, where a person or an automation did.
std::string by_person(const Fact& fact) {
  return fact.actor.empty() || fact.actor == "system" ? "" : fmt::format(" ({})", fact.actor);
}

bool is_of_alerts(const Fact* fact) {
  return fact->type == "incident.alert_added" || fact->type == "incident.alert_resolved";
}

Sentence moment(const Fact& fact) {
  return {fmt::format("{}  {}{}", format_rfc3339(fact.time), facts::sentence(fact.type, fact.body),
                      by_person(fact)),
          {fact.seq}};
}

/// Of a storm, in which nobody reads each alert.
Sentence alerts_came_and_went(std::span<const Fact* const> alerts) {
  const auto added =
      std::ranges::count(alerts, std::string_view("incident.alert_added"), &Fact::type);
  const auto &first = *alerts.front(), &last = *alerts.back();
  return {fmt::format("{}  {} alerts joined and {} resolved, until {}", format_rfc3339(first.time),
                      added, std::ssize(alerts) - added, format_rfc3339(last.time)),
          {first.seq, last.seq}};
}

Section timeline(const std::vector<Fact>& story, const std::vector<Fact>& before) {
  Section section{.name = "timeline", .sentences = {}};
  std::vector<const Fact*> all;
  for (const auto& fact : before) all.push_back(&fact);
  for (const auto& fact : story) {
    if (std::ranges::find(before, fact.seq, &Fact::seq) == before.end()) all.push_back(&fact);
  }
  std::ranges::sort(all, {}, &Fact::seq);
  for (auto at = all.begin(); at != all.end();) {
    const auto storm_end = std::find_if_not(at, all.end(), is_of_alerts);
    if (storm_end - at > kAlertsInARow) {
      section.sentences.push_back(alerts_came_and_went({at, storm_end}));
      at = storm_end;
    } else {
      section.sentences.push_back(moment(**at++));
    }
  }
  return section;
}

Section detection(const Fact& opened, const std::vector<Fact>& before) {
  Section section{.name = "detection", .sentences = {}};
  if (const auto* alert = first_of(before, "alert.fired")) {
    section.sentences.push_back({fmt::format("Alert {} found it; the incident was opened {} later.",
                                             field(*alert, "alert"), took(*alert, opened)),
                                 {alert->seq, opened.seq}});
    for (const auto* change : all_of(before, "deployment.started")) {
      section.sentences.push_back({fmt::format("From deployment {} ({}) to the alert it took {}.",
                                               field(*change, "deployment"),
                                               field(*change, "version"), took(*change, *alert)),
                                   {change->seq, alert->seq}});
    }
  } else {
    section.sentences.push_back(
        {fmt::format("{} opened it by hand; no alert had fired.", opened.actor), {opened.seq}});
  }
  return section;
}

Section response(const Fact& opened, const std::vector<Fact>& story) {
  Section section{.name = "response", .sentences = {}};
  if (const auto* acknowledged = first_of(story, "incident.acknowledged")) {
    section.sentences.push_back({fmt::format("{} acknowledged it after {}.", acknowledged->actor,
                                             took(opened, *acknowledged)),
                                 {opened.seq, acknowledged->seq}});
  } else {
    section.sentences.push_back({"Nobody acknowledged it.", {opened.seq, story.back().seq}});
  }
  const auto escalations = all_of(story, "incident.escalated");
  if (!escalations.empty()) {
    section.sentences.push_back({fmt::format("It was escalated {} times.", escalations.size()),
                                 {escalations.front()->seq, escalations.back()->seq}});
  }
  for (const auto* run : all_of(story, "run.started")) {
    section.sentences.push_back({fmt::format("{} started procedure {} ({}).", run->actor,
                                             field(*run, "runbook"), field(*run, "run")),
                                 {run->seq}});
  }
  for (const auto* run : all_of(story, "run.finished")) {
    section.sentences.push_back(
        {fmt::format(
             "{} {} after {}.", field(*run, "run"), field(*run, "outcome"),
             lasted(Duration{static_cast<std::int64_t>(number_or(run->body, "duration_ms", 0))})),
         {run->seq}});
  }
  return section;
}

Section contributing(const std::vector<Fact>& before) {
  Section section{.name = "contributing", .sentences = {}};
  for (const auto& fact : before) {
    if (fact.type == "deployment.started" || fact.type == "change.recorded") {
      section.sentences.push_back(
          {"Shortly before: " + facts::sentence(fact.type, fact.body) + ".", {fact.seq}});
    }
  }
  return section;
}

}  // namespace

std::vector<Section> draft_analysis(const std::vector<Fact>& story,
                                    const std::vector<Fact>& before) {
  const auto* opened = first_of(story, "incident.opened");
  if (opened == nullptr) return {};
  std::vector<Section> sections{summary(*opened, story),  impact(*opened, story, before),
                                timeline(story, before),  detection(*opened, before),
                                response(*opened, story), contributing(before)};
  std::erase_if(sections, [](const Section& section) { return section.sentences.empty(); });
  return sections;
}

std::vector<Section> with_edits(std::vector<Section> draft,
                                const std::map<std::string, Edit>& edits) {
  for (const auto& [name, edit] : edits) {
    auto section = std::ranges::find(draft, name, &Section::name);
    if (section == draft.end()) section = draft.insert(draft.end(), Section{.name = name});
    section->sentences = {{edit.text, {edit.seq}}};
    section->edited_by = edit.by;
  }
  return draft;
}

Json to_json(const std::vector<Section>& sections) {
  Json list = Json::array();
  for (const auto& section : sections) {
    Json sentences = Json::array();
    for (const auto& sentence : section.sentences)
      sentences.push_back({{"text", sentence.text}, {"sources", sentence.sources}});
    Json json{{"name", section.name}, {"sentences", std::move(sentences)}};
    json["edited_by"] = section.edited_by.empty() ? Json() : Json(section.edited_by);
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace wellrun::improve
