#include "health/effectiveness/backtests.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

#include "health/rules/trial.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostTried = 30;
constexpr std::int64_t kMostEvaluations = 150'000;  ///< of a rule: 100 days at one a minute
constexpr Duration kWeek = 7 * 24h;
constexpr Duration kFinestStep{15'000}, kCoarsestStep{300'000};

std::size_t count_of(const Json& summary, const char* key) {
  return static_cast<std::size_t>(number_or(summary, key, 0));
}

/// "fires 12 times, 11 of them without an incident, and tells of 1 of 2 incidents".
std::string words_of(const Json& summary) {
  const auto firings = count_of(summary, "firings");
  const auto told = fmt::format("tells of {} of {} incidents", count_of(summary, "incidents_told"),
                                count_of(summary, "incidents"));
  if (firings == 0) return "never fires, and " + told;
  return fmt::format("fires {}, {} of them without an incident, and {}",
                     firings == 1 ? "once" : fmt::format("{} times", firings),
                     count_of(summary, "firings_without_incident"), told);
}

/// All rules as they are, together: each fires for itself, and an incident that one tells is told.
Json together_now(const std::vector<Json>& now) {
  std::size_t firings = 0, without = 0, told = 0, incidents = 0;
  for (const auto& each : now) {
    firings += count_of(each, "firings");
    without += count_of(each, "firings_without_incident");
    told = std::max(told, count_of(each, "incidents_told"));
    incidents = std::max(incidents, count_of(each, "incidents"));
  }
  return {{"firings", firings},
          {"firings_without_incident", without},
          {"incidents_told", told},
          {"incidents", incidents}};
}

bool is_mostly_noise(const Json& summary) {
  return count_of(summary, "firings_without_incident") * 2 > count_of(summary, "firings");
}

std::optional<bool> is_supported(const Proposal& proposal, const Json& proposed, const Json& now) {
  const auto told = count_of(proposed, "incidents_told");
  if (proposal.what == "add") {
    if (count_of(proposed, "incidents") == 0) return std::nullopt;
    return told > 0 && !is_mostly_noise(proposed);
  }
  if (proposal.what == "lower") {
    if (count_of(proposed, "incidents") == 0) return std::nullopt;
    return told > count_of(now, "incidents_told") && !is_mostly_noise(proposed);
  }
  if (proposal.what == "delete") {
    const bool has_fired = number_or(proposal.support, "fired", 0) > 0;
    const auto happened = count_of(now, "firings") + (has_fired ? 0 : count_of(now, "incidents"));
    if (happened == 0) return std::nullopt;
    return count_of(now, "incidents_told") == 0;
  }
  if (count_of(now, "firings") == 0) return std::nullopt;
  const char* fewer = proposal.what == "raise" ? "firings_without_incident" : "firings";
  return told >= count_of(now, "incidents_told") &&
         count_of(proposed, fewer) < count_of(now, fewer);
}

/// Of what is to be added only the incidents count that nothing told of.
void count_only(const Json& wanted, const Json& incidents, Json& summary) {
  std::size_t all = 0, told = 0;
  for (const auto& incident : incidents) {
    if (std::ranges::find(wanted, incident["id"]) == wanted.end()) continue;
    ++all;
    told += incident["fired_at"].is_null() ? 0 : 1;
  }
  summary["incidents"] = all;
  summary["incidents_told"] = told;
  summary["incidents_missed"] = all - told;
}

/// As often as the rules are evaluated, or what would be short in between is not seen.
Duration step_of(const Proposal& proposal) {
  return std::clamp(proposal.interval, kFinestStep, kCoarsestStep);
}

/// Those that are proposed and those that there are.
std::vector<Json> rules_of(const Proposal& proposal) {
  auto rules = proposal.now;
  if (!proposal.rule.is_null()) rules.push_back(proposal.rule);
  return rules;
}

/// What nothing of was ever measured can say nothing: reason enough to delete it.
Json never_measured(const Proposal& proposal, const std::vector<std::string>& never) {
  return {{"supports", proposal.what == "delete" ? Json(true) : Json()},
          {"text", fmt::format("nothing was measured of {}", fmt::join(never, ", "))},
          {"summary", Json()},
          {"now", Json::array()}};
}

}  // namespace

