#pragma once

// What a text field may hold beyond being text: the formats that kinds name in describe().

#include <string_view>

#include "core/result.h"

namespace wellrun::catalog {

/// `format`: email, url, host-port, time-zone, holiday-date, local-time, window-length,
/// slice-length, handover, secret-ref, metric-name, label-map (a key
/// of one), identifier, condition, fact-type; empty and "promql" accept everything. kInvalid says
/// what is wanted and what was found.
Status check_format(std::string_view format, std::string_view text);

/// What the format wants, for schema and documentation: "an e-mail address".
std::string_view format_description(std::string_view format);
/// A regular expression for JSON Schema, or empty.
std::string_view format_pattern(std::string_view format);

}  // namespace wellrun::catalog
