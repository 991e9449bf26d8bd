#pragma once

// Facts of the improve domain: post-incident analyses, the actions that come out of them and what
// those did, and experiments. Streams: analysis/<id>, action/<id>, experiment/<id>.

#include <string>
#include <vector>

#include "core/json.h"

namespace wellrun::facts {

/// The draft is a pure function of the incident's facts up to this one, so the facts are all that
/// is kept.
struct AnalysisDrafted {
  static constexpr auto kType = "analysis.drafted";
  std::string analysis;
  std::string incident;
  std::string workload;
};

/// A person wrote a section over.
struct AnalysisEdited {
  static constexpr auto kType = "analysis.edited";
  std::string analysis;
  std::string section;
  std::string text;
  std::string by;
};

struct AnalysisSigned {
  static constexpr auto kType = "analysis.signed";
  std::string analysis;
  std::string by;
};

struct ActionCreated {
  static constexpr auto kType = "action.created";
  std::string action;
  std::string analysis;  ///< or empty
  std::string title;
  std::string owner;
  std::string due;  ///< RFC 3339
  std::string by;
};

struct ActionFinished {
  static constexpr auto kType = "action.finished";
  std::string action;
  std::string by;
  std::string proof;
};

/// How a metric is to move, said before anybody can know. docs/proof.md.
struct Expectation {
  std::string metric;   ///< a Kpi's name, or PromQL that gives one series
  std::string control;  ///< the same of a group without the change; empty: before against after
  std::string kind = "rate";        ///< rate, ratio, duration or value
  std::string direction = "lower";  ///< or higher
  double smallest = 0.1;            ///< share of the level before that matters
  std::string watch = "7d";         ///< for how long after the change
};

/// What the verdict engine said of an expectation, with the values it rests on.
struct EffectVerdict {
  std::string
      state;  ///< confirmed, refuted, continue or inconclusive; of a guard rail broken, held
  std::string doubt;  ///< of an inconclusive one: no data, too few, stale, zero baseline
  std::string reason, test, threshold;
  std::string from, changed, until;  ///< RFC 3339: the time before, and the time after
  std::int64_t steps_before = 0, steps_after = 0;
  double mean_before = 0, mean_after = 0;
  double change = 0, standard_error = 0;  ///< shares of the level before
  double evidence_for = 1, evidence_against = 1, decides_at = 0;
  bool last = false;
};

struct ActionEffectExpected {
  static constexpr auto kType = "action.effect_expected";
  std::string action;
  Expectation expects;
  std::string by;
};

struct ActionEffectJudged {
  static constexpr auto kType = "action.effect_judged";
  std::string action;
  int look = 0;  ///< of sixteen
  EffectVerdict verdict;
};

struct ExperimentStarted {
  static constexpr auto kType = "experiment.started";
  std::string experiment;
  std::string hypothesis;
  std::string workload;  ///< or empty
  std::string owner;
  Expectation expects;
  std::vector<Expectation> guard_rails;  ///< direction and smallest: what would be harm
  std::string by;
};

struct ExperimentJudged {
  static constexpr auto kType = "experiment.judged";
  std::string experiment;
  int look = 0;
  EffectVerdict verdict;
  std::vector<EffectVerdict> guard_rails;  ///< in the order of the experiment's
};

struct ExperimentEnded {
  static constexpr auto kType = "experiment.ended";
  std::string experiment;
  std::string state;  ///< confirmed, refuted, inconclusive, harmful or stopped
  std::string reason;
  std::string by;
};

struct ExperimentLearned {
  static constexpr auto kType = "experiment.learned";
  std::string experiment;
  std::string text;
  std::string by;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisDrafted, analysis, incident, workload)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisEdited, analysis, section, text, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisSigned, analysis, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionCreated, action, analysis, title, owner, due,
                                                by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionFinished, action, by, proof)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Expectation, metric, control, kind, direction,
                                                smallest, watch)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EffectVerdict, state, doubt, reason, test,
                                                threshold, from, changed, until, steps_before,
                                                steps_after, mean_before, mean_after, change,
                                                standard_error, evidence_for, evidence_against,
                                                decides_at, last)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionEffectExpected, action, expects, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionEffectJudged, action, look, verdict)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExperimentStarted, experiment, hypothesis, workload,
                                                owner, expects, guard_rails, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExperimentJudged, experiment, look, verdict,
                                                guard_rails)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExperimentEnded, experiment, state, reason, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExperimentLearned, experiment, text, by)

}  // namespace wellrun::facts
