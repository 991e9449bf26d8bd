#include "catalog/catalog_cli.h"

namespace wellrun::catalog {
namespace {

constexpr const char* kPeople =
    R"yaml(# Who there is, and how to reach them. `wellrun check` refuses a person who would be paged and has no contacts.
apiVersion: wellrun.io/v1
kind: Person
metadata:
  name: ana
spec:
  displayName: Ana Example
  email: ana@example.org
  timeZone: Europe/Berlin
  contacts:
    - channel: mail
      address: ana@example.org
---
apiVersion: wellrun.io/v1
kind: Person
metadata:
  name: ben
spec:
  displayName: Ben Example
  email: ben@example.org
  timeZone: Europe/Berlin
  contacts:
    - channel: mail
      address: ben@example.org
---
# A team owns workloads and answers for them.
apiVersion: wellrun.io/v1
kind: Team
metadata:
  name: shop
spec:
  description: Builds and runs the shop.
  members: [ana, ben]
  email: shop@example.org
)yaml";

constexpr const char* kOnCall =
    R"yaml(# How messages go out. Passwords are never written here: passwordRef: env:SMTP_PASSWORD
apiVersion: wellrun.io/v1
kind: Channel
metadata:
  name: mail
spec:
  type: email
  smtp: localhost:25
  from: wellrun@example.org
---
# Ana and Ben take turns by the week. The hand-over stays at nine in the morning when the clocks change.
apiVersion: wellrun.io/v1
kind: Schedule
metadata:
  name: shop
spec:
  timeZone: Europe/Berlin
  start: 2026-01-05T09:00:00+01:00
  handover: monday 09:00
  shift: 7d
  rotation: [ana, ben]
---
# Whoever is on call is paged first; after ten minutes without an answer, both.
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata:
  name: shop
spec:
  levels:
    - schedules: [shop]
      acknowledgeWithin: 10m
    - persons: [ana, ben]
)yaml";

constexpr const char* kWorkload = R"yaml(# What is run for whom. Tier 1 is the most important.
apiVersion: wellrun.io/v1
kind: Workload
metadata:
  name: shop
spec:
  displayName: Shop
  description: Customers choose and pay here.
  owner: shop
  tier: 1
  customerFacing: true
  escalationPolicy: shop
  communicationPlan: shop
  playbook: first-look
---
# Its parts. `service` (default: the name) is what OpenTelemetry calls service.name.
apiVersion: wellrun.io/v1
kind: Component
metadata:
  name: checkout
spec:
  workload: shop
  description: Takes the order and the payment.
  externalDependencies: [payment provider]
  signals: [metrics, logs, traces]
---
apiVersion: wellrun.io/v1
kind: Environment
metadata:
  name: production
spec:
  production: true
  order: 2
---
# What the business put first.
apiVersion: wellrun.io/v1
kind: Priority
metadata:
  name: orders-come-through
spec:
  statement: A customer who wants to pay can pay.
  sponsor: ana
  workloads: [shop]
)yaml";

constexpr const char* kHealth = R"yaml(# A figure that says whether the outcome is reached.
apiVersion: wellrun.io/v1
kind: Kpi
metadata:
  name: orders-per-minute
spec:
  workload: shop
  outcome: Customers buy.
  query: sum(rate(shop_orders_total[5m])) * 60
  unit: orders/min
  target: 10
  atRisk: 12
---
# A promise, and an error budget that alerts when it burns too fast (the windows are the SRE Workbook's).
apiVersion: wellrun.io/v1
kind: Slo
metadata:
  name: checkout-succeeds
spec:
  service: shop
  description: 99.9 % of checkouts succeed over 28 days.
  kpi: orders-per-minute
  indicator:
    spec:
      ratioMetric:
        good:
          metricSource:
            spec:
              query: shop_checkouts_total{outcome="success"}
        total:
          metricSource:
            spec:
              query: shop_checkouts_total
  objectives:
    - target: 0.999
---
# Metrics are kept for 15 days; what the promise is counted from, for longer than it looks back.
apiVersion: wellrun.io/v1
kind: Retention
metadata:
  name: promises
spec:
  match:
    - shop_checkouts_total
  keep: 35d
---
# Prometheus' rules. `severity: page` pages, `severity: ticket` opens an event.
apiVersion: wellrun.io/v1
kind: RuleGroup
metadata:
  name: shop
spec:
  workload: shop
  rules:
    - alert: CheckoutDown
      expr: up{job="checkout"} == 0
      for: 2m
      labels:
        severity: page
      annotations:
        summary: Checkout does not answer on {{ $labels.instance }}.
      procedure: first-look
---
# Where metrics are fetched. Services that send OTLP need none of this.
apiVersion: wellrun.io/v1
kind: Scrape
metadata:
  name: checkout
spec:
  component: checkout
  targets: ["localhost:9100"]
)yaml";

constexpr const char* kRunbooks =
    R"yaml(# What to do first. Steps are carried out by the server, and go on after a restart.
apiVersion: wellrun.io/v1
kind: Runbook
metadata:
  name: first-look
spec:
  title: First look at the shop
  workload: shop
  inputs:
    - name: instance
      description: Which instance to look at.
      default: localhost:9100
  steps:
    - name: is-it-up
      http:
        url: "http://{{inputs.instance}}/health"
        privateAddresses: true # whoever starts it names the host: here, it may be one of the inside
    - name: wait-for-recovery
      query:
        expr: min(up{job="checkout"})
        condition: "== 1"
        within: 5m
---
# Starts it by itself when an incident of the shop opens. dryRun only records what it would have started.
apiVersion: wellrun.io/v1
kind: Automation
metadata:
  name: look-at-once
spec:
  on: incident.opened
  when:
    workload: shop
  runbook: first-look
  dryRun: true
)yaml";

constexpr const char* kCustomers = R"yaml(# What customers see, and when they are told.
apiVersion: wellrun.io/v1
kind: StatusPage
metadata:
  name: public
spec:
  title: Shop status
  components:
    - name: Checkout
      workload: shop
---
apiVersion: wellrun.io/v1
kind: CommunicationPlan
metadata:
  name: shop
spec:
  workload: shop
  statusPage: public
  updateEvery: 30m
)yaml";

}  // namespace

Files example_repository() {
  return {{"people.yaml", kPeople}, {"on-call.yaml", kOnCall},    {"workload.yaml", kWorkload},
          {"health.yaml", kHealth}, {"runbooks.yaml", kRunbooks}, {"customers.yaml", kCustomers}};
}

}  // namespace wellrun::catalog
