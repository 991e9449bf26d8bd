#include "health/operations/operations_domain.h"

namespace wellrun::health::operations {

Status OperationsDomain::restore(const Json& snapshot) {
  try {
    record_ = snapshot.get<OperationsRecord>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt, error.what(), "snapshot of operations");
  }
  return {};
}

}  // namespace wellrun::health::operations
