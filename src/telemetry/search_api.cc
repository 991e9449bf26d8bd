#include "telemetry/search_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/name_search.h"
#include "telemetry/query_json.h"

namespace wellrun::telemetry {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t kMostTerms = 64, kMostTermBytes = 1024;

std::unexpected<Error> refused(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

struct SearchCall {
  NameSearch search;
  std::vector<std::vector<Matcher>> matching;
  TimeRange range;
  std::size_t limit = 0, batch = 0;
  bool with_score = false, with_metadata = false;
};

Result<bool> flag(const Request& request, std::string_view name, bool fallback) {
  const auto text = request.parameter(name).value_or("");
  if (text.empty()) return fallback;
  // As Go's strconv.ParseBool reads it.
  constexpr std::array<std::string_view, 6> kYes{"1", "t", "T", "TRUE", "true", "True"},
      kNo{"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kYes, text) != kYes.end()) return true;
  if (std::ranges::find(kNo, text) != kNo.end()) return false;
  return refused(fmt::format("invalid {} {}: must be boolean", name, quote(text)));
}

/// At most `most`; nothing when it is absent.
Result<std::optional<std::size_t>> number(const Request& request, std::string_view name,
                                          std::size_t most, std::string_view must_be) {
  const auto text = request.parameter(name).value_or("");
  if (text.empty()) return std::nullopt;
  std::size_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value > most)
    return refused(fmt::format("invalid {} {}: must be {}", name, quote(text), must_be));
  return value;
}

/// 0 is as good as absent.
Result<std::size_t> count(const Request& request, std::string_view name) {
  constexpr std::size_t kUsual = 100;
  TRY(const auto asked, number(request, name, SIZE_MAX, "non-negative integer"));
  return asked.value_or(0) == 0 ? kUsual : *asked;
}

Result<std::int64_t> time(const Request& request, std::string_view name, Timestamp fallback) {
  auto read = api::time_parameter(request, name, fallback);
  if (!read)
    return refused(fmt::format("invalid time value for '{}': {}", name, read.error().message));
  return to_unix_ms(*read);
}

Result<FuzzyAlgorithm> algorithm(const Request& request) {
  const auto text = request.parameter("fuzz_alg").value_or("");
  if (text.empty() || text == "subsequence") return FuzzyAlgorithm::kSubsequence;
  if (text == "jarowinkler") return FuzzyAlgorithm::kJaroWinkler;
  return refused(fmt::format("unsupported fuzz_alg {}: must be one of [subsequence jarowinkler]",
                             quote(text)));
}

Result<SearchOrder> order(const Request& request, bool has_terms) {
  const auto by = request.parameter("sort_by").value_or("");
  const auto direction = request.parameter("sort_dir").value_or("");
  if (!by.empty() && by != "alpha" && by != "score")
    return refused(fmt::format("invalid sort_by {}: must be \"alpha\" or \"score\"", quote(by)));
  if (!direction.empty() && by.empty())
    return refused("sort_dir is only valid when sort_by is set");
  if (!direction.empty() && by == "score")
    return refused("sort_dir is not supported for sort_by=score");
  if (!direction.empty() && direction != "asc" && direction != "dsc")
    return refused(
        fmt::format("invalid sort_dir {}: must be \"asc\" or \"dsc\"", quote(direction)));
  if (by == "score" && !has_terms) return refused("sort_by=score requires search[] to be set");
  if (by == "score") return SearchOrder::kBestFirst;
  return direction == "dsc" ? SearchOrder::kNameDescending : SearchOrder::kNameAscending;
}

Status check_terms(const std::vector<std::string>& terms) {
  if (terms.size() > kMostTerms)
    return refused(fmt::format("{} search[] are more than {}", terms.size(), kMostTerms));
  for (const auto& term : terms)
    if (term.size() > kMostTermBytes)
      return refused(
          fmt::format("a search[] of {} bytes is longer than {}", term.size(), kMostTermBytes));
  return {};
}

Result<SearchCall> read_call(const Request& request, Timestamp now) {
  SearchCall call;
  TRY(call.range.start_ms, time(request, "start", now - std::chrono::hours(1)));
  TRY(call.range.end_ms, time(request, "end", now));
  TRY(call.matching, api::match_parameters(request));
  call.search.terms = request.parameters("search[]");
  TRY_STATUS(check_terms(call.search.terms));
  TRY(const auto threshold, number(request, "fuzz_threshold", 100, "0-100"));
  call.search.threshold = static_cast<double>(threshold.value_or(0)) / 100;
  TRY(call.search.algorithm, algorithm(request));
  TRY(call.search.case_sensitive, flag(request, "case_sensitive", true));
  TRY(call.with_score, flag(request, "include_score", false));
  TRY(call.with_metadata, flag(request, "include_metadata", false));
  TRY(call.search.order, order(request, !call.search.terms.empty()));
  TRY(call.limit, count(request, "limit"));
  TRY(call.batch, count(request, "batch_size"));
  return call;
}

/// What is asked for, whatever it is called.
Result<std::vector<std::string>> candidates(std::string_view what, const Request& request,
                                            const SearchCall& call, const MetricReader& reader,
                                            const ReadLimits& limits) {
  if (what == "label_names") return reader.label_names(call.matching, call.range, limits);
  if (what == "metric_names")
    return reader.label_values(std::string(kMetricNameLabel), call.matching, call.range, limits);
  const auto label = request.parameter("label").value_or("");
  if (label.empty()) return refused("missing required parameter \"label\"");
  return reader.label_values(label, call.matching, call.range, limits);
}

/// The first description of each family.
std::map<std::string, Metadata> descriptions(const MetricReader& reader) {
  std::map<std::string, Metadata> by_family;
  for (auto& one : reader.metadata()) {
    auto family = one.family;
    by_family.try_emplace(std::move(family), std::move(one));
  }
  return by_family;
}

void append_member(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  out += fmt::format(",\"{}\":", name);
  append_json_string(out, value);
}

class Lines {
 public:
  Lines(const SearchCall& call, std::map<std::string, Metadata> described)
      : call_(call), described_(std::move(described)) {}

  std::string of(const std::vector<FoundName>& found) const {
    const auto shown = std::min(found.size(), call_.limit);
    std::string out;
    for (std::size_t first = 0; first < shown || first == 0; first += call_.batch) {
      out += "{\"results\":[";
      for (auto i = first; i < std::min(shown, first + call_.batch); ++i) {
        if (i > first) out += ',';
        append(out, found[i]);
      }
      out += "]}\n";
    }
    out += fmt::format("{{\"status\":\"success\",\"has_more\":{}}}\n", found.size() > shown);
    return out;
  }

 private:
  void append(std::string& out, const FoundName& found) const {
    out += "{\"name\":";
    append_json_string(out, found.name);
    if (call_.with_score) out += fmt::format(",\"score\":{}", found.score);
    if (const auto known = described_.find(found.name); known != described_.end()) {
      append_member(out, "type", known->second.type);
      append_member(out, "help", known->second.help);
      append_member(out, "unit", known->second.unit);
    }
    out += '}';
  }

  const SearchCall& call_;
  const std::map<std::string, Metadata> described_;
};

struct Endpoint {
  std::string_view pattern, get_operation, post_operation;
};

constexpr std::string_view kRoot = "/api/v1/search/";
constexpr Endpoint kEndpoints[] = {
    {"/api/v1/search/metric_names", "searchMetricNames", "postSearchMetricNames"},
    {"/api/v1/search/label_names", "searchLabelNames", "postSearchLabelNames"},
    {"/api/v1/search/label_values", "searchLabelValues", "postSearchLabelValues"},
};

}  // namespace

bool is_search_enabled(std::string_view features) {
  return std::ranges::any_of(split(features, ','),
                             [](std::string_view name) { return trimmed(name) == "search-api"; });
}

Response answer_search(std::string_view pattern, const Request& request, const MetricReader& reader,
                       Timestamp now, const promql::QueryLimits& limits) {
  const auto call = read_call(request, now);
  if (!call) return api::failure(400, "bad_data", call.error().message);
  const auto what = pattern.substr(kRoot.size());
  auto names = candidates(what, request, *call, reader, read_limits(limits));
  if (!names) return api::failure_of(reason_of(names.error(), limits));
  const auto found = search_names(std::move(*names), call->search);
  const bool is_described = call->with_metadata && what == "metric_names";
  const Lines lines(*call, is_described ? descriptions(reader) : std::map<std::string, Metadata>());
  return http::text_response(lines.of(found), 200, "application/x-ndjson; charset=utf-8");
}

std::vector<http::Route> search_routes(Runtime& runtime, const MetricReader& reader,
                                       RunningQueries& running, bool is_enabled) {
  std::vector<http::Route> routes;
  for (const auto& endpoint : kEndpoints) {
    for (const bool post : {false, true}) {
      http::Route route;
      route.method = post ? "POST" : "GET";
      route.pattern = endpoint.pattern;
      route.role = http::Role::kViewer;
      route.operation_id = post ? endpoint.post_operation : endpoint.get_operation;
      route.watches_peer = true;
      route.handler = [&runtime, &reader, &running, is_enabled, pattern = endpoint.pattern](
                          const Request& request, http::Reply reply) {
        if (!is_enabled)
          return reply(api::failure(
              503, "unavailable",
              "search API disabled: start the server with --enable-feature=search-api"));
        answer_in_turn(running, request, std::move(reply),
                       [&runtime, &reader, pattern, request](const promql::QueryLimits& limits) {
                         return answer_search(pattern, request, reader, runtime.clock.now(),
                                              limits);
                       });
      };
      routes.push_back(std::move(route));
    }
  }
  return routes;
}

}  // namespace wellrun::telemetry
