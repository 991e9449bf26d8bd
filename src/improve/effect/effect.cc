#include "improve/effect/effect.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <re2/re2.h>

#include "core/text.h"
#include "telemetry/promql/parser.h"

namespace wellrun::improve {
namespace {

constexpr Duration kShortest = std::chrono::hours(2), kLongest = std::chrono::hours(42 * 24);
constexpr std::array<std::string_view, 4> kKinds{"rate", "ratio", "duration", "value"};
constexpr double kLargestEffect = 10;

Status check_metric(const std::string& metric, const char* field) {
  static const RE2 kName("[a-z0-9]([-a-z0-9.]*[a-z0-9])?");
  const auto parsed = telemetry::promql::parse(metric);
  if (parsed && telemetry::promql::selectors_of(**parsed).empty())
    return fail(ErrorCode::kInvalid,
                quote(metric) +
                    " reads no series, so it measures nothing; say the name of a Kpi, "
                    "or PromQL with a metric in it",
                field);
  // What is no PromQL may be a Kpi's name, and that Kpi may be applied later.
  if (!parsed && !RE2::FullMatch(metric, kName))
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is neither the name of a Kpi nor PromQL: {}", quote(metric),
                            parsed.error().message),
                field);
  return {};
}

Timestamp time_of(const EffectWatch& watch, int look) {
  const auto length = parse_duration(watch.expects.watch).value_or(kShortest);
  return watch.changed_at + length * look / kLooks;
}

facts::EffectVerdict no_verdict(const journal::Intent& intent, const std::string& why) {
  facts::EffectVerdict verdict;
  verdict.state = "inconclusive";
  verdict.doubt = "no data";
  verdict.reason = why;
  verdict.changed = text_or(intent.request, "changed");
  verdict.until = format_rfc3339(intent.not_before);
  verdict.last = intent.request.at("look").get<int>() >= kLooks;
  return verdict;
}

}  // namespace

facts::Expectation expectation_of(const Json& body) {
  const facts::Expectation usual;
  return {.metric = text_or(body, "metric"),
          .control = text_or(body, "control"),
          .kind = text_or(body, "kind", usual.kind),
          .direction = text_or(body, "direction", usual.direction),
          .smallest = number_or(body, "smallest", usual.smallest),
          .watch = text_or(body, "watch", usual.watch)};
}

Status check(const facts::Expectation& expects) {
  if (expects.metric.empty())
    return fail(ErrorCode::kInvalid, "say which metric: the name of a Kpi, or PromQL", "metric");
  TRY_STATUS(check_metric(expects.metric, "metric"));
  if (!expects.control.empty()) TRY_STATUS(check_metric(expects.control, "control"));
  if (std::ranges::find(kKinds, expects.kind) == kKinds.end())
    return fail(
        ErrorCode::kInvalid,
        fmt::format("a kind is rate, ratio, duration or value; it was {}", quote(expects.kind)),
        "kind");
  const bool lower = expects.direction == "lower";
  if (!lower && expects.direction != "higher")
    return fail(ErrorCode::kInvalid,
                fmt::format("a direction is lower or higher; it was {}", quote(expects.direction)),
                "direction");
  const double most = lower ? 1 : kLargestEffect;
  if (!(expects.smallest > 0 && expects.smallest < most))
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the smallest effect that matters is a share of the level before, above "
                    "0 and below {:g} (0.1 is 10 %); it was {:g}",
                    most, expects.smallest),
        "smallest");
  const auto watch = parse_duration(expects.watch);
  if (!watch || *watch < kShortest || *watch > kLongest)
    return fail(ErrorCode::kInvalid,
                fmt::format("a watch takes 2h to 42d, as 7d; it was {}", quote(expects.watch)),
                "watch");
  return {};
}

std::string in_words(const facts::Expectation& expects) {
  return fmt::format("{} is to get {} by {:g} % or more, within {}{}", expects.metric,
                     expects.direction, 100 * expects.smallest, expects.watch,
                     expects.control.empty() ? "" : ", against " + expects.control);
}

journal::Intent next_look(const EffectWatch& watch, Timestamp now) {
  int look = 1;
  while (look < kLooks && time_of(watch, look) <= now) ++look;
  return {.key = fmt::format("{}/{}/{}", watch.kind, watch.subject, look),
          .kind = watch.kind,
          .request = {{"subject", watch.subject},
                      {"look", look},
                      {"changed", format_rfc3339(watch.changed_at)},
                      {"expects", watch.expects},
                      {"guard_rails", watch.guard_rails},
                      {"had_before", watch.had_before}},
          .repeatable = true,
          .not_before = time_of(watch, look),
          .correlation = watch.subject};
}

Look look_of(const journal::Intent& intent, const journal::Outcome& outcome) {
  Look look{.number = intent.request.at("look").get<int>(),
            .verdict = {},
            .guard_rails = {},
            .had_before = had_before(intent)};
  const auto rails = intent.request.at("guard_rails").size();
  if (outcome.kind == journal::Outcome::Kind::kDone) {
    look.verdict = outcome.detail.at("verdict").get<facts::EffectVerdict>();
    look.guard_rails = outcome.detail.at("guard_rails").get<std::vector<facts::EffectVerdict>>();
  } else {
    look.verdict = no_verdict(intent, outcome.error);
    look.guard_rails.assign(rails, look.verdict);
  }
  if (look.verdict.steps_before > 0) look.had_before[0] = true;
  for (std::size_t i = 0; i < rails; ++i)
    if (look.guard_rails.at(i).steps_before > 0) look.had_before[i + 1] = true;
  return look;
}

std::vector<bool> had_before(const journal::Intent& intent) {
  auto had = intent.request.value("had_before", std::vector<bool>{});
  had.resize(1 + intent.request.at("guard_rails").size());
  return had;
}

std::string subject_of(const journal::Intent& intent) {
  return text_or(intent.request, "subject");
}

}  // namespace wellrun::improve
