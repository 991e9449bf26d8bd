#include "catalog/openslo.h"

#include <gtest/gtest.h>

#include "catalog/check.h"
#include "catalog/kinds/slo.h"
#include "catalog/load.h"
#include "core/text.h"

namespace wellrun::catalog {
namespace {

using namespace std::chrono_literals;

constexpr const char* kShop = R"(
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: shop-team}
spec: {email: shop@example.org}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: shop-policy}
spec: {levels: [{persons: [ana]}]}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@example.org, contacts: [{channel: chat}]}
---
apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: chat}
spec: {type: webhook, url: "http://chat.example"}
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {owner: shop-team, escalationPolicy: shop-policy}
---
apiVersion: wellrun.io/v1
kind: Component
metadata: {name: checkout}
spec: {workload: shop}
)";

constexpr const char* kSlo = R"(
apiVersion: openslo/v1
kind: SLO
metadata:
  name: Main-Page
  displayName: Main page availability
  labels: {team: [a, b], tier: "1"}
spec:
  description: The main page answers
  service: checkout
  indicatorRef: page-answers
  timeWindow:
    - duration: 1M
      isRolling: false
      calendar: {startTime: 2026-01-01 12:00:00, timeZone: America/New_York}
  budgetingMethod: Timeslices
  objectives:
    - displayName: internal
      target: 0.995
      timeSliceTarget: 0.99
      timeSliceWindow: 1m
    - displayName: SLA
      targetPercent: 99
      timeSliceTarget: 0.99
      timeSliceWindow: 5
  alertPolicies:
    - alertPolicyRef: fast-burn
    - kind: AlertPolicy
      metadata: {name: slow}
      spec:
        alertWhenBreaching: true
        conditions:
          - kind: AlertCondition
            metadata: {name: slow}
            spec:
              severity: low
              condition: {kind: burnrate, threshold: 2, lookbackWindow: 1d, alertAfter: 5m}
)";

constexpr const char* kParts = R"(
apiVersion: openslo/v1
kind: SLI
metadata: {name: page-answers}
spec:
  description: requests that were answered
  ratioMetric:
    counter: true
    bad:
      metricSource:
        metricSourceRef: main
        spec: {query: 'requests_total{code=~"5.."}'}
    total:
      metricSource: {type: prometheus, spec: {query: requests_total}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: main}
spec: {type: Prometheus, connectionDetails: {url: "http://prometheus.example"}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast-burn}
spec:
  conditions: [{conditionRef: burns-fast}]
  notificationTargets: [{targetRef: pager}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns-fast}
spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h}}
)";

Checked checked(const std::string& slo, const std::string& parts = kParts) {
  return check(load({{"a-shop.yaml", kShop}, {"b-slo.yaml", slo}, {"c-parts.yaml", parts}}), {});
}

std::string problems(const std::string& slo, const std::string& parts = kParts) {
  std::string text;
  const auto found = checked(slo, parts);
  for (const auto& problem : found.problems) text += to_string(problem) + "\n";
  return text;
}

std::string with(const char* from, const char* to, std::string text = kSlo) {
  return text.replace(text.find(from), std::string_view(from).size(), to);
}

TEST(OpenSlo, ADocumentStandsForOneSloEachObjective) {
  ASSERT_EQ(problems(kSlo), "");
  const auto wanted = checked(kSlo).wanted;
  const auto* first = wanted.find<Slo>("main-page-1");
  const auto* second = wanted.find<Slo>("main-page-2");
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_EQ(first->service.name, "shop") << "of the component";
  EXPECT_EQ(first->metadata.annotations.at(kOpenSloAnnotation), "Main-Page");
  EXPECT_EQ(first->metadata.labels.at("team"), "a,b");
  EXPECT_EQ(first->budgeting_method, "Timeslices");
  EXPECT_DOUBLE_EQ(first->target(), 0.995);
  EXPECT_EQ(first->slice(), 1min);
  EXPECT_DOUBLE_EQ(second->target(), 0.99);
  EXPECT_EQ(second->slice(), 5min);
  EXPECT_EQ(second->time_window.front().calendar->time_zone, "America/New_York");
  const auto& ratio = *first->indicator.spec.ratio_metric;
  EXPECT_TRUE(ratio.bad && ratio.total && !ratio.good);
}

