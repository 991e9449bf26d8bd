// Ninety days of a shop: what was measured each minute, which rules fired on it, which incidents people worked on. One
// description gives both the samples and the facts, so that what the journal says is what a rule finds on the samples.

const kMinute = 60_000;
const kHour = 60 * kMinute;
const kDay = 24 * kHour;
export const pastDays = 90;

export const operations = `apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, contacts: [{channel: mail, address: ana@shop.example}]}
---
apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: mail}
spec: {type: email, smtp: "127.0.0.1:9", from: w@shop.example}
---
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: storefront}
spec: {members: [ana], email: team@shop.example}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: ana}
spec: {levels: [{persons: [ana]}]}
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {owner: storefront, tier: 2, escalationPolicy: ana, playbook: look}
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: look}
spec: {title: Look at the queue, owner: storefront, steps: [{name: look, run: {command: uptime}}]}
---
apiVersion: wellrun.io/v1
kind: Kpi
metadata: {name: orders}
spec: {workload: shop, query: orders_per_minute, target: 300, interval: 1m}
---
apiVersion: wellrun.io/v1
kind: Kpi
metadata: {name: visitors}
spec: {workload: shop, query: visitors_per_minute, target: 10, interval: 1m}
---
apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: shop}
spec:
  workload: shop
  interval: 1m
  rules:
    - {alert: QueueLong, expr: queue_length > 100, labels: {severity: page}}
    - {alert: ErrorsHigh, expr: error_ratio > 0.05, for: 2m, labels: {severity: ticket}}
    - {alert: SlowAnswers, expr: answer_seconds > 2, for: 3m, labels: {severity: ticket}}
    - {alert: BatchBusy, expr: batch_cpu > 0.9, for: 10m, labels: {severity: ticket}}
    - {alert: NeverThere, expr: dropped_messages > 0, labels: {severity: ticket}}
`;

// What happened, each from a day and an hour of the past.
const at = (day, hour) => day * kDay + hour * kHour;
const every = (days, from, hour) => Array.from({ length: Math.ceil((pastDays - from) / days) }, (_, i) => at(from + i * days, hour));
const within = (starts, length) => (time) => starts.some((start) => time >= start && time < start + length);

/** A short spike of the queue every second day: it opens an incident, and nobody has to do anything. */
const spikes = every(2, 1, 5);
/** A release that fails: errors and slow answers together, and the queue grows; somebody acts. */
const failures = every(12, 5, 14);
/** The batch of every sixth night: as it should be. */
const batches = every(6, 2, 1);
/** Orders fall, and a customer calls before anything else says so. */
const losses = every(30, 20, 10);
/** Stock runs out of step: of what is measured only the baselines notice, and they page nobody. */
const drifts = [at(40, 11), at(70, 11)];
/** Something that is measured nowhere. */
const unseen = [at(50, 16)];

const isSpike = within(spikes, 3 * kMinute);
const isFailure = within(failures, 40 * kMinute);
const isBatch = within(batches, 3 * kHour);
const isLoss = within(losses, 90 * kMinute);
const isDrift = within(drifts, 60 * kMinute);

const metrics = {
  queue_length: (time) => (isSpike(time) || isFailure(time) ? 150 : 40),
  error_ratio: (time) => (isFailure(time) ? 0.2 : 0.001),
  answer_seconds: (time) => (isFailure(time) ? 4 : 0.3),
  batch_cpu: (time) => (isBatch(time) ? 0.97 : 0.2),
  orders_per_minute: (time) => (isLoss(time) ? 120 : 400),
  visitors_per_minute: () => 80,
};

/** Samples of `days` up to the end, a minute apart: as remote_write.mjs takes them. */
export function samplesOf(begin, days) {
  const from = (pastDays - days) * kDay;
  const measured = (labels, valueAt) => {
    const samples = [];
    for (let time = from; time < pastDays * kDay; time += kMinute) samples.push([begin + time, valueAt(time)]);
    return { labels, samples };
  };
  const score = { __name__: 'wellrun:baseline:score', baseline: 'baseline/stock', workload: 'shop', metric: 'stock' };
  return [...Object.entries(metrics).map(([name, valueAt]) => measured({ __name__: name, job: 'shop' }, valueAt)), measured(score, (time) => (isDrift(time) ? 0.8 : 0.1))];
}

const alerts = {
  QueueLong: { isTrue: (time) => metrics.queue_length(time) > 100, hold: 0, fingerprint: '00000000000000a1' },
  ErrorsHigh: { isTrue: isFailure, hold: 2 * kMinute, fingerprint: '00000000000000a2' },
  SlowAnswers: { isTrue: isFailure, hold: 3 * kMinute, fingerprint: '00000000000000a3' },
  BatchBusy: { isTrue: isBatch, hold: 10 * kMinute, fingerprint: '00000000000000a4' },
};