Json support_by(const Proposal& proposal, const Tried& tried) {
  const auto now = together_now(tried.now);
  const auto supports = is_supported(proposal, tried.proposed, now);
  std::string text;
  if (!tried.now.empty())
    text = (tried.now.size() > 1 ? "apart, each as it is: " : "as it is: ") + words_of(now);
  if (!tried.proposed.is_null())
    text += (text.empty() ? "as proposed: " : "; as proposed: ") + words_of(tried.proposed);
  return {{"supports", supports ? Json(*supports) : Json()}, {"text", std::move(text)}};
}

struct Backtests::Span {
  Timestamp start;
  Duration interval;
  int share;  ///< of the time that is left it may take 1/share, so that no try takes it from all
};

Backtests::Backtests(const telemetry::promql::Engine& engine, const Clock& clock,
                     const History& history, Timestamp from, Timestamp now,
                     std::function<bool()> cancelled)
    : engine_(engine),
      clock_(clock),
      cancelled_(std::move(cancelled)),
      from_(from),
      now_(now),
      ends_(clock.steady() + kLongest) {
  for (const auto& incident : history.incidents) {
    if (is_real(incident, history.signals)) real_.push_back(incident);
  }
}

Json Backtests::of(const Proposal& proposal) {
  if (rules_of(proposal).empty()) return {};
  if (tried_ == kMostTried)
    return {{"error", fmt::format("only {} proposals are tried: ask for those of one workload",
                                  kMostTried)}};
  ++tried_;
  auto found = tried(proposal);
  return found ? std::move(*found) : Json{{"error", to_string(found.error())}};
}

Result<Json> Backtests::tried(const Proposal& proposal) {
  std::optional<Timestamp> since;
  std::vector<std::string> never;
  for (const auto& rule : rules_of(proposal)) {
    TRY(auto measured, rules::measured(text_or(rule, "expr"), from_, now_, engine_.reader()));
    if (measured.since) since = std::max(since.value_or(from_), *measured.since);
    std::ranges::move(measured.never, std::back_inserter(never));
  }
  const auto interval = step_of(proposal);
  Span span{.start = std::max(since.value_or(from_), now_ - interval * kMostEvaluations),
            .interval = interval,
            .share = 4};
  auto found = since ? tried_over(proposal, span) : never_measured(proposal, never);
  if (!found && found.error().code == ErrorCode::kDeadline && now_ - span.start > kWeek) {
    span.start = now_ - kWeek;
    span.share = 2;
    found = tried_over(proposal, span);
  }
  if (!found) return found;
  (*found)["start"] = format_rfc3339(span.start);
  (*found)["end"] = format_rfc3339(now_);
  (*found)["interval"] = format_duration(interval);
  return found;
}

Result<Json> Backtests::tried_over(const Proposal& proposal, const Span& span) {
  const auto now = clock_.steady();
  const auto ends = now + std::max(ends_ - now, 0ns) / span.share;
  const auto is_late = [this, ends] {
    return clock_.steady() > ends || (cancelled_ && cancelled_());
  };
  Tried tried;
  if (!proposal.rule.is_null()) {
    TRY(tried.proposed, summary(proposal, proposal.rule, span, is_late));
  }
  for (const auto& rule : proposal.now) {
    TRY(auto each, summary(proposal, rule, span, is_late));
    tried.now.push_back(std::move(each));
  }
  Json found = support_by(proposal, tried);
  found["text"] =
      fmt::format("in {}, {}", format_age(now_ - span.start), found["text"].get<std::string>());
  found["summary"] = tried.proposed;
  found["now"] = tried.now;
  return found;
}

Result<Json> Backtests::summary(const Proposal& proposal, const Json& json, const Span& span,
                                const std::function<bool()>& is_late) {
  TRY(auto rule, rules::rule_of(json));
  const rules::Trial trial{
      .rule = std::move(rule), .start = span.start, .end = now_, .interval = span.interval};
  TRY(const auto firings, rules::fire(trial, engine_, is_late));
  auto report = rules::backtest_report(firings, real_, proposal.workload, span.start, now_);
  auto summary = std::move(report["summary"]);
  if (proposal.what == "add")
    count_only(proposal.support.at("incidents"), report["incidents"], summary);
  return summary;
}

}  // namespace wellrun::health::effectiveness
