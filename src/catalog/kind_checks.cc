#include "catalog/kind_checks.h"

#include <fmt/format.h>
#include <set>

#include "catalog/formats.h"
#include "catalog/kinds.h"
#include "catalog/on_call.h"
#include "catalog/openslo.h"
#include "catalog/rule_file.h"
#include "catalog/shell_command.h"
#include "catalog/slo_feasibility.h"
#include "catalog/slo_retention.h"
#include "catalog/slo_window.h"
#include "core/text.h"
#include "platform/runtime/slots.h"
#include "telemetry/matching.h"
#include "telemetry/promql/parser.h"
#include "telemetry/scrape/relabel.h"

namespace wellrun::catalog {
namespace {

/// One resource under check, and what is around it.
struct Context {
  const Declared& declared;
  const Catalog& wanted;
  std::vector<Problem>& problems;

  void problem(std::string_view path, std::string message, std::string hint = {}) const {
    const Position position = declared.at(path);
    problems.push_back(
        {declared.file(), position.line, position.column, std::move(message), std::move(hint)});
  }
};

bool can_be_paged(const Person& person) {
  return !person.contacts.empty();
}

bool is_reachable(const Catalog& wanted, const Team& team) {
  return team.channel || !team.email.empty() ||
         std::ranges::any_of(team.members, [&](const Ref<Person>& member) {
           const Person* person = wanted.find(member);
           return person != nullptr && (can_be_paged(*person) || !person->email.empty());
         });
}

void require_reachable_owner(const Context& context, const Ref<Team>& owner) {
  const Team* team = context.wanted.find(owner);
  if (team == nullptr || is_reachable(context.wanted, *team)) return;
  context.problem("spec.owner", fmt::format("Team {} owns this and cannot be reached; give it a "
                                            "channel, an email, or a member with a contact",
                                            quote(owner.name)));
}

/// Someone who is paged must have a way to be.
void require_contact(const Context& context, const std::string& path, const Ref<Person>& person) {
  const Person* found = context.wanted.find(person);
  if (found == nullptr || can_be_paged(*found)) return;
  context.problem(path, fmt::format("Person {} would be paged and has no contacts; give at least "
                                    "one",
                                    quote(person.name)));
}

const Workload* workload_of(const Context& context, const Ref<Workload>& workload) {
  return context.wanted.find(workload);
}

bool has_playbook(const Context& context, const Ref<Workload>& workload) {
  const Workload* found = workload_of(context, workload);
  return found != nullptr && found->playbook;
}

void check_interval(const Context& context, Duration interval) {
  if (interval <= kLongestInterval) return;
  context.problem("spec.interval",
                  fmt::format("interval must be at most {}, found {}",
                              format_duration(kLongestInterval), format_duration(interval)));
}

void check_kind(const Context& context, const Person& person) {
  for (std::size_t i = 0; i < person.contacts.size(); ++i) {
    const Contact& contact = person.contacts[i];
    const Channel* channel = context.wanted.find(contact.channel);
    const bool needs_address = channel != nullptr && channel->type == "email";
    if (needs_address && contact.address.empty() && person.email.empty()) {
      context.problem(fmt::format("spec.contacts.{}", i),
                      "a contact on an e-mail channel needs an address");
    }
  }
}

void check_kind(const Context& context, const Workload& workload) {
  require_reachable_owner(context, workload.owner);
  const CommunicationPlan* plan = context.wanted.find(workload.communication_plan);
  if (plan != nullptr && plan->workload.name != workload.metadata.name) {
    context.problem("spec.communicationPlan",
                    fmt::format("CommunicationPlan {} is for Workload {}, not for this one",
                                quote(plan->metadata.name), quote(plan->workload.name)));
  }
}

void check_kind(const Context& context, const Component& component) {
  require_reachable_owner(context, component.owner);
  for (std::size_t i = 0; i < component.depends_on.size(); ++i) {
    if (component.depends_on[i].name == component.metadata.name) {
      context.problem(fmt::format("spec.dependsOn.{}", i), "a component cannot depend on itself");
    }
  }
}

void check_relabelling(const Context& context, const std::string& field,
                       const std::vector<RelabelRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const auto compiled = telemetry::scrape::Relabelling::compile(
        {{.source_labels = rule.source_labels,
          .separator = rule.separator,
          .regex = rule.regex,
          .modulus = static_cast<std::uint64_t>(rule.modulus),
          .target_label = rule.target_label,
          .replacement = rule.replacement,
          .action = rule.action}});
    if (!compiled) context.problem(fmt::format("{}.{}", field, i), compiled.error().message);
  }
}

void check_kind(const Context& context, const Scrape& scrape) {
  if (scrape.targets.empty() && scrape.files.empty() && scrape.http.empty() && scrape.dns.empty())
    context.problem("spec.targets",
                    "there is nothing to scrape: give `targets`, `files`, `http` or `dns`");
  const int ways =
      (scrape.basic_auth ? 1 : 0) + (scrape.authorization ? 1 : 0) + (scrape.oauth2 ? 1 : 0);
  if (ways > 1)
    context.problem("spec", "only one of `basicAuth`, `authorization` and `oauth2` can be given");
  if (scrape.tls && scrape.tls->cert_file.empty() != scrape.tls->key_file.empty())
    context.problem("spec.tls", "`certFile` and `keyFile` are given both, or neither");
  check_relabelling(context, "spec.relabel", scrape.relabel);
  check_relabelling(context, "spec.metricRelabel", scrape.metric_relabel);
  check_interval(context, scrape.interval);
  if (scrape.timeout && *scrape.timeout > scrape.interval) {
    context.problem("spec.timeout", fmt::format("timeout {} is longer than the interval {}",
                                                format_duration(*scrape.timeout),
                                                format_duration(scrape.interval)));
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < scrape.targets.size(); ++i) {
    if (!seen.insert(scrape.targets[i]).second) {
      context.problem(fmt::format("spec.targets.{}", i),
                      "target " + quote(scrape.targets[i]) + " stands twice");
    }
  }
}

/// Both grow from one step to the next, and each interval is made of whole ones of the step before.
void check_downsampling(const Context& context, const Retention& retention) {
  constexpr Duration kShortest{1000};
  constexpr Duration kLongest = std::chrono::days(1);  // a window of chunks is 37 h
  for (std::size_t i = 0; i < retention.downsample.size(); ++i) {
    const auto& step = retention.downsample[i];
    const auto path = fmt::format("spec.downsample.{}", i);
    if (step.resolution.count() <= 0 || step.after.count() <= 0) continue;  // said already
    if (step.resolution < kShortest || step.resolution > kLongest)
      context.problem(path + ".resolution", fmt::format("resolution must be 1s to 1d, found {}",
                                                        format_duration(step.resolution)));
    if (step.after < step.resolution)
      context.problem(path + ".after",
                      fmt::format("samples that are {} old cannot be thinned to one in {}: let "
                                  "`after` be at least the resolution",
                                  format_duration(step.after), format_duration(step.resolution)));
    if (retention.keep != Duration{0} && step.after >= retention.keep)
      context.problem(path + ".after", fmt::format("samples that old are not kept: `keep` is {}",
                                                   format_duration(retention.keep)));
    if (i == 0) continue;
    const auto& before = retention.downsample[i - 1];
    if (step.after <= before.after)
      context.problem(path + ".after",
                      fmt::format("after {} must be more than that of the step "
                                  "before, {}",
                                  format_duration(step.after), format_duration(before.after)));
    if (before.resolution.count() <= 0) continue;
    if (step.resolution <= before.resolution || step.resolution % before.resolution != Duration{0})
      context.problem(
          path + ".resolution",
          fmt::format("resolution {} must be a multiple of that of the step before, {}",
                      format_duration(step.resolution), format_duration(before.resolution)));
  }
}

void check_kind(const Context& context, const Retention& retention) {
  for (std::size_t i = 0; i < retention.match.size(); ++i) {
    const auto selector = telemetry::promql::parse_selector(retention.match[i]);
    Status usable = selector ? Status{} : Status(std::unexpected(selector.error()));
    if (selector)
      if (const auto compiled = telemetry::MatcherSet::compile(*selector); !compiled)
        usable = std::unexpected(compiled.error());
    if (!usable)
      context.problem(fmt::format("spec.match.{}", i),
                      "not a selector of series: " + usable.error().message);
  }
  if (retention.keep == Duration{0} && retention.downsample.empty())
    context.problem("spec", "it says nothing: give `keep`, `downsample` or both");
  check_downsampling(context, retention);
}

void check_kind(const Context& context, const Kpi& kpi) {
  require_reachable_owner(context, kpi.owner);
  check_interval(context, kpi.interval);
  if (kpi.query.empty() == kpi.operations.empty()) {
    context.problem("metadata.name",
                    fmt::format("Kpi {} has exactly one of query and operations: what it measures",
                                quote(kpi.metadata.name)));
  }
  if (!kpi.at_risk) return;
  const bool higher = kpi.direction == "higher";
  if (higher ? *kpi.at_risk < kpi.target : *kpi.at_risk > kpi.target) {
    context.problem("spec.atRisk",
                    fmt::format("atRisk {} is on the missed side of the target {}: with direction "
                                "{} it must be {}",
                                *kpi.at_risk, kpi.target, kpi.direction,
                                higher ? "at least the target" : "at most the target"));
  }
}

void check_kind(const Context& context, const Baseline& baseline) {
  constexpr Duration kShortest{1000};
  constexpr Duration kLongest = std::chrono::days(90);
  if (baseline.interval < kShortest) {
    context.problem("spec.interval", fmt::format("interval must be at least 1s, found {}",
                                                 format_duration(baseline.interval)));
  }
  check_interval(context, baseline.interval);
  if (baseline.learn_from > kLongest) {
    context.problem("spec.learnFrom", fmt::format("learnFrom must be at most 90d, found {}",
                                                  format_duration(baseline.learn_from)));
  }
}

void check_burn_rate_windows(const Context& context, const Slo& slo) {
  for (std::size_t i = 0; i < slo.alerting.windows.size(); ++i) {
    const BurnRateWindow& window = slo.alerting.windows[i];
    const std::string path = fmt::format("spec.alerting.windows.{}", i);
    if (window.short_window > window.long_window) {
      context.problem(path + ".short", fmt::format("the short window {} must not be longer than "
                                                   "the long one, {}",
                                                   format_duration(window.short_window),
                                                   format_duration(window.long_window)));
    }
    if (window.long_window > slo.window()) {
      context.problem(
          path + ".long",
          fmt::format("the long window {} is longer than the time window {}",
                      format_duration(window.long_window), format_duration(slo.window())));
    }
    if (window.burn_rate <= 0) context.problem(path + ".burnRate", "burnRate must be above 0");
  }
}

int given(const RatioMetric& ratio) {
  return int{ratio.good.has_value()} + int{ratio.bad.has_value()} + int{ratio.raw.has_value()};
}

void check_ratio(const Context& context, const RatioMetric& ratio, const std::string& indicator) {
  const std::string path = indicator + ".ratioMetric";
  if (given(ratio) != 1) {
    context.problem(
        path,
        fmt::format("a ratioMetric has exactly one of good, bad and raw, found {}", given(ratio)));
  } else if (ratio.raw && ratio.total) {
    context.problem(path + ".total", "raw is a ratio already: it has no total");
  } else if (ratio.raw && ratio.raw_type.empty()) {
    context.problem(path + ".raw",
                    "raw needs rawType: success when it is the share of good "
                    "events, failure when it is that of bad ones");
  } else if (!ratio.raw && !ratio.total) {
    context.problem(path, "a ratioMetric of good or bad events needs total");
  }
}

/// `name` or `name{matchers}` and nothing else: suffixes are put behind the name, and a range
/// behind all of it.
bool is_named_selector(std::string_view text, const telemetry::promql::Expr& parsed) {
  const auto* selector = parsed.as<telemetry::promql::VectorSelector>();
  if (selector == nullptr || selector->name.empty()) return false;
  const bool shifted = selector->shift.offset ||
                       selector->shift.at != telemetry::promql::TimeShift::At::kNone ||
                       selector->anchored || selector->smoothed;
  const auto whole = trimmed(text);
  return !shifted && whole.starts_with(selector->name) &&
         whole.size() == parsed.position.end - parsed.position.start;
}

void check_latency(const Context& context, const LatencyMetric& latency,
                   const std::string& indicator) {
  const std::string path = indicator + ".latencyMetric.histogram";
  const auto parsed = telemetry::promql::parse(latency.histogram);
  const bool filled_in = latency.histogram.find("{{") != std::string::npos;
  if (!parsed && !filled_in) return;  // said already, as of every query
  if (!parsed || !is_named_selector(latency.histogram, **parsed)) {
    context.problem(path, fmt::format("histogram must be the selector of a histogram by its name, "
                                      "as http_request_duration_seconds{{job=\"shop\"}}, without "
                                      "range, offset or function (they are added for each window); "
                                      "found {}",
                                      quote(latency.histogram)));
    return;
  }
  const auto& name = (*parsed)->as<telemetry::promql::VectorSelector>()->name;
  constexpr std::string_view kBucket = "_bucket";
  if (name.ends_with(kBucket)) {
    const auto base = name.substr(0, name.size() - kBucket.size());
    context.problem(path,
                    fmt::format("{} is a part of a classic histogram; write the histogram's base "
                                "name, {}: its _bucket and _count are read",
                                quote(name), base),
                    base);
  }
}

/// `slo`: with this objective alone, and its indicator.
void check_objective(const Context& context, const Slo& slo, const std::string& path) {
  const Objective& objective = slo.objective();
  if (objective.target.has_value() == objective.target_percent.has_value()) {
    context.problem(path, "an objective has exactly one of target and targetPercent");
  } else if (slo.target() <= 0 || slo.target() >= 1) {
    context.problem(
        path + (objective.target ? ".target" : ".targetPercent"),
        fmt::format("target must be above 0 and below {}, found {}", objective.target ? 1 : 100,
                    objective.target ? *objective.target : *objective.target_percent));
  }
  if (slo.indicator.spec.threshold_metric && (objective.op.empty() || !objective.value)) {
    context.problem(path,
                    "a thresholdMetric needs op (lte, gte, lt or gt) and value: which values "
                    "are good");
  }
  if (slo.by_slices() && objective.time_slice_window.empty()) {
    context.problem(path, slo.budgeting_method + " need timeSliceWindow, the length of a slice");
  }
  if (slo.budgeting_method == "Timeslices" && !objective.time_slice_target) {
    context.problem(path, "Timeslices need timeSliceTarget, the share from which a slice is good");
  }
}

void check_indicator(const Context& context, const IndicatorSpec& indicator,
                     const std::string& path) {
  const int metrics = int{indicator.ratio_metric.has_value()} +
                      int{indicator.threshold_metric.has_value()} +
                      int{indicator.latency_metric.has_value()};
  if (metrics != 1) {
    context.problem(path,
                    fmt::format("an indicator has exactly one of ratioMetric, thresholdMetric and "
                                "latencyMetric, found {}",
                                metrics));
  }
  if (indicator.ratio_metric) check_ratio(context, *indicator.ratio_metric, path);
  if (indicator.latency_metric) check_latency(context, *indicator.latency_metric, path);
}

bool measures(const IndicatorSpec& indicator) {
  return indicator.ratio_metric || indicator.threshold_metric || indicator.latency_metric;
}

/// That its objectives are each measured by themselves, and over the same slices.
void check_composite(const Context& context, const Slo& slo) {
  if (measures(slo.indicator.spec))
    context.problem("spec.indicator",
                    "a composite, an Slo of several objectives, has no indicator of its own: each "
                    "objective has one (several targets of one indicator are several Slos)");
  const auto parts = slo.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto path = fmt::format("spec.objectives.{}", i);
    if (!slo.objectives[i].indicator)
      context.problem(path, "an objective of a composite needs an indicator of its own");
    else
      check_indicator(context, slo.objectives[i].indicator->spec, path + ".indicator.spec");
    check_objective(context, parts[i], path);
    if (slo.objectives[i].composite_weight <= 0)
      context.problem(path + ".compositeWeight", "compositeWeight must be above 0");
    if (slo.by_slices() && parts[i].slice() != slo.slice())
      context.problem(path + ".timeSliceWindow",
                      fmt::format("the objectives of a composite need slices of one length, found "
                                  "{} and {}",
                                  quote(slo.objective().time_slice_window),
                                  quote(slo.objectives[i].time_slice_window)));
  }
}

