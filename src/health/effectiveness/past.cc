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

/// The values that an alert fired on are most of what a journal is made of.
void leave_out_evidence(journal::Fact& fact) {
  if (fact.type != facts::AlertFired::kType) return;
  for (const auto* name : {"evidence", "annotations", "labels"}) fact.body.erase(name);
}

}  // namespace

Result<Past> read_past(const journal::Store& journal, Timestamp from, std::vector<Signal> standing,
                       const std::function<bool()>& cancelled, std::size_t most) {
  std::vector<std::string_view> types;
  for (const auto& schema : facts::schemas())
    if (is_asked_for(schema.type)) types.emplace_back(schema.type);
  const PastAsked asked{
      .from = from, .most = most, .slim = leave_out_evidence, .cancelled = cancelled};
  TRY(const auto past, past_facts(journal, types, asked));
  std::erase_if(standing, [&](const Signal& signal) { return signal.from >= past.from; });
  return Past{history_of(past.facts, std::move(standing)), past.from};
}

}  // namespace wellrun::health::effectiveness
