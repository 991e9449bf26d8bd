#include "health/finding/finding_domain.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "facts/change.h"

namespace wellrun::health::finding {
namespace {

constexpr std::size_t kKept = 200;
constexpr std::size_t kKeptChanges = 500;
constexpr Duration kKeptChangesFor = std::chrono::hours(6);
constexpr std::size_t kListed = 20;
constexpr Duration kBetweenChanges{60'000};

template <typename Payload>
journal::NewFact fact_of(const Payload& payload) {
  return {.stream = "finding/" + payload.finding,
          .type = Payload::kType,
          .body = payload,
          .correlation = payload.finding};
}

Json json_of(const Unusual& unusual) {
  return {{"baseline", unusual.baseline},
          {"watch", unusual.watch},
          {"metric", unusual.metric},
          {"component", unusual.component},
          {"since", format_rfc3339(unusual.since)},
          {"score", unusual.score},
          {"why", unusual.why}};
}

Json json_of(const std::vector<Unusual>& unusual) {
  Json list = Json::array();
  for (const auto& each : unusual) {
    if (list.size() == kListed) break;
    list.push_back(json_of(each));
  }
  return list;
}

Json json_of(const std::vector<Cause>& causes) {
  Json list = Json::array();
  for (const auto& cause : causes)
    list.push_back(
        {{"kind", cause.kind}, {"name", cause.name}, {"score", cause.score}, {"why", cause.why}});
  return list;
}

/// "3 series unusual, first kpi/orders; likeliest cause: deployment of checkout 1.2.0, 4 min …".
std::string summary_of(const std::vector<Unusual>& unusual, const std::vector<Cause>& causes) {
  const auto& first = std::ranges::min(unusual, {}, &Unusual::since);
  auto text = unusual.size() == 1
                  ? fmt::format("{} is unusual", first.watch)
                  : fmt::format("{} series are unusual, first {}", unusual.size(), first.watch);
  if (!causes.empty())
    text += fmt::format("; likeliest cause: {}", causes.front().kind == "change"
                                                     ? causes.front().why
                                                     : "component " + causes.front().name);
  return text;
}

std::set<std::string> listed(const Json& anomalies) {
  std::set<std::string> ids;
  for (const auto& each : anomalies) ids.insert(text_or(each, "baseline"));
  return ids;
}

std::string first_cause(const Json& causes) {
  return causes.empty() ? std::string() : text_or(causes.front(), "name");
}

/// Whether what is unusual now says more than what is recorded: a further series, or another cause.
bool says_more(const Finding& known, const Json& anomalies, int count, const Json& causes) {
  if (count > known.anomaly_count || first_cause(causes) != first_cause(known.causes)) return true;
  const auto before = listed(known.anomalies);
  return !std::ranges::includes(before, listed(anomalies));
}

}  // namespace

double finding_score_of(const std::vector<Unusual>& unusual) {
  std::vector<double> scores;
  double highest = 0;
  for (const auto& each : unusual) {
    scores.push_back(each.score);
    const bool outcome = each.watch.starts_with("kpi/") || each.watch.starts_with("sli/");
    highest = std::max(highest, each.score + (outcome ? kTogether : 0));
  }
  std::ranges::sort(scores, std::greater());
  return scores.size() > 1 ? std::max(highest, scores[1] + kTogether) : highest;
}

double finding_score_of(const Json& anomalies) {
  std::vector<Unusual> unusual;
  if (!anomalies.is_array()) return 0;
  for (const auto& each : anomalies)
    unusual.push_back({.watch = text_or(each, "watch"), .score = number_or(each, "score", 0)});
  return finding_score_of(unusual);
}

void FindingDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::FindingOpened::kType) {
    const auto opened = fact.body.get<facts::FindingOpened>();
    ++count_;
    findings_[opened.finding] = {.id = opened.finding,
                                 .workload = opened.workload,
                                 .summary = opened.summary,
                                 .since = parse_rfc3339(opened.since).value_or(fact.time),
                                 .opened_at = fact.time,
                                 .changed_at = fact.time,
                                 .closed_at = std::nullopt,
                                 .closed_because = {},
                                 .anomalies = opened.anomalies,
                                 .anomaly_count = opened.anomaly_count,
                                 .causes = opened.causes,
                                 .seq = fact.seq};
    forget_old();
  } else if (fact.type == facts::FindingChanged::kType) {
    const auto changed = fact.body.get<facts::FindingChanged>();
    const auto found = findings_.find(changed.finding);
    if (found == findings_.end()) return;
    found->second.summary = changed.summary;
    found->second.anomalies = changed.anomalies;
    found->second.anomaly_count = changed.anomaly_count;
    found->second.causes = changed.causes;
    found->second.changed_at = fact.time;
  } else if (fact.type == facts::FindingClosed::kType) {
    const auto found = findings_.find(text_or(fact.body, "finding"));
    if (found == findings_.end()) return;
    found->second.closed_at = fact.time;
    found->second.closed_because = text_or(fact.body, "reason");
  } else if (fact.type == facts::DeploymentStarted::kType) {
    const auto started = fact.body.get<facts::DeploymentStarted>();
    note_change(
        {.id = started.deployment,
         .what = fmt::format("deployment of {} {}",
                             started.component.empty() ? started.workload : started.component,
                             started.version),
         .workload = started.workload,
         .component = started.component,
         .at = fact.time});
  } else if (fact.type == facts::ChangeRecorded::kType) {
    const auto changed = fact.body.get<facts::ChangeRecorded>();
    note_change({.id = changed.change,
                 .what = fmt::format("{} change: {}", changed.kind, changed.summary),
                 .workload = changed.workload,
                 .component = changed.component,
                 .at = fact.time});
  }
}

