#include "health/past_facts.h"

#include <algorithm>

namespace wellrun::health {
namespace {

constexpr std::size_t kPage = 1000;

class Reading {
 public:
  Reading(const journal::Store& journal, const PastAsked& asked)
      : journal_(journal), asked_(asked), from_(asked.from) {}

  /// Newest first, as far as it is complete of the types that were read before.
  Status read(std::string_view type) {
    journal::FactQuery query{.type_prefix = std::string(type), .from = from_, .to = asked_.to};
    query.newest_first = true;
    std::size_t count = 0;
    while (true) {
      if (asked_.cancelled && asked_.cancelled())
        return fail(ErrorCode::kCancelled, "reading what happened was given up");
      query.limit = std::min(kPage, asked_.most - count);
      TRY(auto page, journal_.read(query));
      count += page.size();
      for (auto& fact : page) {
        if (asked_.slim) asked_.slim(fact);
        facts_.push_back(std::move(fact));
      }
      if (page.size() < query.limit) return {};
      query.before = facts_.back().seq;
      if (count < asked_.most) continue;
      from_ = facts_.back().time + Duration{1};
      return {};
    }
  }

  PastFacts all() {
    std::erase_if(facts_, [&](const journal::Fact& fact) { return fact.time < from_; });
    std::ranges::sort(facts_, {}, &journal::Fact::seq);
    return {std::move(facts_), from_};
  }

 private:
  const journal::Store& journal_;
  const PastAsked& asked_;
  Timestamp from_;
  std::vector<journal::Fact> facts_;
};

}  // namespace

Result<PastFacts> past_facts(const journal::Store& journal, std::span<const std::string_view> types,
                             const PastAsked& asked) {
  Reading reading(journal, asked);
  for (const auto type : types) TRY_STATUS(reading.read(type));
  return reading.all();
}

}  // namespace wellrun::health
