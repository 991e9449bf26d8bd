#pragma once

// Numbers as people read them: Prometheus' humanize functions. Pure. Four significant digits; NaN
// and infinities as "NaN", "+Inf", "-Inf". Source: Prometheus' documented template functions.

#include <string>

namespace wellrun::health {

std::string humanize(double value);              ///< "1.235M", "2.1m"
std::string humanize_1024(double value);         ///< "2Mi"
std::string humanize_duration(double seconds);   ///< "1d 2h 3m 4s", "250ms"
std::string humanize_percentage(double ratio);   ///< "12.34%"
std::string humanize_timestamp(double seconds);  ///< "2015-06-23 13:19:44.128 +0000 UTC"

}  // namespace wellrun::health
