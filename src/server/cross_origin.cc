#include "server/cross_origin.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <re2/re2.h>

#include "core/text.h"

namespace wellrun::server {

Result<CrossOrigin> CrossOrigin::make(std::string_view origins) {
  CrossOrigin made;
  if (origins.empty()) return made;
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(std::string(origins), quiet);
  if (!regex->ok())
    return fail(ErrorCode::kInvalid,
                fmt::format("--cors-origin is {}, which is no regular expression: {}",
                            quote(origins), regex->error()));
  made.allowed_ = std::move(regex);
  made.is_for_all_ = origins == ".*";
  return made;
}

http::Headers CrossOrigin::headers_for(const http::Request& request) const {
  const auto origin = request.header("Origin");
  if (!allowed_ || origin.empty() || !is_prometheus_reading(request.path)) return {};
  // A cache must not show the answer to one origin to another.
  http::Headers headers{{"Vary", "Origin"}};
  const bool matches = re2::RE2::FullMatch({origin.data(), origin.size()}, *allowed_);
  if (!matches) return headers;
  headers.push_back({"Access-Control-Allow-Origin", is_for_all_ ? "*" : std::string(origin)});
  headers.push_back(
      {"Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"});
  headers.push_back({"Access-Control-Allow-Methods", "GET, POST, OPTIONS"});
  headers.push_back({"Access-Control-Expose-Headers", "Date"});
  return headers;
}

bool is_prometheus_reading(std::string_view path) {
  static constexpr std::string_view kRoot = "/api/v1/";
  if (!path.starts_with(kRoot)) return false;
  path.remove_prefix(kRoot.size());
  static constexpr std::array<std::string_view, 16> kEndpoints{
      "query",    "query_range",   "query_exemplars", "format_query", "parse_query", "labels",
      "series",   "metadata",      "targets",         "scrape_pools", "rules",       "alerts",
      "features", "alertmanagers", "openapi.yaml",    "notifications"};
  static constexpr std::array<std::string_view, 4> kBelow{"label/", "targets/", "status/",
                                                          "search/"};
  const auto is_below = [&](std::string_view folder) { return path.starts_with(folder); };
  return std::ranges::find(kEndpoints, path) != kEndpoints.end() ||
         std::ranges::any_of(kBelow, is_below);
}

}  // namespace wellrun::server
