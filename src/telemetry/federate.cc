#include "telemetry/federate.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/promql/parser.h"
#include "telemetry/query_json.h"

namespace wellrun::telemetry {
namespace {

constexpr std::int64_t kLookbackMs = 300'000;

bool is_plain(std::string_view name, bool colon) {
  const auto start = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
  };
  return !name.empty() && start(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return start(c) || (c >= '0' && c <= '9'); });
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || c == '"')
      out += {'\\', c};
    else
      out += c;
  }
  return out;
}

std::string name_in_braces(std::string_view name) {
  return is_plain(name, false) ? std::string(name) : "\"" + escaped(name) + "\"";
}

/// `name{label="value"} 1 1000`; a name that is not plain stands in quotes inside the braces.
void append_line(std::string& out, const Labels& labels, const Sample& sample) {
  const auto metric = labels.metric_name();
  const bool plain = is_plain(metric, true);
  if (plain) out += metric;
  std::string inside = plain ? "" : "\"" + escaped(metric) + "\"";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!inside.empty()) inside += ',';
    inside += name_in_braces(name) + "=\"" + escaped(value) + "\"";
  };
  for (const auto& label : labels)
    if (label.name != kMetricNameLabel) add(label.name, label.value);
  if (!labels.has("instance"))
    add("instance", "");  // so that the scraper's does not take its place
  out += "{" + inside + "} ";
  append_sample_value(out, sample.value);
  out += fmt::format(" {}\n", sample.time_ms);
}

/// Every match[]; {} is everything, which the query API refuses but this one hands over.
Result<std::vector<std::vector<Matcher>>> asked_for(const http::Request& request) {
  std::vector<std::vector<Matcher>> sets;
  for (const auto& value : request.parameters("match[]")) {
    TRY(auto set, promql::parse_selector(value, promql::MatchAll::kAllowed));
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace

http::Response answer_federate(const http::Request& request, const MetricReader& reader,
                               Timestamp now, const ReadLimits& limits) {
  const auto sets = asked_for(request);
  if (!sets) return http::text_response(sets.error().message + "\n", 400);
  std::map<Labels, Sample> newest;
  const TimeRange range{to_unix_ms(now) - kLookbackMs + 1, to_unix_ms(now)};
  for (const auto& set : *sets) {
    const auto found = reader.select(set, range, limits);
    if (!found)
      return http::text_response(to_string(found.error()) + "\n",
                                 http::http_status_of(found.error().code));
    for (const auto& series : *found) {
      if (series.samples.empty() || is_stale_marker(series.samples.back().value)) continue;
      if (!series.histograms.empty() &&
          series.histograms.back().time_ms > series.samples.back().time_ms)
        continue;
      newest[series.labels] = series.samples.back();
    }
  }
  std::map<std::string_view, std::string> by_name;
  for (const auto& [labels, sample] : newest)
    append_line(by_name[labels.metric_name()], labels, sample);
  std::string out;
  for (const auto& [name, lines] : by_name) {
    out += "# TYPE " + (is_plain(name, true) ? std::string(name) : "\"" + escaped(name) + "\"") +
           " untyped\n" + lines;
  }
  return http::text_response(std::move(out), 200, "text/plain; version=0.0.4; charset=utf-8");
}

std::vector<http::Route> federate_routes(Runtime& runtime, const MetricReader& reader,
                                         RunningQueries& running) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/federate";
  route.role = http::Role::kViewer;
  route.operation_id = "federate";
  route.watches_peer = true;
  route.handler = [&runtime, &reader, &running](const http::Request& request, http::Reply reply) {
    answer_in_turn(running, request, std::move(reply),
                   [&runtime, &reader, request](const promql::QueryLimits& limits) {
                     return answer_federate(request, reader, runtime.clock.now(),
                                            read_limits(limits));
                   });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::telemetry
