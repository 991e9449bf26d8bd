#include "health/alert_template.h"

#include <algorithm>

#include "health/template/interpreter.h"
#include "health/template/parser.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::health {
namespace {

using templates::Value;

constexpr std::size_t kMaxBytes = 16 * 1024;

const std::vector<std::string> kVariables = {"$labels", "$value", "$externalLabels",
                                             "$externalURL"};

Result<templates::Template> parsed(std::string_view text) {
  if (text.size() <= kMaxBytes) return templates::parse(text, kVariables);
  return fail(ErrorCode::kTooLarge,
              fmt::format("a template of {} bytes; at most {} are read", text.size(), kMaxBytes));
}

std::map<std::string, std::string> map_of(const Labels& labels) {
  std::map<std::string, std::string> map;
  for (const auto& label : labels) map.emplace(label.name, label.value);
  return map;
}

/// "{count:4, sum:5, (0.5,1]:1, (1,2]:3}". Source: Prometheus' FloatHistogram.String().
std::string text_of(const telemetry::Histogram& histogram) {
  using templates::shortest;
  auto text = fmt::format("{{count:{}, sum:{}", shortest(histogram.count), shortest(histogram.sum));
  for (const auto& bucket : telemetry::promql::all_buckets(histogram)) {
    if (bucket.count == 0) continue;
    text += fmt::format(", {}{},{}{}:{}", bucket.lower_inclusive ? '[' : '(',
                        shortest(bucket.lower), shortest(bucket.upper),
                        bucket.upper_inclusive ? ']' : ')', shortest(bucket.count));
    if (text.size() > templates::kMostText) break;
  }
  return text + "}";
}

templates::Environment environment_of(const TemplateData& data) {
  templates::Environment environment;
  environment.now = data.now;
  environment.external_url = data.external_url;
  if (!data.query) return environment;
  environment.query = [&query = data.query](const std::string& promql) -> Result<Value> {
    TRY(const auto answer, query(promql));
    templates::List list;
    for (const auto& each : answer.series)
      list.push_back(templates::query_sample(map_of(each.labels), each.value));
    for (const auto& each : answer.histograms)
      list.push_back(templates::query_sample(map_of(each.labels), text_of(*each.histogram)));
    return Value(std::move(list));
  };
  return environment;
}

}  // namespace

Result<std::string> expand_template(std::string_view text, const TemplateData& data) {
  if (!text.contains("{{")) return std::string(text);
  TRY(const auto tree, parsed(text));
  const auto labels = templates::text_map(map_of(data.labels));
  const auto external_labels = templates::text_map(data.external_labels);
  templates::Fields root;
  root.is_struct = true;
  root.type = "the alert's data";
  root.items = {{"Labels", labels},
                {"ExternalLabels", external_labels},
                {"ExternalURL", data.external_url},
                {"Value", data.value}};
  return templates::run(tree, Value(std::move(root)),
                        {{"$labels", labels},
                         {"$value", data.value},
                         {"$externalLabels", external_labels},
                         {"$externalURL", data.external_url}},
                        environment_of(data));
}

Status check_template(std::string_view text) {
  auto tree = parsed(text);
  if (!tree) return std::unexpected(tree.error());
  return {};
}

TemplateQuery TemplateQueries::port() {
  return [this](const std::string& promql) -> Result<telemetry::InstantResult> {
    if (const auto known = answers_.find(promql); known != answers_.end()) return known->second;
    if (answers_.size() + open_.size() >= kMost)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("templates of one evaluation ask more than {} queries", kMost));
    if (std::ranges::find(open_, promql) == open_.end()) open_.push_back(promql);
    return fail(ErrorCode::kUnavailable, "the answer is not there yet");
  };
}

std::vector<std::string> TemplateQueries::take_open() {
  return std::exchange(open_, {});
}

void TemplateQueries::put(const std::string& promql, Result<telemetry::InstantResult> answer) {
  answers_.insert_or_assign(promql, std::move(answer));
}

}  // namespace wellrun::health