/** When each alert fired and ended, minute by minute, as Prometheus' `for` has it. */
export function firings(name) {
  const { isTrue, hold } = alerts[name];
  const found = [];
  let since;
  for (let time = 0; time < pastDays * kDay; time += kMinute) {
    if (!isTrue(time)) {
      if (found.at(-1)?.open) Object.assign(found.at(-1), { to: time, open: false });
      since = undefined;
      continue;
    }
    since ??= time;
    if (time - since >= hold && !found.at(-1)?.open) found.push({ since, from: time, open: true });
  }
  return found;
}

function alertFacts(begin, name) {
  const { fingerprint } = alerts[name];
  const severity = name === 'QueueLong' ? 'page' : 'ticket';
  const about = { fingerprint, alert: name, labels: { alertname: name, severity, job: 'shop' }, workload: 'shop', severity };
  return firings(name).flatMap(({ since, from, to }) => [
    { time: begin + from, stream: `alert/${fingerprint}`, type: 'alert.fired', body: { ...about, annotations: {}, value: 1, expr: '', procedure: '', source: 'rule', slo: '', kpi: '', active_since: new Date(begin + since).toISOString(), rule: `rules/shop/${name}`, evidence: null } },
    { time: begin + to, stream: `alert/${fingerprint}`, type: 'alert.resolved', body: { ...about, reason: 'no longer true' } },
  ]);
}

function incidentFacts(begin, number, { opened, acknowledged, resolved, fingerprint = '', title }) {
  const incident = `inc-${String(number).padStart(4, '0')}`;
  const stream = `incident/${incident}`;
  const person = { actor: 'person:ana' };
  const facts = [{ time: begin + opened, stream, type: 'incident.opened', body: { incident, title, workload: 'shop', severity: 3, fingerprint, alert: '', value: null, labels: {}, kpi: '', procedure: '', policy: '', reason: '', by: fingerprint ? '' : 'ana' }, ...(fingerprint ? {} : person) }];
  if (acknowledged) facts.push({ time: begin + acknowledged, stream, type: 'incident.acknowledged', body: { incident, by: 'ana', via: 'page' }, ...person });
  facts.push({ time: begin + resolved, stream, type: 'incident.resolved', body: { incident, by: fingerprint && !acknowledged ? '' : 'ana', reason: 'well again' }, ...(fingerprint && !acknowledged ? {} : person) });
  return facts;
}

function kpiFacts(begin) {
  const about = { kpi: 'orders', workload: 'shop', target: 300 };
  return losses.flatMap((start) => [
    { time: begin + start + kMinute, stream: 'kpi/orders', type: 'kpi.status_changed', body: { ...about, from: 'on_target', to: 'missed', value: 120 } },
    { time: begin + start + 91 * kMinute, stream: 'kpi/orders', type: 'kpi.status_changed', body: { ...about, from: 'missed', to: 'on_target', value: 400 } },
  ]);
}

/** Each failure and each drift made a finding, a minute after it began. */
function findingFacts(begin) {
  return [...failures, ...drifts].flatMap((start, index) => {
    const finding = `find-${String(index + 1).padStart(4, '0')}`;
    const about = { finding, workload: 'shop' };
    return [
      { time: begin + start + kMinute, stream: `finding/${finding}`, type: 'finding.opened', body: { ...about, since: new Date(begin + start).toISOString(), summary: 'two series are unusual', anomalies: [], anomaly_count: 2, causes: [] } },
      { time: begin + start + 41 * kMinute, stream: `finding/${finding}`, type: 'finding.closed', body: { ...about, reason: 'as usual again' } },
    ];
  });
}

/** What the journal says of it. `applied`: facts of the catalog, as `journal export` gave them. */
export function factsOf(begin, applied) {
  const incidents = [
    ...failures.map((start) => ({ title: 'a release failed', opened: start + 2 * kMinute, acknowledged: start + 12 * kMinute, resolved: start + kHour, fingerprint: alerts.ErrorsHigh.fingerprint })),
    ...spikes.map((start) => ({ title: 'the queue is long', opened: start, resolved: start + 5 * kMinute, fingerprint: alerts.QueueLong.fingerprint })),
    ...drifts.map((start) => ({ title: 'sold what is not there', opened: start + 30 * kMinute, resolved: start + 80 * kMinute })),
    ...losses.map((start) => ({ title: 'a customer called', opened: start + 20 * kMinute, resolved: start + 90 * kMinute })),
    ...unseen.map((start) => ({ title: 'invoices were wrong', opened: start, resolved: start + kHour })),
  ].sort((a, b) => a.opened - b.opened);
  return [
    ...applied.map((fact) => ({ ...fact, time: begin - kDay })),
    ...Object.keys(alerts).flatMap((name) => alertFacts(begin, name)),
    ...incidents.flatMap((incident, index) => incidentFacts(begin, index + 1, incident)),
    ...kpiFacts(begin),
    ...findingFacts(begin),
  ];
}
