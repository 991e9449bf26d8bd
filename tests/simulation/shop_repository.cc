#include "simulation/story.h"

namespace wellrun::simulation {

std::string shop_repository() {
  return R"(apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: mail}
spec: {type: email, smtp: "mail.example:25", from: wellrun@shop.example}
---
apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: chat}
spec: {type: webhook, url: "https://chat.example/pages"}
---
apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: phone}
spec: {type: webhook, url: "https://phone.example/calls"}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, contacts: [{channel: mail, address: ana@shop.example}, {channel: chat}]}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ben}
spec: {displayName: Ben, contacts: [{channel: mail, address: ben@shop.example}]}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: chloe}
spec: {displayName: Chloe, contacts: [{channel: mail, address: chloe@shop.example}, {channel: phone}]}
---
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: storefront}
spec: {members: [ana, ben, chloe], channel: chat}
---
apiVersion: wellrun.io/v1
kind: Schedule
metadata: {name: primary}
spec: {timeZone: Europe/Berlin, start: 2026-01-05T08:00:00Z, rotation: [ana, ben], shift: 7d, handover: monday 09:00}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: storefront}
spec:
  levels:
    - {schedules: [primary], acknowledgeWithin: 5m}
    - {persons: [chloe], acknowledgeWithin: 10m}
  repeat: 3
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec:
  description: Takes orders
  owner: storefront
  tier: 1
  escalationPolicy: storefront
  communicationPlan: customers
---
apiVersion: wellrun.io/v1
kind: Component
metadata: {name: checkout}
spec: {workload: shop, service: shop, signals: [metrics]}
---
apiVersion: wellrun.io/v1
kind: Environment
metadata: {name: production}
spec: {production: true}
---
apiVersion: wellrun.io/v1
kind: StatusPage
metadata: {name: public}
spec: {title: Shop status, components: [{name: Buying, workload: shop}]}
---
apiVersion: wellrun.io/v1
kind: CommunicationPlan
metadata: {name: customers}
spec: {workload: shop, statusPage: public, severities: [1, 2], updateEvery: 30m, autoPost: true}
---
apiVersion: wellrun.io/v1
kind: Kpi
metadata: {name: order-success}
spec:
  workload: shop
  description: Share of orders that are taken
  query: sum(rate(shop_orders_total{outcome="ok"}[30s])) / sum(rate(shop_orders_total[30s]))
  unit: ratio
  direction: higher
  target: 0.99
  interval: 15s
---
apiVersion: wellrun.io/v1
kind: Slo
metadata: {name: orders}
spec:
  service: shop
  description: Orders are taken
  kpi: order-success
  procedure: switch-back
  indicator:
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {spec: {query: 'shop_orders_total{outcome="ok"}'}}}
        total: {metricSource: {spec: {query: shop_orders_total}}}
  timeWindow: [{duration: 30m, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: orders taken, target: 0.99}]
  alerting:
    minimumEvents: 20
    windows:
      - {severity: page, long: 1m, short: 20s, burnRate: 10}
---
apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: shop}
spec:
  workload: shop
  interval: 15s
  rules:
    - record: shop:orders:rate1m
      expr: sum(rate(shop_orders_total[1m]))
    - alert: OrdersFail
      expr: sum(rate(shop_orders_total{outcome="failed"}[1m])) > 0.5
      for: 30s
      labels: {severity: ticket}
      annotations: {summary: "{{ $value }} orders fail each second"}
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: switch-back}
spec:
  title: Switch the new price engine off
  owner: storefront
  workload: shop
  steps:
    - name: look
      query: {expr: 'sum(rate(shop_orders_total{outcome="failed"}[20s]))', condition: "> 0.1", within: 30s, every: 5s}
    - name: agree
      approve: {role: responder, prompt: "Switch it off?"}
    - name: switch off
      http: {method: PUT, url: "http://shop.example/flags/new-pricing", body: '{"enabled": false}'}
      repeatable: true
      retries: 3
    - name: refund
      run: {command: refund-failed-orders}
    - name: settle
      wait: {duration: 20s}
    - name: recovered
      query: {expr: 'sum(rate(shop_orders_total{outcome="failed"}[20s]))', condition: "< 0.1", within: 2m, every: 5s}
---
apiVersion: wellrun.io/v1
kind: Automation
metadata: {name: propose-switching-back}
spec: {on: incident.opened, when: {workload: shop}, runbook: switch-back, limits: {maxPerHour: 3, cooldown: 30s}}
)";
}

}  // namespace wellrun::simulation
