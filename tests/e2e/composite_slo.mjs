// A composite of OpenSLO, seen from outside: applied as it is, measured from what was written, said by report and command
// line with each of its objectives.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { writeRequest } from './remote_write.mjs';
import { folder, runWith, serve } from './server.mjs';

const operations = `apiVersion: wellrun.io/v1
kind: Team
metadata: {name: storefront}
spec: {email: team@shop.example}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: nobody}
spec: {levels: [{persons: [ana]}]}
---
apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: mail}
spec: {type: email, smtp: "127.0.0.1:9", from: w@shop.example}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, contacts: [{channel: mail, address: ana@shop.example}]}
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {owner: storefront, tier: 2, escalationPolicy: nobody}
`;

const journey = `apiVersion: openslo/v1
kind: SLI
metadata: {name: requests-answered}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {type: Prometheus, spec: {query: 'requests_total{code="500"}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: requests_total}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: Buying}
spec:
  description: A customer can buy
  service: shop
  timeWindow: [{duration: 1d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {displayName: requests, target: 0.99, compositeWeight: 0.5, indicatorRef: requests-answered}
    - target: 0.9
      indicator:
        metadata: {name: payments}
        spec:
          ratioMetric:
            counter: true
            good: {metricSource: {type: Prometheus, spec: {query: 'payments_total{ok="1"}'}}}
            total: {metricSource: {type: Prometheus, spec: {query: payments_total}}}
`;

/** Counters that grew by this much in each minute of the last day and a little more. */
function counters(perMinute) {
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  return perMinute.map(([labels, step]) => ({
    labels,
    samples: Array.from({ length: 25 * 60 }, (_, i) => [now - (25 * 60 - 1 - i) * 60_000, i * step]),
  }));
}

test('a journey burns as fast as its objectives together, and says which of them', async () => {
  const at = folder();
  const ops = join(at, 'ops');
  mkdirSync(ops);
  writeFileSync(join(ops, 'ops.yaml'), operations);
  writeFileSync(join(ops, 'journey.yaml'), journey);
  const server = await serve(join(at, 'data'), '--no-auth');
  const cli = (...args) => runWith({ WELLRUN_SERVER: server.url }, ...args);
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
  const body = writeRequest(
    counters([
      [{ __name__: 'requests_total', code: '200' }, 992],
      [{ __name__: 'requests_total', code: '500' }, 8],
      [{ __name__: 'payments_total', ok: '1' }, 95],
      [{ __name__: 'payments_total', ok: '0' }, 5],
    ]),
  );
  const written = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body });
  assert.ok(written.ok, await written.text());
  const applied = await cli('apply', ops);
  assert.equal(applied.code, 0, applied.stderr);

  let slo;
  for (let i = 0; i < 90 && typeof slo?.sli !== 'number'; i++) {
    await pause(1000);
    slo = (await (await fetch(`${server.url}/api/v1/reports/error-budget?slo=buying`)).json()).items[0];
  }
  assert.equal(slo.indicator, 'composite');
  assert.equal(slo.target, 0.99, 'the highest of its objectives');
  assert.deepEqual(slo.objectives.map(({ name }) => name), ['requests', 'payments']);
  const near = (found, wanted, what) => assert.ok(Math.abs(found - wanted) < 0.02, `${what}: ${found}, not ${wanted}`);
  const [requests, payments] = slo.objectives;
  near(requests.budget_remaining, 1 - 0.8, 'eight of ten allowed in a thousand');
  near(payments.budget_remaining, 1 - 0.5, 'five of ten allowed in a hundred');
  near(slo.budget_remaining, 1 - (0.5 * 0.8 + 0.5), 'half of what requests use, and what payments do');
  near(slo.burn_down.at(-1).remaining, slo.budget_remaining, 'where the burn-down ends');

  const said = await cli('slo', 'report', 'buying');
  assert.match(said.stdout, /of which {2}requests: 99\.2.*% of 99% promised.*weight 0\.5/);
  assert.match(said.stdout, /of which {2}payments: /);
  const mixed = journey.replace('  service: shop\n', '  service: shop\n  indicatorRef: requests-answered\n');
  writeFileSync(join(ops, 'journey.yaml'), mixed);
  const refused = await cli('check', ops);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout + refused.stderr, /journey\.yaml:\d+:\d+: a composite, an Slo of several objectives, has no indicator of its own/);
  await server.stop();
});