void check_promise(const Context& context, const Slo& slo) {
  if (slo.is_composite()) return check_composite(context, slo);
  if (slo.objective().indicator)
    context.problem("spec.objectives.0.indicator",
                    "an Slo of one objective is measured by spec.indicator; an objective's own is "
                    "of composites, which have several");
  else
    check_indicator(context, slo.indicator.spec, "spec.indicator.spec");
  check_objective(context, slo, "spec.objectives.0");
}

void check_time_window(const Context& context, const Slo& slo) {
  if (slo.time_window.empty()) return;
  const SloTimeWindow& window = slo.time_window.front();
  const auto length = parse_window_length(window.duration);
  if (window.is_rolling && window.calendar) {
    context.problem("spec.timeWindow.0.calendar",
                    "a rolling window ends now and has no calendar; write isRolling: false");
  }
  if (window.is_rolling || !length) return;
  if (!window.calendar) {
    context.problem("spec.timeWindow.0.isRolling",
                    "a window that does not roll needs calendar: when the first one begins");
  }
  if (!length->is_calendar()) {
    context.problem("spec.timeWindow.0.duration",
                    fmt::format("a calendar window is of whole days, months, quarters or years, "
                                "found {}",
                                quote(window.duration)),
                    window.duration.ends_with('m')
                        ? window.duration.substr(0, window.duration.size() - 1) + "M"
                        : "");
  }
}

