#include "health/effectiveness/past.h"

#include <algorithm>
#include <array>

#include "facts/health.h"
#include "facts/schemas.h"

namespace wellrun::health::effectiveness {
namespace {

constexpr std::size_t kPage = 1000;

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

class Reading {
 public:
  Reading(const journal::Store& journal, Timestamp from, const std::function<bool()>& cancelled,
          std::size_t most)
      : journal_(journal), cancelled_(cancelled), most_(most), from_(from) {}

  /// One exact type: its pages come out of an index, in order.
  Status read(std::string_view type) {
    journal::FactQuery query{.type_prefix = std::string(type), .from = from_};
    query.newest_first = true;
    std::size_t count = 0;
    while (true) {
      if (cancelled_ && cancelled_())
        return fail(ErrorCode::kCancelled, "reading what happened was given up");
      query.limit = std::min(kPage, most_ - count);
      TRY(auto page, journal_.read(query));
      count += page.size();
      for (auto& fact : page) {
        leave_out_evidence(fact);
        facts_.push_back(std::move(fact));
      }
      if (page.size() < query.limit) return {};
      query.before = facts_.back().seq;
      if (count < most_) continue;
      from_ = facts_.back().time + Duration{1};
      return {};
    }
  }

  Past past(std::vector<Signal> standing) {
    std::erase_if(facts_, [&](const journal::Fact& fact) { return fact.time < from_; });
    std::erase_if(standing, [&](const Signal& signal) { return signal.from >= from_; });
    std::ranges::sort(facts_, {}, &journal::Fact::seq);
    return {history_of(facts_, std::move(standing)), from_};
  }

 private:
  const journal::Store& journal_;
  const std::function<bool()>& cancelled_;
  const std::size_t most_;
  Timestamp from_;
  std::vector<journal::Fact> facts_;
};

}  // namespace

Result<Past> read_past(const journal::Store& journal, Timestamp from, std::vector<Signal> standing,
                       const std::function<bool()>& cancelled, std::size_t most) {
  Reading reading(journal, from, cancelled, most);
  for (const auto& schema : facts::schemas())
    if (is_asked_for(schema.type)) TRY_STATUS(reading.read(schema.type));
  return reading.past(std::move(standing));
}

}  // namespace wellrun::health::effectiveness