void FindingDomain::note_change(RecentChange change) {
  changes_.push_back(std::move(change));
  const auto newest = changes_.back().at;
  while (changes_.size() > kKeptChanges || changes_.front().at + kKeptChangesFor < newest)
    changes_.pop_front();
}

void FindingDomain::forget_old() {
  for (auto each = findings_.begin(); findings_.size() > kKept && each != findings_.end();)
    each = each->second.closed_at ? findings_.erase(each) : std::next(each);
}

const Finding* FindingDomain::open_of(const std::string& workload) const {
  const auto found = std::ranges::find_if(findings_, [&](const auto& each) {
    return each.second.workload == workload && !each.second.closed_at;
  });
  return found == findings_.end() ? nullptr : &found->second;
}

journal::Decision FindingDomain::decide(const std::string& workload, std::vector<Unusual> unusual,
                                        const Topology& topology, const std::string& reason,
                                        Timestamp now, double finding_score) const {
  journal::Decision decision;
  std::erase_if(unusual, [&](const Unusual& each) {
    return finding_score_of(std::vector{each}) < finding_score - kTogether;
  });
  const auto* known = open_of(workload);
  if (unusual.empty()) {
    const bool settled =
        known != nullptr && (reason != kAsUsualAgain || now >= known->changed_at + kBetweenChanges);
    if (settled)
      decision.facts.push_back(fact_of(facts::FindingClosed{known->id, workload, reason}));
    return decision;
  }
  if (known == nullptr && finding_score_of(unusual) < finding_score) return decision;
  if (known != nullptr && now < known->changed_at + kBetweenChanges) return decision;
  std::ranges::stable_sort(unusual, std::greater(), &Unusual::score);
  std::vector<Onset> onsets;
  for (const auto& each : unusual) onsets.push_back({each.component, each.since, each.score});
  const auto causes = likely_causes(workload, onsets, {changes_.begin(), changes_.end()}, topology);
  const auto summary = summary_of(unusual, causes);
  const auto anomalies = json_of(unusual), suspects = json_of(causes);
  const int count = static_cast<int>(unusual.size());
  if (known == nullptr) {
    const auto first = std::ranges::min(unusual, {}, &Unusual::since).since;
    decision.facts.push_back(
        fact_of(facts::FindingOpened{fmt::format("fnd-{:06}", count_ + 1), workload,
                                     format_rfc3339(first), summary, anomalies, count, suspects}));
  } else if (says_more(*known, anomalies, count, suspects)) {
    decision.facts.push_back(
        fact_of(facts::FindingChanged{known->id, workload, summary, anomalies, count, suspects}));
  }
  return decision;
}

Json FindingDomain::snapshot() const {
  Json findings = Json::array();
  for (const auto& [id, each] : findings_) {
    findings.push_back({{"id", id},
                        {"workload", each.workload},
                        {"summary", each.summary},
                        {"since", each.since},
                        {"opened_at", each.opened_at},
                        {"changed_at", each.changed_at},
                        {"closed_at", each.closed_at},
                        {"closed_because", each.closed_because},
                        {"anomalies", each.anomalies},
                        {"anomaly_count", each.anomaly_count},
                        {"causes", each.causes},
                        {"seq", each.seq}});
  }
  Json changes = Json::array();
  for (const auto& each : changes_) {
    changes.push_back({{"id", each.id},
                       {"what", each.what},
                       {"workload", each.workload},
                       {"component", each.component},
                       {"at", each.at}});
  }
  return {{"findings", findings}, {"changes", changes}, {"count", count_}};
}

Status FindingDomain::restore(const Json& snapshot) {
  try {
    findings_.clear();
    changes_.clear();
    count_ = snapshot.at("count").get<int>();
    for (const auto& each : snapshot.at("findings")) {
      const auto id = each.at("id").get<std::string>();
      findings_[id] = {.id = id,
                       .workload = each.at("workload").get<std::string>(),
                       .summary = each.at("summary").get<std::string>(),
                       .since = each.at("since").get<Timestamp>(),
                       .opened_at = each.at("opened_at").get<Timestamp>(),
                       .changed_at = each.at("changed_at").get<Timestamp>(),
                       .closed_at = each.at("closed_at").get<std::optional<Timestamp>>(),
                       .closed_because = each.at("closed_because").get<std::string>(),
                       .anomalies = each.at("anomalies"),
                       .anomaly_count = each.at("anomaly_count").get<int>(),
                       .causes = each.at("causes"),
                       .seq = each.at("seq").get<journal::Sequence>()};
    }
    for (const auto& each : snapshot.at("changes")) {
      changes_.push_back({.id = each.at("id").get<std::string>(),
                          .what = each.at("what").get<std::string>(),
                          .workload = each.at("workload").get<std::string>(),
                          .component = each.at("component").get<std::string>(),
                          .at = each.at("at").get<Timestamp>()});
    }
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the snapshot of findings cannot be read: {}", error.what()));
  }
  return {};
}

}  // namespace wellrun::health::finding
