#pragma once

// Experiments: a hypothesis on a metric, guard rails beside it, and what came of it
// (docs/proof.md). A functional core: see journal/ledger.h. The looks are those of effect/effect.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "facts/improve.h"
#include "improve/effect/effect.h"
#include "journal/ledger.h"

namespace wellrun::improve {

inline constexpr std::size_t kMostGuardRails = 8;

struct Experiment {
  facts::ExperimentStarted what;
  Timestamp started_at;
  int looks = 0;
  std::optional<facts::EffectVerdict> verdict;    ///< the newest
  std::vector<facts::EffectVerdict> guard_rails;  ///< likewise, in their order; empty at first
  std::string state = "running";  ///< or confirmed, refuted, inconclusive, harmful, stopped
  std::string reason, ended_by;
  std::optional<Timestamp> ended_at;
  std::string learned, learned_by;

  bool is_running() const { return state == "running"; }
};

class ExperimentDomain final : public journal::Domain {
 public:
  std::string_view name() const override { return "experiment"; }
  void apply(const journal::Fact& fact) override;
  /// experiment.started leads to the first look.
  journal::Decision react(const journal::Fact& fact, Timestamp now) override;
  journal::Decision tick(Timestamp) override { return {}; }
  std::optional<Timestamp> next_due() const override { return std::nullopt; }
  /// A look becomes experiment.judged; the next one follows, or experiment.ended: at a broken guard
  /// rail, a decision, or the end of the watch. What comes after the end is left out.
  journal::Decision outcome(const journal::Intent& intent, const journal::Outcome& outcome,
                            Timestamp now) override;
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// kInvalid without a hypothesis or an owner, with too many guard rails, or as check() says of
  /// the metric and each guard rail. Guard rails are watched as long as the metric.
  Result<journal::Decision> start(facts::ExperimentStarted experiment) const;
  /// kNotFound; kConflict when it has ended; kInvalid without a reason.
  Result<journal::Decision> stop(const std::string& id, const std::string& reason,
                                 const std::string& by) const;
  /// kNotFound; kConflict while it runs; kInvalid without a text. Said again, the newest counts.
  Result<journal::Decision> learn(const std::string& id, const std::string& text,
                                  const std::string& by) const;

  const std::map<std::string, Experiment>& experiments() const { return experiments_; }

 private:
  Result<const Experiment*> known(const std::string& id) const;

  std::map<std::string, Experiment> experiments_;
};

}  // namespace wellrun::improve
