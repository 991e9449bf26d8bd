#include "telemetry/retention_rules.h"

#include <algorithm>
#include <set>

namespace wellrun::telemetry {
namespace {

/// 0: every sample.
Duration resolution_at(std::span<const Downsampling> steps, Duration age) {
  Duration resolution{0};
  for (const auto& step : steps)
    if (step.after <= age) resolution = step.resolution;
  return resolution;
}

}  // namespace

std::vector<Downsampling> finest(std::span<const Downsampling> a, std::span<const Downsampling> b) {
  std::set<Duration> ages;
  for (const auto& steps : {a, b})
    for (const auto& step : steps) ages.insert(step.after);
  std::vector<Downsampling> out;
  for (const auto age : ages) {
    const auto resolution = std::min(resolution_at(a, age), resolution_at(b, age));
    const auto before = out.empty() ? Duration{0} : out.back().resolution;
    if (resolution > before) out.push_back({age, resolution});
  }
  return out;
}

Result<RetentionRules> RetentionRules::make(std::vector<RetentionRule> rules,
                                            Duration default_keep) {
  RetentionRules made(default_keep);
  for (const auto& rule : rules) {
    TRY(auto compiled, compile_all(rule.matching));
    made.compiled_.push_back(std::move(compiled));
  }
  made.rules_ = std::move(rules);
  return made;
}

KeptAs RetentionRules::of(const Labels& labels) const {
  auto kept = without_rules();
  for (std::size_t i = 0; i < rules_.size(); ++i)
    if (matches_any(compiled_[i], labels)) kept = with(kept, rules_[i]);
  return kept;
}

KeptAs RetentionRules::with(const KeptAs& so_far, const RetentionRule& rule) const {
  const auto keep = rule.keep == Duration{0} ? default_keep_ : rule.keep;
  KeptAs kept = so_far;
  const bool is_first = so_far.rules.empty();
  kept.keep = is_first ? keep : std::max(so_far.keep, keep);
  kept.downsampling = is_first ? rule.downsampling : finest(so_far.downsampling, rule.downsampling);
  kept.rules.push_back(rule.name);
  return kept;
}

Duration RetentionRules::longest() const {
  auto longest = default_keep_;
  for (const auto& rule : rules_) longest = std::max(longest, rule.keep);
  return longest;
}

}  // namespace wellrun::telemetry
