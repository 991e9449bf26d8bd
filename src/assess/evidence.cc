#include "assess/evidence.h"

#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::assess {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPractised:
      return "practised";
    case Verdict::kPartly:
      return "partly";
    case Verdict::kNot:
      return "not";
    case Verdict::kNoEvidence:
      return "no_evidence";
    case Verdict::kNoRule:
      return "no_rule";
  }
  return "no_rule";
}

int Assessment::count(Verdict verdict) const {
  return static_cast<int>(std::ranges::count_if(
      rows, [&](const Assessed& row) { return row.finding.verdict == verdict; }));
}

Assessment assess(const View& view) {
  Assessment assessment;
  double sum = 0;
  double weights = 0;
  for (const auto& practice : practices()) {
    auto finding = judge(practice.id, view);
    sum += finding.score * practice.weight;
    weights += practice.weight;
    assessment.rows.push_back({.practice = &practice, .finding = std::move(finding)});
  }
  assessment.score = weights > 0 ? 100 * sum / weights : 0;
  return assessment;
}

namespace {

Json row_json(const Assessed& row, Timestamp now) {
  Json aliases = Json::array();
  for (const auto alias : split(row.practice->aliases, ' ')) {
    if (!alias.empty()) aliases.push_back(alias);
  }
  Json evidence = Json::array();
  for (const auto& proof : row.finding.evidence)
    evidence.push_back({{"text", proof.text}, {"link", proof.link}});
  const auto& newest = row.finding.newest;
  return {{"id", row.practice->id},
          {"title", row.practice->title},
          {"aliases", std::move(aliases)},
          {"weight", row.practice->weight},
          {"verdict", name_of(row.finding.verdict)},
          {"score", row.finding.score},
          {"figure", row.finding.figure},
          {"age", newest ? Json(format_age(now - *newest)) : Json()},
          {"newest", newest ? Json(format_rfc3339(*newest)) : Json()},
          {"evidence", std::move(evidence)},
          {"next_step", row.finding.next_step}};
}

}  // namespace

Json to_json(const Assessment& assessment, Timestamp now) {
  Json area_list = Json::array();
  for (const auto area : areas()) {
    Json rows = Json::array();
    double sum = 0;
    double weights = 0;
    for (const auto& row : assessment.rows) {
      if (row.practice->area != area) continue;
      sum += row.finding.score * row.practice->weight;
      weights += row.practice->weight;
      rows.push_back(row_json(row, now));
    }
    area_list.push_back({{"name", area},
                         {"score", weights > 0 ? 100 * sum / weights : 0},
                         {"rows", std::move(rows)}});
  }
  return {{"edition", kEdition},
          {"at", format_rfc3339(now)},
          {"score", assessment.score},
          {"counts",
           {{"practised", assessment.count(Verdict::kPractised)},
            {"partly", assessment.count(Verdict::kPartly)},
            {"not", assessment.count(Verdict::kNot)},
            {"no_evidence", assessment.count(Verdict::kNoEvidence)},
            {"no_rule", assessment.count(Verdict::kNoRule)}}},
          {"areas", std::move(area_list)}};
}

}  // namespace wellrun::assess
