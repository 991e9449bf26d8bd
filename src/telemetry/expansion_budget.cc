#include "telemetry/expansion_budget.h"

namespace wellrun::telemetry {

Status ExpansionBudget::used_up() const {
  return fail(ErrorCode::kTooLarge, complaint_);
}

}  // namespace wellrun::telemetry
