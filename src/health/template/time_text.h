#pragma once

// Times and lengths of time as Go prints them. Pure; UTC only, as Prometheus' templates have it.

#include <string>
#include <string_view>

#include "core/time.h"
#include "health/template/value.h"

namespace wellrun::health::templates {

/// "2015-06-23 13:19:44.128 +0000 UTC".
std::string time_text(Timestamp time);
/// By example, as Go's Time.Format: "2006-01-02 15:04:05".
std::string format_time(Timestamp time, std::string_view layout);
/// "1h2m3.5s", "250ms", "0s".
std::string duration_text(Nanoseconds length);

}  // namespace wellrun::health::templates