void check_kind(const Context& context, const Slo& slo) {
  require_reachable_owner(context, slo.owner);
  check_time_window(context, slo);
  check_promise(context, slo);
  check_burn_rate_windows(context, slo);
  // An OpenSLO document cannot say what to do.
  if (slo.metadata.annotations.contains(kOpenSloAnnotation)) return;
  const bool pages = std::ranges::any_of(
      slo.alerting.windows, [](const BurnRateWindow& w) { return w.severity == "page"; });
  if (pages && !slo.procedure && !has_playbook(context, slo.service)) {
    context.problem("metadata.name", fmt::format("Slo {} pages and says nowhere what to do; give "
                                                 "it a procedure, or its workload a playbook",
                                                 quote(slo.metadata.name)));
  }
}

void check_rule(const Context& context, const RuleGroup& group, const Rule& rule,
                const std::string& path) {
  if (rule.alert.empty() == rule.record.empty()) {
    context.problem(path, "a rule has exactly one of alert and record");
    return;
  }
  const bool alert_only = rule.for_.count() != 0 || rule.keep_firing_for.count() != 0 ||
                          !rule.annotations.empty() || rule.procedure;
  if (!rule.is_alert() && alert_only) {
    context.problem(path, fmt::format("recording rule {} cannot have for, keep_firing_for, "
                                      "annotations or procedure",
                                      quote(rule.record)));
  }
  if (!rule.is_alert() || rule.severity() != "page") return;
  // A Prometheus rule file cannot say whom to page: its alerts name their workload by a label.
  if (group.metadata.annotations.contains(kGroupNameAnnotation)) return;
  if (!group.workload) {
    context.problem(path, fmt::format("alert {} pages, and nobody can be found to page: give its "
                                      "group a workload",
                                      quote(rule.alert)));
  }
  if (!rule.procedure && !has_playbook(context, group.workload)) {
    context.problem(path, fmt::format("alert {} pages and says nowhere what to do; give it a "
                                      "procedure, or its workload a playbook",
                                      quote(rule.alert)));
  }
}

