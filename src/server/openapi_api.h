#pragma once

// The contract of this API, served by it: api/openapi.yaml as it was when the program was built.

#include <vector>

#include "platform/http/router.h"

namespace wellrun::server {

/// GET /api/v1/openapi.yaml, for everybody.
std::vector<http::Route> openapi_routes();

}  // namespace wellrun::server
