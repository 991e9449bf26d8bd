#pragma once

// The improve domain: a draft for each incident that is resolved, and actions with the proof of
// what they did (docs/proof.md). A functional core: see journal/ledger.h.

#include <map>
#include <string>

#include "facts/improve.h"
#include "improve/draft.h"
#include "improve/effect/effect.h"
#include "journal/ledger.h"

namespace wellrun::improve {

struct Analysis {
  facts::AnalysisDrafted what;
  Timestamp drafted_at;
  journal::Sequence drafted_seq = 0;  ///< the draft rests on facts up to this one
  std::map<std::string, Edit> edits;  ///< section -> what a person wrote last
  std::string signed_by;
  std::optional<Timestamp> signed_at;
};

struct Action {
  facts::ActionCreated what;
  Timestamp created_at;
  std::string finished_by;
  std::optional<Timestamp> finished_at;
  std::string proof;
  std::optional<facts::Expectation> expects;  ///< what it is to change, said before it was finished
  std::optional<facts::EffectVerdict> effect;  ///< the newest verdict on that
};

class ImproveDomain final : public journal::Domain {
 public:
  std::string_view name() const override { return "improve"; }
  void apply(const journal::Fact& fact) override;
  /// incident.resolved leads to analysis.drafted, budget.step_reached to action.created when the
  /// step says so, action.finished to the first look at its effect.
  journal::Decision react(const journal::Fact& fact, Timestamp now) override;
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  /// A look becomes action.effect_judged, and the next look follows unless that was the last.
  journal::Decision outcome(const journal::Intent& intent, const journal::Outcome& outcome,
                            Timestamp now) override;
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// kNotFound; kConflict once it is signed; kInvalid without a section or a text.
  Result<journal::Decision> edit(const std::string& id, const std::string& section,
                                 const std::string& text, const std::string& by) const;
  Result<journal::Decision> sign(const std::string& id, const std::string& by) const;
  /// kInvalid without a title, an owner, or a due time that can be read; kNotFound for an unknown
  /// analysis.
  Result<journal::Decision> create(facts::ActionCreated action) const;
  /// kNotFound; kConflict once it is finished: then the figures are known; kInvalid as check()
  /// says.
  Result<journal::Decision> expect(const std::string& id, const facts::Expectation& expects,
                                   const std::string& by) const;
  Result<journal::Decision> finish(const std::string& id, const std::string& proof,
                                   const std::string& by) const;

  const std::map<std::string, Analysis>& analyses() const { return analyses_; }
  const std::map<std::string, Action>& actions() const { return actions_; }

 private:
  journal::Decision on_budget_step(const journal::Fact& fact, Timestamp now) const;
  Result<const Analysis*> open_analysis(const std::string& id) const;
  Result<const Action*> open_action(const std::string& id) const;
  journal::Decision on_finished(const journal::Fact& fact, Timestamp now) const;

  std::map<std::string, Analysis> analyses_;
  std::map<std::string, Action> actions_;
  std::map<std::string, std::string> workloads_;  ///< open incident -> workload
};

}  // namespace wellrun::improve