void check_kind(const Context& context, const RuleGroup& group) {
  require_reachable_owner(context, group.owner);
  check_interval(context, group.interval);
  for (std::size_t i = 0; i < group.rules.size(); ++i) {
    check_rule(context, group, group.rules[i], fmt::format("spec.rules.{}", i));
  }
}

void check_kind(const Context& context, const Schedule& schedule) {
  constexpr Duration kHour = std::chrono::hours(1);
  constexpr Duration kWeek = std::chrono::hours(7 * 24);
  if (schedule.shift < kHour || schedule.shift % std::chrono::minutes(1) != Duration{0}) {
    context.problem("spec.shift", "shift must be whole minutes and at least an hour, found " +
                                      format_duration(schedule.shift));
  }
  const auto handover = parse_handover(schedule.handover);
  if (handover && handover->weekday && schedule.shift % kWeek != Duration{0}) {
    context.problem("spec.shift",
                    fmt::format("handover {} names a day, so shift must be whole weeks, found {}",
                                quote(schedule.handover), format_duration(schedule.shift)));
  }
  for (std::size_t i = 0; i < schedule.rotation.size(); ++i) {
    require_contact(context, fmt::format("spec.rotation.{}", i), schedule.rotation[i]);
  }
  for (std::size_t i = 0; i < schedule.overrides.size(); ++i) {
    const std::string path = fmt::format("spec.overrides.{}", i);
    require_contact(context, path + ".person", schedule.overrides[i].person);
    if (schedule.overrides[i].to <= schedule.overrides[i].from) {
      context.problem(path + ".to", "an override must end after it begins");
    }
  }
}