TEST(OpenSlo, AWindowWithACalendarDoesNotRoll) {
  const auto slo = with("      isRolling: false\n", "");
  EXPECT_EQ(problems(slo), "");
  EXPECT_FALSE(checked(slo).wanted.find<Slo>("main-page-1")->time_window.front().is_rolling);
}

TEST(OpenSlo, AlertPoliciesBecomeBurnRateWindows) {
  const auto wanted = checked(kSlo).wanted;
  const auto& windows = wanted.find<Slo>("main-page-1")->alerting.windows;
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].severity, "page");
  EXPECT_EQ(windows[0].long_window, 1h);
  EXPECT_EQ(windows[0].short_window, 5min);
  EXPECT_DOUBLE_EQ(windows[0].burn_rate, 14.4);
  EXPECT_EQ(windows[1].severity, "ticket");
  EXPECT_EQ(windows[1].for_, 5min);
}

TEST(OpenSlo, AShortLookBackLeavesTheShortWindowSamples) {
  const std::vector<std::pair<const char*, Duration>> cases = {{"lookbackWindow: 5m", 5min},
                                                               {"lookbackWindow: 30m", 5min},
                                                               {"lookbackWindow: 6h", 30min},
                                                               {"lookbackWindow: 1m", 1min}};
  for (const auto& [lookback, in_short] : cases) {
    const auto parts = with("lookbackWindow: 1h", lookback, kParts);
    EXPECT_EQ(problems(kSlo, parts), "");
    const auto wanted = checked(kSlo, parts).wanted;
    EXPECT_EQ(wanted.find<Slo>("main-page-1")->alerting.windows[0].short_window, in_short)
        << lookback;
  }
}

TEST(OpenSlo, PoliciesThatDoNotAlertLeaveNoWindows) {
  const auto parts = with("spec:\n  conditions: [{",
                          "spec:\n  alertWhenBreaching: false\n  conditions: [{", kParts);
  const auto slo = with("alertWhenBreaching: true", "alertWhenBreaching: false");
  EXPECT_EQ(problems(slo, parts), "");
  EXPECT_EQ(checked(kSlo, parts).wanted.find<Slo>("main-page-1")->alerting.windows.size(), 1U);
  EXPECT_TRUE(checked(slo, parts).wanted.find<Slo>("main-page-1")->alerting.windows.empty());
}

