#pragma once

// Rule groups evaluated over a small store in memory: what tests of rules run on. The rules'
// semantics are those of the server, from the same functions.

#include <memory>
#include <string>
#include <vector>

#include "catalog/rule_file.h"
#include "health/alert_fsm.h"
#include "health/rules/expectation.h"
#include "health/rules/rule_output.h"
#include "health/rules/series_notation.h"
#include "telemetry/promql/engine.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::rules {

/// Series that are known in advance and appear as time goes on, and what rules wrote.
class World {
 public:
  explicit World(Duration subquery_interval);

  void add_input(Labels labels, std::vector<SequenceValue> values, Timestamp start,
                 Duration interval);
  void reveal_until(Timestamp now);
  void reveal_all();
  void write(std::vector<telemetry::SeriesWrite> writes);

  Result<telemetry::InstantResult> query(const std::string& promql, Timestamp time) const;

 private:
  struct Input {
    Labels labels;
    std::vector<SequenceValue> values;
    Timestamp start;
    Duration interval;
    std::size_t revealed = 0;
  };
  void reveal(Input& input, std::size_t count);

  telemetry::promql::testing::MemoryReader store_;
  telemetry::promql::Engine engine_;
  std::vector<Input> input_;
};

struct GroupSettings {
  TextMap external_labels;
  std::string external_url;
};

/// One group and the state of its rules.
class GroupRun {
 public:
  /// `group` and `settings` outlive it.
  GroupRun(const catalog::RuleFileGroup& group, const GroupSettings& settings);

  struct Problem {
    std::string rule, message;
  };
  /// Every rule in order; later ones see what earlier ones wrote.
  std::vector<Problem> evaluate(World& world, Timestamp now);

  const std::string& name() const { return group_.name; }
  void collect_firing(const std::string& alertname, std::vector<LabelledAlert>& into) const;

 private:
  struct RuleRun {
    AlertRule alert;      ///< when it is one
    Recording recording;  ///< otherwise
    WrittenSeries written;
    ActiveAlerts alerts;
  };
  Result<std::vector<telemetry::SeriesWrite>> outcome(RuleRun& rule, const World& world,
                                                      Timestamp now) const;

  const catalog::RuleFileGroup& group_;
  const GroupSettings& settings_;
  std::vector<RuleRun> rules_;
};

}  // namespace wellrun::health::rules