void check_kind(const Context& context, const EscalationPolicy& policy) {
  for (std::size_t i = 0; i < policy.levels.size(); ++i) {
    const EscalationLevel& level = policy.levels[i];
    const std::string path = fmt::format("spec.levels.{}", i);
    if (level.schedules.empty() && level.persons.empty()) {
      context.problem(path, fmt::format("level {} pages nobody; name schedules or persons", i + 1));
    }
    for (std::size_t person = 0; person < level.persons.size(); ++person) {
      require_contact(context, fmt::format("{}.persons.{}", path, person), level.persons[person]);
    }
  }
}

void check_kind(const Context& context, const Channel& channel) {
  if (channel.type == "email") {
    if (channel.smtp.empty()) context.problem("spec.type", "an e-mail channel needs smtp");
    if (channel.from.empty()) context.problem("spec.type", "an e-mail channel needs from");
  } else if (!channel.type.empty() && channel.url.empty() == channel.url_ref.empty()) {
    context.problem("spec.type",
                    fmt::format("a {} channel needs exactly one of url and urlRef", channel.type));
  }
}

void check_kind(const Context& context, const StatusPage& page) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < page.components.size(); ++i) {
    if (!seen.insert(page.components[i].name).second) {
      context.problem(fmt::format("spec.components.{}.name", i),
                      "component " + quote(page.components[i].name) + " stands twice");
    }
  }
}

