#pragma once

// Query parameters that several domains read the same way.

#include "platform/http/message.h"

namespace wellrun::http {

/// The parameter `limit`: how many items at most. `most` without one; kInvalid unless it is a whole
/// number from 1 to `most`.
Result<std::size_t> limit_parameter(const Request& request, std::size_t most);

}  // namespace wellrun::http
