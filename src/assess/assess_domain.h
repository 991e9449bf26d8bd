#pragma once

// The assess domain: keeps the record of facts that evidence rules read, and the assessments that
// were made. A functional core: see journal/ledger.h.

#include <deque>

#include "assess/evidence.h"
#include "facts/assess.h"
#include "journal/ledger.h"

namespace wellrun::assess {

class AssessDomain final : public journal::Domain {
 public:
  std::string_view name() const override { return "assess"; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact&, Timestamp) override { return {}; }
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  journal::Decision outcome(const journal::Intent&, const journal::Outcome&, Timestamp) override {
    return {};
  }
  Json snapshot() const override { return {{"record", record_}, {"made", made_}}; }
  Status restore(const Json& snapshot) override;

  /// The fact that keeps `assessment`.
  journal::Decision keep(const Assessment& assessment) const;

  const Record& record() const { return record_; }
  /// Kept assessments, oldest first: {id, at, score, practised, …}.
  const std::deque<Json>& made() const { return made_; }

 private:
  Record record_;
  std::deque<Json> made_;
};

}  // namespace wellrun::assess
