#include "health/verdict/canary_stream.h"

#include <cmath>
#include <fmt/format.h>
#include <simdjson.h>

#include "core/json.h"
#include "core/text.h"

namespace wellrun::health {
namespace {

constexpr std::size_t kLongestMetric_bytes = 200;
constexpr double kLatest_s = 1e12;

namespace dom = simdjson::dom;

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

Result<double> number(const dom::object& row, const char* field) {
  double found = 0;
  auto member = row[field];
  if (member.error() != simdjson::SUCCESS) return bad(fmt::format("the row has no \"{}\"", field));
  if (!member.value().is_number() || member.get(found) != simdjson::SUCCESS ||
      !std::isfinite(found))
    return bad(fmt::format("\"{}\" is not a finite number", field));
  return found;
}

Result<std::string_view> text(const dom::object& row, const char* field) {
  std::string_view found;
  if (row[field].get(found) != simdjson::SUCCESS)
    return bad(fmt::format("the row has no text in \"{}\"", field));
  return found;
}

Result<Group> group_of(const dom::object& row) {
  TRY(const auto name, text(row, "group"));
  if (name == "baseline") return Group::kBaseline;
  if (name == "canary") return Group::kCanary;
  return bad(fmt::format("\"group\" is {}: it is \"baseline\" or \"canary\"",
                         quote(name.substr(0, kLongestMetric_bytes))));
}

Result<EventCount> count_of(const dom::object& row) {
  TRY(const double events, number(row, "num"));
  TRY(const double exposure, number(row, "den"));
  if (events < 0 || exposure < 0 || events > exposure)
    return bad(fmt::format("{:g} of {:g}: \"num\" lies between 0 and \"den\"", events, exposure));
  return EventCount{events, exposure};
}

Result<CanaryRow> row_of(const dom::object& object) {
  CanaryRow row;
  TRY(row.time_s, number(object, "t"));
  if (std::abs(row.time_s) > kLatest_s) return bad("\"t\" is not seconds since the start");
  TRY(const auto metric, text(object, "metric"));
  if (metric.empty() || metric.size() > kLongestMetric_bytes)
    return bad(fmt::format("\"metric\" has {} bytes: 1 to {} are allowed", metric.size(),
                           kLongestMetric_bytes));
  row.metric = metric;
  TRY(row.group, group_of(object));
  auto value = object["value"];
  const bool counts =
      object["num"].error() == simdjson::SUCCESS || object["den"].error() == simdjson::SUCCESS;
  if (counts == (value.error() == simdjson::SUCCESS))
    return bad("a row has either \"value\" or \"num\" and \"den\"");
  if (counts) {
    TRY(row.reading, count_of(object));
  } else if (!value.value().is_null()) {
    TRY(row.reading, number(object, "value"));
  }
  return row;
}

Json tally_json(const GroupTally& tally) {
  Json json{{"rows", tally.rows}, {"missing", tally.missing}};
  if (tally.exposure > 0) {
    json["num"] = tally.events;
    json["den"] = tally.exposure;
  }
  return json;
}

Json metric_json(const MetricVerdict& metric) {
  Json json{{"metric", metric.metric},
            {"state", state_of(metric.finding)},
            {"reason", metric.reason},
            {"test", metric.test},
            {"threshold", metric.threshold},
            {"baseline", tally_json(metric.baseline)},
            {"canary", tally_json(metric.canary)},
            {"evidence", metric.evidence},
            {"fails_at", metric.fails_at},
            {"window_s", metric.window_s},
            {"change", metric.change}};
  if (is_inconclusive(metric.finding)) json["doubt"] = doubt_of(metric.finding);
  return json;
}

}  // namespace

class CanaryStream::Parser {
 public:
  Result<CanaryRow> parse(std::string_view line) {
    dom::element root;
    if (const auto problem = parser_.parse(line.data(), line.size()).get(root))
      return bad(fmt::format("the line is not JSON: {}", simdjson::error_message(problem)));
    dom::object object;
    if (root.get(object) != simdjson::SUCCESS) return bad("the line is not a JSON object");
    return row_of(object);
  }

 private:
  dom::parser parser_;
};

CanaryStream::CanaryStream(JudgePolicy policy)
    : parser_(std::make_unique<Parser>()), judge_(std::move(policy)) {}

CanaryStream::~CanaryStream() = default;

CanaryAnswer CanaryStream::read(std::string_view line) {
  if (trimmed(line).empty()) return {};
  const auto row = parsed(line);
  if (!row) return {.taken = std::unexpected(row.error())};
  const auto verdict = judge_.advance(row->time_s);
  if (!verdict) return {.taken = std::unexpected(verdict.error())};
  CanaryAnswer answer{.taken = take(*row)};
  if (*verdict) answer.verdict = to_line(**verdict);
  return answer;
}

Result<CanaryRow> CanaryStream::parsed(std::string_view line) {
  if (line.size() > kLongestLine_bytes)
    return bad(
        fmt::format("the line has {} bytes: at most {} are read", line.size(), kLongestLine_bytes));
  return parser_->parse(line);
}

Status CanaryStream::take(const CanaryRow& row) {
  if (const auto* count = std::get_if<EventCount>(&row.reading))
    return judge_.add_count(row.metric, row.group, *count);
  return judge_.add_value(row.metric, row.group, std::get<std::optional<double>>(row.reading));
}

std::string CanaryStream::finish() {
  return to_line(judge_.finish());
}

std::string to_line(const Verdict& verdict) {
  Json metrics = Json::array();
  for (const auto& metric : verdict.metrics) metrics.push_back(metric_json(metric));
  Json json{{"t", verdict.time_s},
            {"verdict", name_of(verdict.decision)},
            {"state", state_of(verdict.finding)},
            {"reason", verdict.reason},
            {"metrics", std::move(metrics)}};
  if (is_inconclusive(verdict.finding)) json["doubt"] = doubt_of(verdict.finding);
  return to_text(json);
}

}  // namespace wellrun::health
