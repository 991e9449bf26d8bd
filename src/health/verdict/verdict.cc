#include "health/verdict/verdict.h"

namespace wellrun::health {

const char* name_of(Decision decision) {
  switch (decision) {
    case Decision::kContinue:
      return "continue";
    case Decision::kPass:
      return "pass";
    case Decision::kFail:
      return "fail";
  }
  return "continue";
}

const char* state_of(Finding finding) {
  switch (finding) {
    case Finding::kWatching:
      return "continue";
    case Finding::kPass:
      return "pass";
    case Finding::kFail:
      return "fail";
    case Finding::kNoData:
    case Finding::kTooFew:
    case Finding::kStale:
    case Finding::kZeroBaseline:
      return "inconclusive";
  }
  return "inconclusive";
}

const char* doubt_of(Finding finding) {
  switch (finding) {
    case Finding::kNoData:
      return "no data";
    case Finding::kTooFew:
      return "too few";
    case Finding::kStale:
      return "stale";
    case Finding::kZeroBaseline:
      return "zero baseline";
    case Finding::kWatching:
    case Finding::kPass:
    case Finding::kFail:
      return "";
  }
  return "";
}

bool is_inconclusive(Finding finding) {
  return *doubt_of(finding) != '\0';
}

}  // namespace wellrun::health
