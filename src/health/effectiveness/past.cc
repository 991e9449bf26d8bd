#include "health/effectiveness/past.h"

#include <algorithm>
#include <array>

#include "facts/health.h"
#include "facts/schemas.h"

namespace wellrun::health::effectiveness {
namespace {

bool is_asked_for(std::string_view type) {
  constexpr std::array<std::string_view, 4> kDomains = {"alert.", "incident.", "kpi.", "finding."};
  return type == "run.started" || type == "status.posted" ||
         std::ranges::any_of(kDomains, [&](auto domain) { return type.starts_with(domain); });
}

/// The values that an alert fired on are most of what a journal is made of. Of its labels stays
/// whose it is.
void leave_out_evidence(journal::Fact& fact, const RuleNames& names) {
  if (fact.type != facts::AlertFired::kType) return;
  if (const auto rule = text_or(fact.body, "rule"); names.is_shared(rule))
    fact.body["rule"] = names.subject_of(rule, fact.body.get<facts::AlertFired>().labels);
  for (const auto* name : {"evidence", "annotations", "labels"}) fact.body.erase(name);
}

}  // namespace

Result<Past> read_past(const journal::Store& journal, Timestamp from, const RuleNames& names,
                       std::vector<Signal> standing, const std::function<bool()>& cancelled,
                       std::size_t most) {
  std::vector<std::string_view> types;
  for (const auto& schema : facts::schemas())
    if (is_asked_for(schema.type)) types.emplace_back(schema.type);
  const auto slim = [&names](journal::Fact& fact) { leave_out_evidence(fact, names); };
  const PastAsked asked{.from = from, .most = most, .slim = slim, .cancelled = cancelled};
  TRY(const auto past, past_facts(journal, types, asked));
  std::erase_if(standing, [&](const Signal& signal) { return signal.from >= past.from; });
  return Past{history_of(past.facts, std::move(standing)), past.from};
}

}  // namespace wellrun::health::effectiveness
