#include "assess/assess_domain.h"

#include <fmt/format.h>

namespace wellrun::assess {
namespace {

constexpr std::size_t kKept = 1000;

}  // namespace

void AssessDomain::apply(const journal::Fact& fact) {
  assess::apply(record_, fact);
  if (fact.type != facts::AssessmentMade::kType) return;
  Json made = fact.body;
  made.erase("rows");
  made["id"] = made["assessment"];
  made["at"] = format_rfc3339(fact.time);
  made["seq"] = fact.seq;
  made_.push_back(std::move(made));
  if (made_.size() > kKept) made_.pop_front();
}

Status AssessDomain::restore(const Json& snapshot) {
  try {
    record_ = snapshot.at("record").get<Record>();
    made_ = snapshot.at("made").get<std::deque<Json>>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of assess");
  }
  return {};
}

journal::Decision AssessDomain::keep(const Assessment& assessment) const {
  facts::AssessmentMade body{
      .assessment = fmt::format("asm-{:04}", record_.of(facts::AssessmentMade::kType).count + 1),
      .edition = std::string(kEdition),
      .score = assessment.score,
      .practised = assessment.count(Verdict::kPractised),
      .partly = assessment.count(Verdict::kPartly),
      .not_practised = assessment.count(Verdict::kNot),
      .no_evidence = assessment.count(Verdict::kNoEvidence),
      .no_rule = assessment.count(Verdict::kNoRule)};
  body.rows = Json::array();
  for (const auto& row : assessment.rows) {
    body.rows.push_back({row.practice->id, name_of(row.finding.verdict), row.finding.score});
  }
  return {.facts = {{.stream = "assessment",
                     .type = facts::AssessmentMade::kType,
                     .body = body,
                     .correlation = body.assessment}},
          .intents = {}};
}

}  // namespace wellrun::assess
