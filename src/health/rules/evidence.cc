#include "health/rules/evidence.h"

#include <algorithm>
#include <cmath>

#include "facts/health.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::rules {
namespace {

namespace promql = telemetry::promql;

constexpr std::size_t kLongestPart = 512;
constexpr std::size_t kMostLabels = 20;

class Parts {
 public:
  std::vector<std::string> of(const promql::Expr& whole) {
    inside(promql::unwrapped(whole));
    return std::move(found_);
  }

 private:
  void part(const promql::Expr& written) {
    const auto& expr = promql::unwrapped(written);
    const bool has_value =
        expr.type == promql::ValueType::kVector || expr.type == promql::ValueType::kScalar;
    if (!has_value || expr.as<promql::NumberLiteral>() != nullptr || found_.size() >= kMostParts)
      return;
    const auto text = promql::to_string(expr);
    if (text.size() <= kLongestPart && std::ranges::find(found_, text) == found_.end())
      found_.push_back(text);
    inside(expr);
  }

  void inside(const promql::Expr& expr) {
    if (const auto* binary = expr.as<promql::Binary>()) {
      part(*binary->left);
      part(*binary->right);
    } else if (const auto* aggregate = expr.as<promql::Aggregate>()) {
      part(*aggregate->expr);
    } else if (const auto* call = expr.as<promql::Call>()) {
      for (const auto& argument : call->args) part(*argument);
    } else if (const auto* unary = expr.as<promql::Unary>()) {
      part(*unary->expr);
    }
  }

  std::vector<std::string> found_;
};

bool agrees(const Labels& series, const AlertRule& rule, const ActiveAlert& alert) {
  return std::ranges::all_of(series, [&](const Label& label) {
    const auto of_alert = alert.labels.get(label.name);
    return label.name == kMetricNameLabel || of_alert.empty() || rule.labels.contains(label.name) ||
           of_alert == label.value;
  });
}

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) {
    if (json.size() < kMostLabels) json[name] = value;
  }
  return json;
}

}  // namespace

std::vector<std::string> parts_of(std::string_view text) {
  const auto parsed = promql::parse(text);
  if (!parsed) return {};
  return Parts().of(**parsed);
}

Json part_evidence(const std::string& expr, const Result<telemetry::InstantResult>& result,
                   const AlertRule& rule, const ActiveAlert& alert) {
  if (!result) return {{"expr", expr}, {"error", result.error().message}};
  std::vector<const telemetry::InstantSeries*> matching;
  for (const auto& series : result->series) {
    if (agrees(series.labels, rule, alert)) matching.push_back(&series);
  }
  std::ranges::stable_sort(matching, std::greater<>(), [](const auto* series) {
    return std::isnan(series->value) ? -1.0 : std::abs(series->value);
  });
  Json shown = Json::array();
  for (const auto* series : matching) {
    if (shown.size() == kMostPartSeries) break;
    shown.push_back(
        {{"labels", labels_json(series->labels)}, {"value", facts::number_json(series->value)}});
  }
  return {{"expr", expr}, {"series", std::move(shown)}, {"count", matching.size()}};
}

}  // namespace wellrun::health::rules
