#pragma once

// What the handlers of Prometheus' HTTP API share: its JSON, its envelope, its parameters. Pure.
// Source: https://prometheus.io/docs/prometheus/latest/querying/api/

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "platform/http/message.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::api {

/// What start and end are when they are left out.
inline constexpr std::int64_t kEarliestMs = -9'000'000'000'000'000,
                              kLatestMs = 9'000'000'000'000'000;

/// {"status":"success","data":…}; of warnings and infos the first ten are listed, then how many
/// more there were.
http::Response success(std::string_view data, const std::vector<std::string>& warnings = {},
                       const std::vector<std::string>& infos = {});
/// The same, of `out`: an answer up to and including its data.
http::Response finished(std::string out, const std::vector<std::string>& warnings,
                        const std::vector<std::string>& infos);
http::Response failure(int status, std::string_view type, std::string_view message);
/// bad_data: invalid parameter "name": …
http::Response bad_parameter(std::string_view name, const Error& error);
/// Prometheus' error type and status for one of our codes.
http::Response failure_of(const Error& error);

/// A number without its plus sign, which Go reads and std::from_chars does not.
std::string_view without_plus(std::string_view number);

/// A parameter as a time; `fallback` when it is absent or empty.
Result<Timestamp> time_parameter(const http::Request& request, std::string_view name,
                                 Timestamp fallback);
/// A parameter as a number of at least 0; 0 when it is absent or empty.
Result<std::size_t> limit_parameter(const http::Request& request, std::string_view name = "limit");
/// The same where 0 is none at all: std::nullopt, no limit, when it is absent, empty or negative.
Result<std::optional<std::size_t>> metadata_limit_parameter(const http::Request& request,
                                                            std::string_view name = "limit");
/// start and end; everything when they are left out. The message names the one that is bad, as
/// bad_parameter() does.
Result<TimeRange> range_parameters(const http::Request& request);
/// Every match[], at least none.
Result<std::vector<std::vector<Matcher>>> match_parameters(const http::Request& request);

}  // namespace wellrun::telemetry::api