bool is_secret_reference(std::string_view text) {
  return check_format("secret-ref", text).has_value();
}

/// The inputs that a caller gives to a runbook against those it takes.
void check_inputs(const Context& context, const std::string& path, const Ref<Runbook>& runbook,
                  const TextMap& inputs) {
  const Runbook* called = context.wanted.find(runbook);
  if (called == nullptr) return;
  std::vector<std::string> names;
  for (const RunbookInput& input : called->inputs) {
    names.push_back(input.name);
    if (input.required && !input.default_value && !inputs.contains(input.name)) {
      context.problem(path, fmt::format("Runbook {} requires the input {}", quote(runbook.name),
                                        quote(input.name)));
    }
    const auto given = inputs.find(input.name);
    if (!input.secret || given == inputs.end()) continue;
    if (!is_secret_reference(given->second) && given->second.find("{{") == std::string::npos) {
      context.problem(
          fmt::format("{}.inputs.{}", path, input.name),
          fmt::format("input {} of Runbook {} is a secret: give {}, not its value",
                      quote(input.name), quote(runbook.name), format_description("secret-ref")));
    }
  }
  for (const auto& [name, value] : inputs) {
    if (std::ranges::find(names, name) == names.end()) {
      context.problem(fmt::format("{}.inputs.{}", path, name),
                      fmt::format("Runbook {} has no input {}", quote(runbook.name), quote(name)),
                      nearest(name, names).value_or(""));
    }
  }
}

/// Every {{…}} in `text` names something that exists when the step runs.
void check_templates(const Context& context, const std::string& path, std::string_view text,
                     const std::vector<std::string>& known) {
  for (std::size_t open = text.find("{{"); open != std::string_view::npos;
       open = text.find("{{", open + 2)) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) {
      context.problem(path, "\"{{\" is not closed by \"}}\"");
      return;
    }
    const std::string name(trimmed(text.substr(open + 2, close - open - 2)));
    if (std::ranges::find(known, name) == known.end()) {
      context.problem(path, fmt::format("nothing is known as {} here", quote("{{" + name + "}}")),
                      nearest(name, known).value_or(""));
    }
  }
}

void check_step_templates(const Context& context, const Step& step, const std::string& path,
                          const std::vector<std::string>& known) {
  const auto texts = [&](const std::string& at, const TextMap& map) {
    for (const auto& [key, value] : map) check_templates(context, at, value, known);
  };
  if (step.run) {
    check_templates(context, path + ".run.command", step.run->command, known);
    for (const auto& problem : shell_command(step.run->command).problems)
      context.problem(path + ".run.command", problem);
    texts(path + ".run.env", step.run->env);
  }
  if (step.http) {
    check_templates(context, path + ".http.url", step.http->url, known);
    check_templates(context, path + ".http.body", step.http->body, known);
    texts(path + ".http.headers", step.http->headers);
  }
  if (step.query) check_templates(context, path + ".query.expr", step.query->expr, known);
  if (step.approve) check_templates(context, path + ".approve.prompt", step.approve->prompt, known);
  if (step.runbook) texts(path + ".runbook.inputs", step.runbook->inputs);
}

void check_step(const Context& context, const Step& step, const std::string& path) {
  const int actions = int{step.run.has_value()} + int{step.http.has_value()} +
                      int{step.query.has_value()} + int{step.wait.has_value()} +
                      int{step.approve.has_value()} + int{step.runbook.has_value()};
  if (actions != 1) {
    context.problem(path, fmt::format("step {} must have exactly one of run, http, query, wait, "
                                      "approve and runbook, found {}",
                                      quote(step.name), actions));
  }
  if (step.runbook) {
    check_inputs(context, path + ".runbook", step.runbook->name, step.runbook->inputs);
  }
}

