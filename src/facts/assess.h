#pragma once

// Facts of the assess domain. Stream: assessment.

#include <string>

#include "core/json.h"

namespace wellrun::facts {

struct AssessmentMade {
  static constexpr auto kType = "assessment.made";
  std::string assessment;
  std::string edition;
  double score = 0;  ///< 0 to 100
  int practised = 0, partly = 0, not_practised = 0, no_evidence = 0, no_rule = 0;
  Json rows;  ///< [[id, verdict, score]]
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AssessmentMade, assessment, edition, score,
                                                practised, partly, not_practised, no_evidence,
                                                no_rule, rows)

}  // namespace wellrun::facts