TEST(OpenSlo, DocumentsMayStandInAListAndPoliciesBeNamedAlone) {
  auto declarations = load({{"shop.yaml", kShop}, {"slos.yaml", R"(
- apiVersion: openslo/v1
  kind: SLO
  metadata: {name: search}
  spec:
    service: checkout
    indicator:
      metadata: {name: answers}
      spec:
        ratioMetric:
          counter: true
          good: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests{code=~"2.."})'}}}
          total: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests)'}}}
    timeWindow: [{duration: 28d, isRolling: true}]
    budgetingMethod: Occurrences
    objectives: [{target: 0.98}]
    alertPolicies:
      - cpu
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: cpu}
  spec:
    alertWhenBreaching: true
    conditions: [{conditionRef: cpu-usage-breach}]
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: cpu-usage-breach}
  spec:
    severity: page
    condition: {kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}
)"}});
  for (const auto& problem : declarations.problems) ADD_FAILURE() << to_string(problem);
  const auto checked = check(std::move(declarations), {});
  const auto* slo = checked.wanted.find<Slo>("search");
  ASSERT_NE(slo, nullptr);
  ASSERT_EQ(slo->alerting.windows.size(), 1U);
  EXPECT_EQ(slo->alerting.windows[0].burn_rate, 2);
  EXPECT_EQ(slo->alerting.windows[0].for_, 5min);
  const auto mixed = load({{"a.yaml", R"(
- apiVersion: openslo/v1
  kind: Service
  metadata: {name: checkout}
- 7
)"}});
  ASSERT_EQ(mixed.problems.size(), 1U);
  EXPECT_EQ(mixed.problems[0].line, 5);
}

TEST(OpenSlo, WithoutPoliciesItHasTheUsualWindowsThatFit) {
  std::string text = kSlo;
  text = text.substr(0, text.find("  alertPolicies:"));
  const auto wanted = checked(with("duration: 1M", "duration: 1d", text)).wanted;
  ASSERT_NE(wanted.find<Slo>("main-page-1"), nullptr);
  EXPECT_EQ(wanted.find<Slo>("main-page-1")->alerting.windows.size(), 2U);
}

TEST(OpenSlo, WhatIsUnknownIsRefusedWithTheNearestName) {
  const auto expect = [](const std::string& found, const char* text) {
    EXPECT_NE(found.find(text), std::string::npos) << found;
  };
  expect(problems(with("indicatorRef: page-answers", "indicatorRef: page-answer")),
         "b-slo.yaml:11:17: there is no OpenSLO SLI \"page-answer\" (did you mean "
         "\"page-answers\"?)");
  expect(problems(with("alertPolicyRef: fast-burn", "alertPolicyRef: fastburn")),
         "did you mean \"fast-burn\"?");
  expect(problems(with("kind: SLO", "kind: SLOO")), "did you mean \"SLO\"?");
  expect(problems(with("openslo/v1", "openslo/v1alpha")), "did you mean \"openslo/v1\"?");
  expect(problems(with("timeSliceTarget: 0.99", "timeSlicesTarget: 0.99")),
         "did you mean \"timeSliceTarget\"?");
  expect(problems(with("budgetingMethod: Timeslices", "budgetingMethod: TimeSlices")),
         "did you mean \"Timeslices\"?");
  expect(problems(with("duration: 1M", "duration: 1m")), "did you mean \"1M\"?");
  expect(problems(with("service: checkout", "service: chekout")), "there is no Workload");
  expect(problems(with("threshold: 2", "treshold: 2")), "did you mean \"threshold\"?");
  expect(problems(with("alertAfter: 5m", "alertAfter: 5 minutes")), "b-slo.yaml:37:89: ");
  expect(problems(with("alertAfter: 5m", "alertAfter: 5 minutes")), "\"5 minutes\"");
  expect(problems(kSlo, with("type: Prometheus, conn", "type: Datadog, conn", kParts)),
         "only Prometheus can be asked");
  expect(problems(kSlo, with("type: prometheus", "type: Any", kParts)), "found \"Any\"");
}

/// Lines left out, doubled, cut and moved in: whatever comes of it is refused or read, never more.
TEST(OpenSlo, DocumentsThatWereMangledAreRefusedOrRead) {
  const std::string whole = std::string(kSlo) + "---" + kParts;
  std::uint64_t state = 42;
  const auto chance = [&](std::size_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  std::size_t refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> lines;
    for (const auto line : split(whole, '\n')) lines.emplace_back(line);
    for (std::size_t change = 0; change <= chance(3); ++change) {
      auto& line = lines[chance(lines.size())];
      const auto kind = chance(4);
      if (kind == 0) line.clear();
      if (kind == 1) line = lines[chance(lines.size())];
      if (kind == 2)
        line = line.substr(0, line.find(':') == std::string::npos ? 0 : line.find(':') + 1);
      if (kind == 3) line.insert(0, "  ");
    }
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    refused += check(load({{"a.yaml", kShop}, {"b.yaml", text}}), {}).problems.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 180U);
}

TEST(OpenSlo, AServiceSaysItsWorkloadByAnAnnotation) {
  const std::string service = std::string(kParts) + R"(
---
apiVersion: openslo/v1
kind: Service
metadata: {name: web-shop, annotations: {wellrun.io/workload: shop}}
spec: {description: the shop}
)";
  const auto text = with("service: checkout", "service: web-shop");
  ASSERT_EQ(problems(text, service), "");
  EXPECT_EQ(checked(text, service).wanted.find<Slo>("main-page-1")->service.name, "shop");
}

constexpr const char* kJourney = R"(
apiVersion: openslo/v1
kind: SLO
metadata: {name: Buying}
spec:
  description: A customer can buy
  service: checkout
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - displayName: search
      target: 0.99
      compositeWeight: 0.5
      indicatorRef: page-answers
    - targetPercent: 99.9
      indicator:
        metadata: {name: payments}
        spec:
          ratioMetric:
            good: {metricSource: {type: Prometheus, spec: {query: 'paid_total{ok="1"}'}}}
            total: {metricSource: {type: Prometheus, spec: {query: paid_total}}}
)";