void check_kind(const Context& context, const Runbook& runbook) {
  require_reachable_owner(context, runbook.owner);
  std::vector<std::string> known = {"incident.id", "incident.workload"};
  std::set<std::string> inputs;
  for (std::size_t i = 0; i < runbook.inputs.size(); ++i) {
    const std::string& name = runbook.inputs[i].name;
    known.push_back("inputs." + name);
    if (!inputs.insert(name).second) {
      context.problem(fmt::format("spec.inputs.{}.name", i),
                      "input " + quote(name) + " stands twice");
    }
    if (!runbook.inputs[i].secret && !runbook.inputs[i].references.empty()) {
      context.problem(fmt::format("spec.inputs.{}.references", i),
                      "only an input with secret: true has references");
    }
    const auto& preset = runbook.inputs[i].default_value;
    if (runbook.inputs[i].secret && preset && !is_secret_reference(*preset)) {
      context.problem(fmt::format("spec.inputs.{}.default", i),
                      fmt::format("the default of a secret is {}, not its value",
                                  format_description("secret-ref")));
    }
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < runbook.steps.size(); ++i) {
    const Step& step = runbook.steps[i];
    const std::string path = fmt::format("spec.steps.{}", i);
    if (!step.name.empty() && !names.insert(step.name).second) {
      context.problem(path + ".name", "step " + quote(step.name) + " stands twice");
    }
    check_step(context, step, path);
    check_step_templates(context, step, path, known);
    known.push_back("steps." + step.name + ".output");
  }
}

void check_kind(const Context& context, const Automation& automation) {
  check_inputs(context, "spec.runbook", automation.runbook, automation.inputs);
}

void check_kind(const Context& context, const BudgetPolicy& policy) {
  require_reachable_owner(context, policy.owner);
  double before = 0;
  for (std::size_t i = 0; i < policy.steps.size(); ++i) {
    const std::string path = fmt::format("spec.steps.{}", i);
    if (policy.steps[i].at <= before)
      context.problem(path + ".at",
                      "steps must rise: this one begins no later than the one before");
    before = policy.steps[i].at;
    const auto& then = policy.steps[i].then;
    const bool pages = std::ranges::find(then, "page") != then.end();
    if (pages && !has_playbook(context, policy.workload))
      context.problem(path + ".then", fmt::format("the step pages and Workload {} has no playbook: "
                                                  "say what to do",
                                                  quote(policy.workload.name)));
  }
  for (std::size_t i = 0; i < policy.slos.size(); ++i) {
    const Slo* slo = context.wanted.find(policy.slos[i]);
    if (slo != nullptr && slo->service.name != policy.workload.name)
      context.problem(fmt::format("spec.slos.{}", i),
                      fmt::format("Slo {} is of Workload {}, not of {}", quote(slo->metadata.name),
                                  quote(slo->service.name), quote(policy.workload.name)));
  }
}

/// A promise that rests on lower ones: worth knowing, nothing wrong.
void note_feasibility(const std::vector<Declared>& items, const Catalog& wanted,
                      std::vector<Problem>& notes) {
  for (const Slo* slo : wanted.all<Slo>()) {
    const auto found = feasibility(wanted, *slo);
    if (found.possible) continue;
    const auto declared = std::ranges::find_if(items, [&](const Declared& each) {
      return each.resource->kind == Slo::kKind && each.resource->name == slo->metadata.name;
    });
    if (declared == items.end()) continue;
    const Position at = declared->at("spec.objectives.0.target");
    notes.push_back(
        {declared->file(),
         at.line,
         at.column,
         fmt::format("Slo {} promises {} and cannot keep it if its dependencies are in series and "
                     "only as good as they promise: {}. Promise less, need them less, or have them "
                     "promise more",
                     quote(slo->metadata.name), percent(slo->target()), found.arithmetic),
         {}});
  }
}

template <typename T>
bool check_as(const Context& context) {
  const Resource& resource = *context.declared.resource;
  if (resource.kind != T::kKind) return false;
  check_kind(context, *static_cast<const T*>(resource.value.get()));
  return true;
}

/// Circles in a directed graph, each once, as the names along it; by depth-first search.
class Circles {
 public:
  using Graph = std::map<std::string, std::vector<std::string>>;

  static std::vector<std::vector<std::string>> in(const Graph& graph) {
    Circles search(graph);
    for (const auto& [name, next] : graph) search.visit(name);
    return std::move(search.found_);
  }

 private:
  explicit Circles(const Graph& graph) : graph_(graph) {}

