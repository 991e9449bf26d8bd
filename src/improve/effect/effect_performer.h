#pragma once

// Performs a look: reads the history of each metric in a worker and asks the shift judge
// (health/verdict/shift_judge.h). Only reads, so it may be repeated. The outcome's detail is
// {"verdict": EffectVerdict, "guard_rails": [EffectVerdict]}.

#include <atomic>
#include <memory>

#include "catalog/catalog.h"
#include "facts/improve.h"
#include "journal/effect.h"
#include "platform/runtime/runtime.h"
#include "telemetry/promql/engine.h"

namespace wellrun::improve {

class EffectPerformer final : public journal::Performer {
 public:
  /// All outlive it, and what it still has in workers.
  EffectPerformer(Runtime runtime, const catalog::Catalog& catalog,
                  const telemetry::promql::Engine& engine)
      : runtime_(runtime), catalog_(catalog), engine_(engine) {}

  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override;

  /// Looks that are under way end soon, and say that they could not read. To be followed at once by
  /// the ledger's stop, which does not hear them: they are taken anew after the next start.
  void stop() { stopping_->store(true); }

 private:
  Runtime runtime_;
  const catalog::Catalog& catalog_;
  const telemetry::promql::Engine& engine_;
  /// Shared with what is still in workers.
  const std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
};

/// One expectation with everything that a worker needs; PromQL in place of a Kpi's name.
struct EffectQuestion {
  facts::Expectation expects;
  bool is_harm = false;  ///< of a guard rail: its states are broken and held
  double error_rate = 0.05;
  bool had_before = false;  ///< an earlier look found values of the time before
  Timestamp changed_at{}, now{};
};

/// The verdict; one that cannot be asked is inconclusive, with the reason. Blocks.
facts::EffectVerdict judge_effect(const EffectQuestion& question,
                                  const telemetry::promql::Engine& engine,
                                  const telemetry::promql::QueryLimits& limits);

}  // namespace wellrun::improve