TEST(OpenSlo, ObjectivesWithIndicatorsOfTheirOwnAreOneComposite) {
  ASSERT_EQ(problems(kJourney), "");
  const auto wanted = checked(kJourney).wanted;
  ASSERT_EQ(wanted.all<Slo>().size(), 1U);
  const auto& slo = *wanted.find<Slo>("buying");
  EXPECT_TRUE(slo.is_composite());
  EXPECT_DOUBLE_EQ(slo.target(), 0.999) << "who keeps the highest keeps all";
  const auto parts = slo.parts();
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].objective().display_name, "search");
  EXPECT_DOUBLE_EQ(parts[0].objective().composite_weight, 0.5);
  EXPECT_TRUE(parts[0].indicator.spec.ratio_metric->bad) << "of the SLI that it refers to";
  EXPECT_EQ(parts[1].objective().display_name, "payments") << "called as what it measures";
  EXPECT_DOUBLE_EQ(parts[1].target(), 0.999);
  EXPECT_TRUE(parts[1].indicator.spec.ratio_metric->good);
}

TEST(OpenSlo, ASingleObjectiveMayBringTheIndicator) {
  const std::string text = kJourney;
  const auto first = text.find("    - displayName: search");
  const auto second = text.find("    - targetPercent");
  const auto single = text.substr(0, first) + text.substr(second);
  ASSERT_EQ(problems(single), "");
  const auto wanted = checked(single).wanted;
  EXPECT_FALSE(wanted.find<Slo>("buying")->is_composite());
  EXPECT_TRUE(wanted.find<Slo>("buying")->indicator.spec.ratio_metric->good);
}

TEST(OpenSlo, ACompositeSaysWhatIsMissing) {
  const auto expect = [](const std::string& found, const char* text) {
    EXPECT_NE(found.find(text), std::string::npos) << found;
  };
  expect(problems(with("      indicatorRef: page-answers\n", "", kJourney)),
         "an objective of a composite needs an indicator of its own");
  expect(problems(with("  service: checkout\n",
                       "  service: checkout\n  indicatorRef: page-answers\n", kJourney)),
         "has no indicator of its own");
  expect(problems(with("indicatorRef: page-answers", "indicatorRef: page-answer", kJourney)),
         "did you mean \"page-answers\"?");
  expect(problems(with("compositeWeight: 0.5", "compositeWeight: 0", kJourney)), "above 0");
  const auto slices = with("budgetingMethod: Occurrences", "budgetingMethod: Timeslices", kJourney);
  expect(problems(slices), "need timeSliceTarget");
  expect(problems(with("    - targetPercent: 99.9\n",
                       "    - targetPercent: 99.9\n      timeSliceTarget: 0.9\n"
                       "      timeSliceWindow: 5m\n",
                       with("      target: 0.99\n",
                            "      target: 0.99\n      timeSliceTarget: 0.9\n"
                            "      timeSliceWindow: 1m\n",
                            slices))),
         "slices of one length");
}

TEST(Kpi, ACircleOfParentsIsRefusedWithItsNames) {
  const auto kpi = [](const char* name, const char* parent) {
    return fmt::format(
        "---\napiVersion: wellrun.io/v1\nkind: Kpi\nmetadata: {{name: {}}}\nspec: {{workload: "
        "shop, "
        "parent: {}, query: up, target: 1}}\n",
        name, parent);
  };
  const auto found = problems(
      kSlo, std::string(kParts) + kpi("a", "b") + kpi("b", "c") + kpi("c", "a") + kpi("d", "a"));
  EXPECT_NE(found.find("KPIs lead to each other in a circle: a -> b -> c -> a"), std::string::npos)
      << found;
  EXPECT_EQ(std::ranges::count(found, '\n'), 1) << found;
}

TEST(Kpi, MeasuresExactlyOneThing) {
  const auto found = problems(
      kSlo, std::string(kParts) +
                "---\napiVersion: wellrun.io/v1\nkind: Kpi\nmetadata: {name: a}\nspec: {workload: "
                "shop, target: 1}\n---\napiVersion: wellrun.io/v1\nkind: Kpi\nmetadata: {name: b}\n"
                "spec: {workload: shop, target: 1, operations: time-to-anwser}\n");
  EXPECT_NE(found.find("exactly one of query and operations"), std::string::npos) << found;
  EXPECT_NE(found.find("field \"operations\" must be one of"), std::string::npos) << found;
}

