#include "telemetry/expansion_budget.h"

namespace wellrun::telemetry {

Status ExpansionBudget::used_up() {
  return fail(ErrorCode::kTooLarge,
              "the request would take too much memory once decoded; send smaller batches");
}

}  // namespace wellrun::telemetry
