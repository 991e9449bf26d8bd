#include "health/forecast/forecast_api.h"

#include <cmath>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::health::forecast {
namespace {

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json json_of(const Outlook& outlook) {
  const auto& subject = outlook.subject;
  Json labels = Json::object();
  for (const auto& [name, value] : subject.labels) labels[name] = value;
  Json json{{"id", outlook.id()},
            {"key", subject.key},
            {"kind", subject.kind},
            {"workload", subject.workload},
            {"what", subject.what},
            {"unit", subject.unit},
            {"labels", std::move(labels)},
            {"bound", subject.bound},
            {"falling", subject.falling},
            {"now", outlook.now ? facts::number_json(*outlook.now) : Json()},
            {"beyond", outlook.is_beyond},
            {"warns", outlook.warns},
            {"expected", time_or_null(outlook.crossing.expected)},
            {"earliest", time_or_null(outlook.crossing.earliest)},
            {"latest", time_or_null(outlook.crossing.latest)},
            {"text", outlook.text},
            {"error", outlook.error},
            {"backtest", nullptr}};
  if (outlook.forecast) {
    const auto& forecast = *outlook.forecast;
    json["backtest"] = {{"method", name_of(forecast.method)},
                        {"error", forecast.error},
                        {"stays_error", forecast.stays_error},
                        {"tries", forecast.tries}};
  }
  return json;
}

Json whole_json(const Outlook& outlook) {
  auto json = json_of(outlook);
  json["history"] = Json::array();
  for (std::size_t i = 0; i < outlook.history.values.size(); ++i) {
    if (std::isfinite(outlook.history.values[i]))
      json["history"].push_back({{"time", format_rfc3339(outlook.history.time_of(i))},
                                 {"value", outlook.history.values[i]}});
  }
  json["points"] = Json::array();
  if (outlook.forecast) {
    for (const auto& point : outlook.forecast->points)
      json["points"].push_back({{"time", format_rfc3339(point.time)},
                                {"expected", point.expected},
                                {"lower", point.lower},
                                {"upper", point.upper}});
  }
  return json;
}

http::Response list(const ForecastService& service, const http::Request& request) {
  const auto workload = request.parameter("workload");
  const auto kind = request.parameter("kind");
  Json items = Json::array();
  const auto outlooks = service.outlooks();
  for (const auto& each : *outlooks) {
    if ((workload && each.subject.workload != *workload) || (kind && each.subject.kind != *kind))
      continue;
    items.push_back(json_of(each));
  }
  const bool made = service.made_at() != Timestamp{};
  return http::json_response(
      {{"items", std::move(items)},
       {"made_at", made ? Json(format_rfc3339(service.made_at())) : Json()}});
}

http::Response show(const ForecastService& service, const http::Request& request) {
  const auto& id = request.path_parameters.at("id");
  const auto outlooks = service.outlooks();
  for (const auto& each : *outlooks)
    if (each.id() == id) return http::json_response(whole_json(each));
  return http::problem_response(
      {ErrorCode::kNotFound,
       fmt::format("no forecast {}; GET /api/v1/forecasts lists them", quote(id)), "id"});
}

}  // namespace

std::vector<http::Route> forecast_routes(Runtime runtime, const ForecastService& service) {
  const auto route = [&](const char* pattern, const char* operation,
                         http::Response (*answer)(const ForecastService&, const http::Request&)) {
    return http::Route{.method = "GET",
                       .pattern = pattern,
                       .role = http::Role::kViewer,
                       .operation_id = operation,
                       .handler = http::on_strand(runtime.strand,
                                                  [&service, answer](const http::Request& request) {
                                                    return answer(service, request);
                                                  })};
  };
  return {route("/api/v1/forecasts", "listForecasts", list),
          route("/api/v1/forecasts/{id}", "getForecast", show)};
}

}  // namespace wellrun::health::forecast
