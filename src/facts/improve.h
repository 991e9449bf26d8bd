#pragma once

// Facts of the improve domain: post-incident analyses and the actions that come out of them.
// Streams: analysis/<id>, action/<id>.

#include <string>

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

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisDrafted, analysis, incident, workload)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisEdited, analysis, section, text, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AnalysisSigned, analysis, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionCreated, action, analysis, title, owner, due,
                                                by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ActionFinished, action, by, proof)

}  // namespace wellrun::facts
