#include "health/watch/watch_api.h"

#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "facts/health.h"

namespace wellrun::health::watch {
namespace {

constexpr std::int64_t kMostPoints = 1000;  ///< of one history
constexpr Duration kDay = std::chrono::hours(24);

Json number(double value) {
  return facts::number_json(value);
}

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

constexpr std::int64_t kPointsToLearn = 60;

Json anomaly_json(const Anomaly& anomaly) {
  return {{"from", format_rfc3339(anomaly.from)},
          {"to", format_rfc3339(anomaly.to)},
          {"open", anomaly.open},
          {"score", anomaly.score},
          {"part", anomaly.part},
          {"why", anomaly.why}};
}

/// What is said of the newest point in words, whatever it is.
std::string explanation_of(const WatchReading& watch, const SeriesReading& series) {
  if (watch.catching_up) return "catching up on stored history";
  if (series.phase == "silent") return "no value since " + format_rfc3339(series.last_value_time);
  if (series.phase == "learning")
    return series.points < kPointsToLearn
               ? fmt::format("learning: {} points of {}", series.points, kPointsToLearn)
               : fmt::format("learning: too few of {} points are numbers", series.points);
  if (const auto* anomaly = series.open_anomaly(); anomaly != nullptr) return anomaly->why;
  if (!series.latest) return "";
  return fmt::format("as usual: {:.4g}, and {:.4g}..{:.4g} is expected", series.latest->value,
                     series.latest->expected.lower, series.latest->expected.upper);
}

Json series_json(const WatchReading& watch, const SeriesReading& series) {
  Json json{{"id", series.id},
            {"watch", watch.watch.key},
            {"workload", watch.watch.workload},
            {"metric", series.identity.get("metric")},
            {"labels", labels_json(series.identity)},
            {"phase", watch.catching_up ? "learning" : series.phase},
            {"nature", series.nature},
            {"points", series.points},
            {"step_seconds", to_seconds(series.step)},
            {"time", format_rfc3339(series.last_value_time)},
            {"value", nullptr},
            {"expected", nullptr},
            {"lower", nullptr},
            {"upper", nullptr},
            {"score", nullptr},
            {"since", nullptr},
            {"explanation", explanation_of(watch, series)}};
  if (series.latest) {
    const auto& point = *series.latest;
    json["value"] = number(point.value);
    if (point.seen.phase == baseline::Phase::kWatching) {
      json["expected"] = number(point.expected.expected);
      json["lower"] = number(point.expected.lower);
      json["upper"] = number(point.expected.upper);
      json["score"] = point.seen.score;
    }
  }
  if (const auto* anomaly = series.open_anomaly(); anomaly != nullptr)
    json["since"] = format_rfc3339(anomaly->from);
  return json;
}

Json watch_json(const WatchReading& watch) {
  return {{"key", watch.watch.key},
          {"workload", watch.watch.workload},
          {"query", watch.watch.promql},
          {"interval", format_duration(watch.watch.interval)},
          {"read_to", format_rfc3339(watch.read_to)},
          {"catching_up", watch.catching_up},
          {"series", watch.series.size()},
          {"refused", watch.refused},
          {"error", watch.error}};
}

/// One with what was learned and how it went.
Json whole_json(const WatchReading& watch, const SeriesReading& series) {
  auto json = series_json(watch, series);
  json["season"] = {{"none", series.season.none},
                    {"daily", series.season.daily},
                    {"weekly", series.season.weekly}};
  json["level_changed_at"] =
      series.level_changed_at ? Json(format_rfc3339(*series.level_changed_at)) : Json();
  json["anomalies"] = Json::array();
  for (const auto& anomaly : series.anomalies) json["anomalies"].push_back(anomaly_json(anomaly));
  json["watched_by"] = watch_json(watch);
  return json;
}

Error unknown(std::string_view id) {
  return {ErrorCode::kNotFound,
          fmt::format("no baseline {}; GET /api/v1/baselines lists them", quote(id)), "id"};
}

/// On a worker: ten thousand series are a long answer, and readings never change.
http::Response list(const std::vector<WatchReadingPointer>& readings,
                    const http::Request& request) {
  const auto workload = request.parameter("workload");
  const auto key = request.parameter("watch");
  const auto phase = request.parameter("phase");
  Json items = Json::array(), watches = Json::array();
  for (const auto& reading : readings) {
    if ((workload && reading->watch.workload != *workload) || (key && reading->watch.key != *key))
      continue;
    watches.push_back(watch_json(*reading));
    for (const auto& series : reading->series) {
      auto json = series_json(*reading, series);
      if (!phase || json["phase"] == *phase) items.push_back(std::move(json));
    }
  }
  return http::json_response({{"items", std::move(items)}, {"watches", std::move(watches)}});
}

http::Response show(const WatchService& service, const http::Request& request) {
  const auto& id = request.path_parameters.at("id");
  const auto [reading, index] = service.find(id);
  if (!reading) return http::problem_response(unknown(id));
  return http::json_response(whole_json(*reading, reading->series[index]));
}

struct Span {
  Timestamp start, end;
  Duration step{0};
};

Result<Timestamp> time_parameter(const http::Request& request, std::string_view name,
                                 Timestamp otherwise) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  auto time = parse_rfc3339(*text);
  if (!time) return fail(ErrorCode::kInvalid, time.error().message, std::string(name));
  return *time;
}

Result<Span> span_of(const http::Request& request, Duration own_step, Timestamp now) {
  Span span;
  TRY(span.end, time_parameter(request, "end", now));
  TRY(span.start, time_parameter(request, "start", span.end - kDay));
  if (span.start >= span.end)
    return fail(ErrorCode::kInvalid,
                fmt::format("start {} must be before end {}", format_rfc3339(span.start),
                            format_rfc3339(span.end)),
                "start");
  span.step = std::max({own_step, (span.end - span.start) / kMostPoints, Duration{1000}});
  return span;
}

std::string selector_of(const Labels& identity, const char* what) {
  std::string text = fmt::format("{{__name__=\"wellrun:baseline:{}\"", what);
  for (const auto& label : identity)
    text += fmt::format(",{}={}", quote(label.name), quote(label.value));
  return text + "}";
}

/// Time to value, of the one series that has exactly this identity.
Result<std::map<std::int64_t, double>> course(const telemetry::promql::Engine& engine,
                                              const Labels& identity, const char* what,
                                              const Span& span) {
  const bool worst = std::string_view(what) == "score";
  const auto promql = fmt::format("{}({}[{}])", worst ? "max_over_time" : "last_over_time",
                                  selector_of(identity, what),
                                  format_duration(std::max(span.step, Duration{1000})));
  TRY(const auto result, engine.range(promql, span.start, span.end, span.step));
  std::map<std::int64_t, double> values;
  for (const auto& series : result.series) {
    auto labels = series.labels;
    labels.remove(kMetricNameLabel);
    if (labels != identity) continue;
    for (const auto& sample : series.samples) values[sample.time_ms] = sample.value;
  }
  return values;
}

Result<Json> history_json(const telemetry::promql::Engine& engine, const Labels& identity,
                          const Span& span) {
  Json json{{"start", format_rfc3339(span.start)},
            {"end", format_rfc3339(span.end)},
            {"step_seconds", to_seconds(span.step)},
            {"points", Json::array()}};
  std::map<std::int64_t, Json> points;
  for (const auto* what : {"value", "expected", "lower", "upper", "score"}) {
    TRY(const auto values, course(engine, identity, what, span));
    for (const auto& [time, value] : values) points[time][what] = number(value);
  }
  for (auto& [time, point] : points) {
    point["time"] = format_rfc3339(from_unix_ms(time));
    json["points"].push_back(std::move(point));
  }
  return json;
}

void answer_history(const Runtime& runtime, const WatchService& service,
                    const telemetry::promql::Engine& engine, const http::Request& request,
                    http::Reply reply) {
  const auto& id = request.path_parameters.at("id");
  const auto [reading, index] = service.find(id);
  if (!reading) return reply(http::problem_response(unknown(id)));
  const auto span = span_of(request, reading->series[index].step, runtime.clock.now());
  if (!span) return reply(http::problem_response(span.error()));
  runtime.workers.run([reading, index, span = *span, &engine, reply = std::move(reply)]() mutable {
    const auto& series = reading->series[index];
    auto json = history_json(engine, series.identity, span);
    if (!json) return reply(http::problem_response(json.error()));
    (*json)["anomalies"] = Json::array();
    for (const auto& anomaly : series.anomalies)
      if (anomaly.to >= span.start && anomaly.from <= span.end)
        (*json)["anomalies"].push_back(anomaly_json(anomaly));
    reply(http::json_response(*json));
  });
}

}  // namespace

std::vector<http::Route> watch_routes(Runtime runtime, const WatchService& service,
                                      const telemetry::promql::Engine& engine) {
  const auto route = [](const char* pattern, const char* operation, http::Handler handler) {
    return http::Route{.method = "GET",
                       .pattern = pattern,
                       .role = http::Role::kViewer,
                       .operation_id = operation,
                       .handler = std::move(handler)};
  };
  return {route("/api/v1/baselines", "listBaselines",
                http::on_strand_later(
                    runtime.strand,
                    [runtime, &service](const http::Request& request, http::Reply reply) {
                      runtime.workers.run(
                          [readings = service.readings(), request,
                           reply = std::move(reply)]() mutable { reply(list(readings, request)); });
                    })),
          route("/api/v1/baselines/{id}", "getBaseline",
                http::on_strand(runtime.strand,
                                [&service](const http::Request& r) { return show(service, r); })),
          route("/api/v1/baselines/{id}/history", "getBaselineHistory",
                http::on_strand_later(
                    runtime.strand,
                    [runtime, &service, &engine](const http::Request& request, http::Reply reply) {
                      answer_history(runtime, service, engine, request, std::move(reply));
                    }))};
}

}  // namespace wellrun::health::watch