  void visit(const std::string& start) {
    struct Frame {
      const std::string* name;
      std::size_t next = 0;
    };
    if (state_[start] != State::kNew) return;
    std::vector<Frame> path;  // no recursion: a chain may be long
    const auto enter = [&](const std::string& name) {
      state_[name] = State::kOnPath;
      path.push_back({&name});
    };
    enter(start);
    while (!path.empty()) {
      Frame& frame = path.back();
      const auto edges = graph_.find(*frame.name);
      if (edges == graph_.end() || frame.next >= edges->second.size()) {
        state_[*frame.name] = State::kDone;
        path.pop_back();
        continue;
      }
      const std::string& next = edges->second[frame.next++];
      if (state_[next] == State::kNew) {
        enter(next);
      } else if (state_[next] == State::kOnPath && next != *frame.name) {
        std::vector<std::string> circle = {next};
        for (std::size_t i = path.size(); i-- > 0 && *path[i].name != next;) {
          circle.insert(circle.begin() + 1, *path[i].name);
        }
        found_.push_back(std::move(circle));
      } else if (next == *frame.name) {
        found_.push_back({next});
      }
    }
  }

  enum class State { kNew, kOnPath, kDone };
  const Graph& graph_;
  std::map<std::string, State> state_;
  std::vector<std::vector<std::string>> found_;
};

std::string circle_text(const std::vector<std::string>& circle) {
  return fmt::format("{} -> {}", fmt::join(circle, " -> "), circle.front());
}

const Declared* find_declared(const std::vector<Declared>& items, std::string_view kind,
                              std::string_view name) {
  for (const Declared& declared : items) {
    if (declared.resource->kind == kind && declared.resource->name == name) return &declared;
  }
  return nullptr;
}

void check_circles(const std::vector<Declared>& items, const Catalog& wanted,
                   std::vector<Problem>& problems, std::vector<Problem>& notes) {
  const auto tell = [&](const Circles::Graph& graph, std::string_view kind, const char* field,
                        const char* words, std::vector<Problem>& list) {
    for (const auto& circle : Circles::in(graph)) {
      const Declared* first = find_declared(items, kind, circle.front());
      const Position at = first->at(field);
      list.push_back({first->file(), at.line, at.column, words + circle_text(circle), {}});
    }
  };
  Circles::Graph runbooks;
  for (const Runbook* runbook : wanted.all<Runbook>()) {
    for (const Step& step : runbook->steps) {
      if (step.runbook) runbooks[runbook->metadata.name].push_back(step.runbook->name.name);
    }
  }
  tell(runbooks, Runbook::kKind, "metadata.name",
       "runbooks call each other in a circle: ", problems);
  Circles::Graph kpis;
  for (const Kpi* kpi : wanted.all<Kpi>()) {
    if (kpi->parent) kpis[kpi->metadata.name].push_back(kpi->parent.name);
  }
  tell(kpis, Kpi::kKind, "spec.parent", "KPIs lead to each other in a circle: ", problems);
  Circles::Graph components;
  for (const Component* component : wanted.all<Component>()) {
    for (const Ref<Component>& other : component->depends_on) {
      if (other.name != component->metadata.name) {
        components[component->metadata.name].push_back(other.name);
      }
    }
  }
  tell(components, Component::kKind, "spec.dependsOn",
       "components depend on each other in a circle: ", notes);
}

}  // namespace

void check_kinds(const std::vector<Declared>& items, const Catalog& wanted,
                 std::vector<Problem>& problems, std::vector<Problem>& notes) {
  for (const Declared& declared : items) {
    const Context context{declared, wanted, problems};
    check_as<Person>(context) || check_as<Workload>(context) || check_as<Component>(context) ||
        check_as<Scrape>(context) || check_as<Retention>(context) || check_as<Kpi>(context) ||
        check_as<Slo>(context) || check_as<Baseline>(context) || check_as<RuleGroup>(context) ||
        check_as<Schedule>(context) || check_as<EscalationPolicy>(context) ||
        check_as<Channel>(context) || check_as<StatusPage>(context) || check_as<Runbook>(context) ||
        check_as<Automation>(context) || check_as<BudgetPolicy>(context);
  }
  check_circles(items, wanted, problems, notes);
  note_feasibility(items, wanted, notes);
}

void note_retention(std::span<const Declared> items, const Catalog& wanted, Duration retention,
                    std::vector<Problem>& notes) {
  for (const Declared& declared : items) {
    if (declared.resource->kind != Slo::kKind) continue;
    const auto& slo = *static_cast<const Slo*>(declared.resource->value.get());
    const auto why = beyond_retention(wanted, slo, retention);
    if (why.empty()) continue;
    const Position at = declared.at("spec.timeWindow");
    notes.push_back({declared.file(),
                     at.line,
                     at.column,
                     fmt::format("Slo {}: {}", quote(slo.metadata.name), why),
                     {}});
  }
}

}  // namespace wellrun::catalog
