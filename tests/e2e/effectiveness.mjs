// What alerts, KPIs and detectors are worth, and each kind of proposal with its back-test, on ninety days of a shop: the
// journal is imported, the samples are written, the answers are the server's.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { journalLines } from './journal_lines.mjs';
import { writeRequest } from './remote_write.mjs';
import { folder, run, runWith, serve } from './server.mjs';
import { factsOf, firings, operations, pastDays, samplesOf } from './shop_past.mjs';

/** A server that has watched the shop for ninety days, of which `days` are still measured. */
async function serveThePast(days) {
  const first = folder();
  const before = await serve(first, '--no-auth');
  const applied = await before.ask('POST', '/api/v1/catalog/apply', { documents: operations, commit: 'c0ffee', author: 'Ana' });
  assert.equal(applied.status, 200, await applied.text());
  await before.stop();
  const exported = (await run('journal', 'export', '--data', first)).stdout.trim().split('\n').map((line) => JSON.parse(line));

  const begin = Math.floor(Date.now() / 60_000) * 60_000 - pastDays * 86_400_000;
  const file = join(folder(), 'past.jsonl');
  writeFileSync(file, journalLines(factsOf(begin, exported.filter((line) => line.fact).map((line) => line.fact))));
  const data = join(folder(), 'data');
  const imported = await run('journal', 'import', file, '--data', data);
  assert.equal(imported.code, 0, imported.stderr);
  const server = await serve(data, '--no-auth', '--retention', '100d', '--out-of-order-window', '100y');
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
  for (const each of samplesOf(begin, days)) {
    const response = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body: writeRequest([each]) });
    assert.ok(response.ok, `${response.status} ${await response.text()}`);
  }
  return server;
}

const get = async (server, path) => {
  const response = await server.ask('GET', path);
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return response.json();
};

test('ninety days of a shop say what each alert, KPI and detector is worth', async () => {
  const server = await serveThePast(pastDays);
  const { items } = await get(server, '/api/v1/effectiveness');
  const of = (subject) => items.find((it) => it.subject === subject);
  const failures = firings('ErrorsHigh').length;
  assert.equal(failures, 8);

  const errors = of('rules/shop/ErrorsHigh');
  assert.deepEqual([errors.spoke, errors.precision, errors.told, errors.lead_s], [failures, 1, failures, 600]);
  const queue = of('rules/shop/QueueLong');
  assert.deepEqual([queue.spoke, queue.right, queue.noise], [failures + 45, failures, 45], 'an incident that nobody touched is none');
  assert.equal(of('rules/shop/NeverThere').never_fired, true);
  const batch = of('rules/shop/BatchBusy');
  assert.deepEqual([batch.precision, batch.never_looked_at, batch.never_changed_a_decision], [0, true, true]);
  const detector = of('detectors/shop');
  assert.deepEqual([detector.spoke, detector.precision], [failures + 2, 1]);
  assert.equal(detector.recall, (failures + 2) / (failures + 6), 'of the failures, two drifts, three losses and one that nothing measures');
  assert.deepEqual([of('kpis/orders').spoke, of('kpis/orders').lead_s], [3, 19 * 60]);
  assert.equal(of('kpis/visitors').never_looked_at, true);

  const proposals = (await get(server, '/api/v1/effectiveness/proposals')).items;
  const proposed = (what, subject) => {
    const found = proposals.find((it) => it.what === what && it.subject === subject);
    assert.ok(found, `${what} ${subject} of ${proposals.map((it) => `${it.what} ${it.subject}`).join(', ')}`);
    return found;
  };
  const summary = ({ firings: fired, firings_without_incident: noise, incidents, incidents_told: told }) => [fired, noise, told, incidents];
  const real = failures + 6;

  const raise = proposed('raise', 'rules/shop/QueueLong');
  assert.equal(raise.rule.for, '5m');
  assert.deepEqual(summary(raise.backtest.now[0]), [failures + 45, 45, failures, real], 'as the journal has it');
  assert.deepEqual(summary(raise.backtest.summary), [failures, 0, failures, real]);
  assert.equal(raise.backtest.supports, true);

  const silent = proposed('delete', 'rules/shop/NeverThere');
  assert.deepEqual([silent.backtest.supports, silent.backtest.text], [true, 'nothing was measured of dropped_messages']);
  const wrong = proposed('delete', 'rules/shop/BatchBusy');
  assert.deepEqual([summary(wrong.backtest.now[0]), wrong.backtest.supports], [[15, 15, 0, real], true]);
  const unread = proposed('delete', 'kpis/visitors');
  assert.deepEqual([summary(unread.backtest.now[0]), unread.backtest.supports], [[0, 0, 0, real], true]);

  const merge = proposed('merge', 'rules/shop/ErrorsHigh');
  assert.equal(merge.support.with, 'rules/shop/SlowAnswers');
  assert.deepEqual([summary(merge.backtest.summary), merge.backtest.supports], [[failures, 0, failures, real], true]);

  const kpi = proposed('add', 'kpis/orders');
  assert.deepEqual([summary(kpi.backtest.summary), kpi.backtest.supports], [[3, 0, 3, 3], true]);
  const unusual = proposed('add', 'detectors/shop');
  assert.deepEqual([summary(unusual.backtest.summary), unusual.backtest.supports], [[2, 0, 2, 2], true]);
  const unseen = proposed('add', 'workloads/shop');
  assert.deepEqual([unseen.support.incidents.length, unseen.backtest], [1, null]);
  assert.equal(proposals.length, 8);

  const cli = async (...words) => (await runWith({ WELLRUN_SERVER: server.url }, ...words)).stdout;
  assert.match(await cli('effectiveness', 'list'), /rules\/shop\/QueueLong +53 +8 +45 +15\.09 %/);
  const told = await cli('effectiveness', 'proposals');
  assert.match(told, /raise +rules\/shop\/QueueLong was noise 45 of 53 times.* yes +in 90 d, as it is: fires 53 times, 45 of them without an incident/);

  // A person's word counts at once: the newest alert of the queue was during a failure, and is called noise all the same.
  const recent = (await get(server, '/api/v1/effectiveness')).recent.find((it) => it.subject === 'rules/shop/QueueLong');
  await cli('alert', 'verdict', recent.fingerprint, '--verdict', 'noise', '--comment', 'the queue was not it');
  const after = (await get(server, '/api/v1/effectiveness')).items.find((it) => it.subject === 'rules/shop/QueueLong');
  assert.deepEqual([after.verdicts, after.right, after.noise], [1, failures - 1, 46]);
  await server.stop();
});

test('a back-test goes as far back as was measured, and says when that is too little', async () => {
  const server = await serveThePast(15);
  const { items } = await get(server, '/api/v1/effectiveness/proposals');
  const raise = items.find((it) => it.what === 'raise');
  assert.match(raise.backtest.text, /^in 1[45] d, as it is: fires/);
  assert.equal(raise.backtest.supports, true);
  const unusual = items.find((it) => it.subject === 'detectors/shop');
  assert.equal(unusual.backtest.supports, null, 'the last drift was twenty days ago');
  await server.stop();
});
