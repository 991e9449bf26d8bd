#include "telemetry/api_answer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/promql/parser.h"
#include "telemetry/query_api.h"
#include "telemetry/query_json.h"

namespace wellrun::telemetry::api {

using http::Request;
using http::Response;

namespace {

constexpr std::size_t kMaxAnnotations = 10;

void append_annotations(std::string& out, const char* key, const char* kind,
                        const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  out += key;
  for (std::size_t i = 0; i < std::min(notes.size(), kMaxAnnotations); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, notes[i]);
  }
  if (notes.size() > kMaxAnnotations) {
    out += ',';
    append_json_string(
        out, fmt::format("{} more {} annotations omitted", notes.size() - kMaxAnnotations, kind));
  }
  out += ']';
}

Response answer(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = std::move(body);
  return response;
}

}  // namespace

Response finished(std::string out, const std::vector<std::string>& warnings,
                  const std::vector<std::string>& infos) {
  append_annotations(out, ",\"warnings\":[", "warning", warnings);
  append_annotations(out, ",\"infos\":[", "info", infos);
  out += '}';
  return answer(std::move(out));
}

Response success(std::string_view data, const std::vector<std::string>& warnings,
                 const std::vector<std::string>& infos) {
  std::string out;
  out.reserve(data.size() + 64);
  out += "{\"status\":\"success\",\"data\":";
  out += data;
  return finished(std::move(out), warnings, infos);
}

Response failure(int status, std::string_view type, std::string_view message) {
  std::string out = "{\"status\":\"error\",\"errorType\":";
  append_json_string(out, type);
  out += ",\"error\":";
  append_json_string(out, message);
  out += '}';
  return answer(std::move(out), status);
}

namespace {

std::string bad_parameter_text(std::string_view name, const Error& error) {
  return fmt::format("invalid parameter \"{}\": {}", name, error.message);
}

/// std::nullopt: absent or empty.
Result<std::optional<long long>> integer_parameter(const Request& request, std::string_view name) {
  const auto value = request.parameter(name).value_or("");
  if (value.empty()) return std::nullopt;
  const auto digits = without_plus(value);
  long long number = 0;
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (problem != std::errc() || end != digits.data() + digits.size())
    return fail(ErrorCode::kInvalid, fmt::format("cannot parse {} to an integer", quote(value)));
  return number;
}

}  // namespace

Response bad_parameter(std::string_view name, const Error& error) {
  return failure(400, "bad_data", bad_parameter_text(name, error));
}

Response failure_of(const Error& error) {
  const bool is_of_parser = error.code == ErrorCode::kInvalid || error.code == ErrorCode::kTooLarge;
  if (is_of_parser && error.message.find("parse error:") != std::string::npos)
    return failure(400, "bad_data", fmt::format("invalid parameter \"query\": {}", error.message));
  switch (error.code) {
    case ErrorCode::kInvalid:
      return failure(400, "bad_data", error.message);
    case ErrorCode::kUnsupported:
    case ErrorCode::kTooLarge:
      return failure(422, "execution", error.message);
    case ErrorCode::kDeadline:
      return failure(503, "timeout", error.message);
    case ErrorCode::kCancelled:
      return failure(499, "canceled", error.message);
    case ErrorCode::kNotFound:
      return failure(404, "not_found", error.message);
    default:
      return failure(500, "internal", error.message);
  }
}

std::string_view without_plus(std::string_view number) {
  const bool is_signed_once = number.size() > 1 && number[0] == '+' && number[1] != '-';
  return is_signed_once ? number.substr(1) : number;
}

Result<Timestamp> time_parameter(const Request& request, std::string_view name,
                                 Timestamp fallback) {
  const auto value = request.parameter(name).value_or("");
  if (value.empty()) return fallback;
  auto time = parse_api_time(value);
  if (!time)
    return fail(ErrorCode::kInvalid,
                fmt::format("Invalid time value for '{}': {}", name, time.error().message));
  return time;
}

Result<std::size_t> limit_parameter(const Request& request, std::string_view name) {
  TRY(const auto number, integer_parameter(request, name));
  if (number.value_or(0) < 0) return fail(ErrorCode::kInvalid, "limit must be non-negative");
  return static_cast<std::size_t>(number.value_or(0));
}

Result<std::optional<std::size_t>> metadata_limit_parameter(const Request& request,
                                                            std::string_view name) {
  TRY(const auto number, integer_parameter(request, name));
  if (number.value_or(-1) < 0) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

Result<TimeRange> range_parameters(const Request& request) {
  const auto read = [&](std::string_view name, std::int64_t fallback_ms) -> Result<std::int64_t> {
    const auto time = time_parameter(request, name, from_unix_ms(fallback_ms));
    if (!time) return fail(ErrorCode::kInvalid, bad_parameter_text(name, time.error()));
    return to_unix_ms(*time);
  };
  TRY(const auto start_ms, read("start", kEarliestMs));
  TRY(const auto end_ms, read("end", kLatestMs));
  return TimeRange{start_ms, end_ms};
}

Result<std::vector<std::vector<Matcher>>> match_parameters(const Request& request) {
  std::vector<std::vector<Matcher>> sets;
  for (const auto& value : request.parameters("match[]")) {
    auto set = promql::parse_selector(value, promql::MatchAll::kAllowed);
    if (set && promql::is_match_all(*set))
      set = fail(ErrorCode::kInvalid, "match[] must contain at least one non-empty matcher");
    if (!set)
      return fail(ErrorCode::kInvalid,
                  fmt::format("invalid parameter \"match[]\": {}", set.error().message));
    sets.push_back(std::move(*set));
  }
  return sets;
}

}  // namespace wellrun::telemetry::api