TEST(Slo, SaysWhatIsMissingOfItsKind) {
  const auto slo = [](const std::string& spec) {
    return "apiVersion: wellrun.io/v1\nkind: Slo\nmetadata: {name: s}\nspec:\n  service: shop\n" +
           spec;
  };
  const auto expect = [&](const std::string& spec, const char* text) {
    const auto found = problems(slo(spec));
    EXPECT_NE(found.find(text), std::string::npos) << found;
  };
  const std::string q = "{metricSource: {spec: {query: q}}}";
  expect("  indicator: {spec: {}}\n  objectives: [{target: 0.9}]\n", "exactly one of ratioMetric");
  expect("  indicator: {spec: {ratioMetric: {total: " + q + "}}}\n  objectives: [{target: 0.9}]\n",
         "exactly one of good, bad and raw");
  expect("  indicator: {spec: {ratioMetric: {raw: " + q + "}}}\n  objectives: [{target: 0.9}]\n",
         "raw needs rawType");
  expect("  indicator: {spec: {thresholdMetric: " + q + "}}\n  objectives: [{target: 0.9}]\n",
         "needs op");
  expect("  indicator: {spec: {ratioMetric: {good: " + q + ", total: " + q +
             "}}}\n  objectives: [{target: 0.9, targetPercent: 90}]\n",
         "exactly one of target and targetPercent");
  expect("  indicator: {spec: {ratioMetric: {good: " + q + ", total: " + q +
             "}}}\n  objectives: [{target: 0.9}]\n  budgetingMethod: Timeslices\n",
         "need timeSliceWindow");
  expect("  indicator: {spec: {ratioMetric: {good: " + q + ", total: " + q +
             "}}}\n  objectives: [{target: 0.9}]\n  timeWindow: [{duration: 1M, isRolling: "
             "false}]\n",
         "needs calendar");
}

TEST(Slo, ALongerWindowThanSamplesAreKeptIsNoted) {
  const auto notes = [](Duration retention, const std::string& more = "") {
    return check(load({{"a-shop.yaml", kShop}, {"b-slo.yaml", kSlo}, {"c.yaml", kParts + more}}),
                 {.retention = retention})
        .notes;
  };
  const auto found = notes(360h);
  ASSERT_EQ(found.size(), 2U) << "one each Slo";
  EXPECT_NE(found[0].message.find("30d long and samples are kept for 15d"), std::string::npos)
      << found[0].message;
  EXPECT_EQ(found[0].file, "b-slo.yaml");
  EXPECT_TRUE(notes(720h).empty());
  EXPECT_TRUE(notes({}).empty()) << "not known";
  EXPECT_TRUE(notes(360h,
                    "---\napiVersion: wellrun.io/v1\nkind: Retention\nmetadata: {name: r}\n"
                    "spec: {match: [requests_total], keep: 400d}\n")
                  .empty());
}

TEST(Slo, AHistogramIsGivenByTheSelectorOfItsBaseName) {
  const auto found = [](const std::string& histogram) {
    return problems(
        "apiVersion: wellrun.io/v1\nkind: Slo\nmetadata: {name: s}\nspec:\n"
        "  service: shop\n  objectives: [{target: 0.9}]\n"
        "  alerting: {windows: [{severity: ticket}]}\n"
        "  indicator:\n    spec:\n      latencyMetric:\n        threshold: 0.3\n"
        "        histogram: '" +
        histogram + "'\n");
  };
  for (const auto* good : {"x", " x ", "x{job=\"shop\",code!~\"5..\"}", "x {job=\"shop\"}"})
    EXPECT_EQ(found(good), "") << good;
  for (const auto* bad :
       {"rate(x[5m])", "sum(x)", "(x)", "x[5m]", "x offset 5m", "x @ 0", "{__name__=\"x\"}",
        "{job=\"shop\"}", "x + y", "1", "x{job=\"shop\"} # all", "x{a=\"{{.window}}\"}[1h]"}) {
    const auto text = found(bad);
    EXPECT_TRUE(text.starts_with("b-slo.yaml:12:20: histogram must be the selector"))
        << bad << text;
  }
  EXPECT_NE(found("x_bucket{job=\"shop\"}").find("write the histogram's base name, x:"),
            std::string::npos);
}

}  // namespace
}  // namespace wellrun::catalog
