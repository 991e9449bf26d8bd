#include "telemetry/federate.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/exposition_format.h"
#include "telemetry/promql/parser.h"
#include "telemetry/query_json.h"
#include "telemetry/scrape/exposition_writer.h"

namespace wellrun::telemetry {
namespace {

constexpr std::int64_t kLookbackMs = 300'000;

/// The labels as they are written: escaped, without __name__, with an instance so that the
/// scraper's does not take its place. Of labels whose names become one, the first stays.
std::vector<Label> written_labels(const Labels& labels, Escaping escaping) {
  std::vector<Label> out;
  for (const auto& label : labels) {
    if (label.name == kMetricNameLabel) continue;
    auto name = escaped_name(label.name, NameOf::kLabel, escaping);
    if (std::ranges::find(out, name, &Label::name) == out.end())
      out.push_back({std::move(name), label.value});
  }
  if (!labels.has("instance")) out.push_back({"instance", ""});
  return out;
}

/// `name{label="value"} 1 1000`; a name that is not plain stands in quotes inside the braces.
void append_line(std::string& out, std::string_view metric, const std::vector<Label>& labels,
                 const Sample& sample) {
  const bool plain = is_plain_name(metric, NameOf::kMetric);
  if (plain) out += metric;
  std::string inside = plain ? "" : exposed_text(metric);
  for (const auto& [name, value] : labels) {
    if (!inside.empty()) inside += ',';
    inside += is_plain_name(name, NameOf::kLabel) ? name : exposed_text(name);
    inside += "=" + exposed_text(value);
  }
  out += "{" + inside + "} ";
  append_sample_value(out, sample.value);
  out += fmt::format(" {}\n", sample.time_ms);
}

/// A sample of floats, or of a native histogram.
struct NewestSample {
  Sample sample;                               ///< of a histogram the time only
  std::shared_ptr<const Histogram> histogram;  ///< null: floats
};

using Newest = std::map<Labels, NewestSample>;

/// Native histograms, which the text cannot hold, are left out.
std::string text_of(const Newest& newest, Escaping escaping) {
  std::map<std::string, std::string> by_name;
  for (const auto& [labels, one] : newest) {
    if (one.histogram) continue;
    auto name = escaped_name(labels.metric_name(), NameOf::kMetric, escaping);
    append_line(by_name[name], name, written_labels(labels, escaping), one.sample);
  }
  std::string out;
  for (const auto& [name, lines] : by_name)
    out += "# TYPE " + (is_plain_name(name, NameOf::kMetric) ? name : exposed_text(name)) +
           " untyped\n" + lines;
  return out;
}

/// Each series as a metric of its family: untyped, a histogram, or one that is a gauge.
std::string protobuf_of(const Newest& newest, Escaping escaping) {
  scrape::FamilyWriter families;
  for (const auto& [labels, one] : newest) {
    const auto name = escaped_name(labels.metric_name(), NameOf::kMetric, escaping);
    const auto written = written_labels(labels, escaping);
    if (one.histogram)
      families.add(name, written, {one.sample.time_ms, one.histogram});
    else
      families.add(name, written, one.sample);
  }
  return std::move(families).finish();
}

/// The newest sample of the series; std::nullopt: there is none, or the series ended with it.
std::optional<NewestSample> newest_of(const SeriesData& series) {
  const auto& floats = series.samples;
  const auto& histograms = series.histograms;
  if (floats.empty() && histograms.empty()) return std::nullopt;
  const bool is_float =
      histograms.empty() || (!floats.empty() && floats.back().time_ms > histograms.back().time_ms);
  if (is_float) {
    if (is_stale_marker(floats.back().value)) return std::nullopt;
    return NewestSample{floats.back(), nullptr};
  }
  const auto& last = histograms.back();
  if (is_stale_marker(last.histogram->sum)) return std::nullopt;
  return NewestSample{{last.time_ms, 0}, last.histogram};
}

std::string content_type_of(const ExpositionFormat& format) {
  return fmt::format("{}; escaping={}", telemetry::content_type_of(format.kind),
                     name_of(format.escaping));
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
  Newest newest;
  const TimeRange range{to_unix_ms(now) - kLookbackMs + 1, to_unix_ms(now)};
  for (const auto& set : *sets) {
    const auto found = reader.select(set, range, limits);
    if (!found)
      return http::text_response(to_string(found.error()) + "\n",
                                 http::http_status_of(found.error().code));
    for (const auto& series : *found) {
      if (series.labels.metric_name().empty()) continue;
      if (auto one = newest_of(series)) newest[series.labels] = std::move(*one);
    }
  }
  constexpr ExpositionKind kOffered[] = {ExpositionKind::kText, ExpositionKind::kText100,
                                         ExpositionKind::kProtobuf};
  const auto format = negotiate(request.header("Accept"), kOffered);
  const bool is_protobuf = format.kind == ExpositionKind::kProtobuf;
  return http::text_response((is_protobuf ? protobuf_of : text_of)(newest, format.escaping), 200,
                             content_type_of(format));
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
