#pragma once

// Forecasts over HTTP. On the strand.

#include <vector>

#include "health/forecast/forecast_service.h"
#include "platform/http/router.h"

namespace wellrun::health::forecast {

/// GET /api/v1/forecasts, /api/v1/forecasts/{id}. The service outlives the routes.
std::vector<http::Route> forecast_routes(Runtime runtime, const ForecastService& service);

}  // namespace wellrun::health::forecast
