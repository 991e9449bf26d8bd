// Baselines, seen from outside: learned from stored history, kept over kill -9, usable in PromQL and rules, grouped into
// findings.
import assert from 'node:assert/strict';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { writeRequest } from './remote_write.mjs';
import { folder, run, runWith, serve } from './server.mjs';

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
---
apiVersion: wellrun.io/v1
kind: Component
metadata: {name: checkout}
spec: {workload: shop}
---
apiVersion: wellrun.io/v1
kind: Kpi
metadata: {name: load}
spec: {workload: shop, query: sum(load), target: 1, interval: 5s}
---
apiVersion: wellrun.io/v1
kind: Baseline
metadata: {name: load}
spec: {workload: shop, query: load, interval: 1s, learnFrom: 2d}
---
apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: unusual}
spec:
  workload: shop
  interval: 1s
  rules:
    - alert: LoadUnusual
      expr: max_over_time(wellrun:baseline:score{baseline="baseline/load"}[10m]) >= 0.6
      labels: {severity: ticket}
`;

const step = 30_000;
const noise = (time, host) => ((Math.imul((time / step) | 0, 2654435761) + host * 40503) >>> 8) % 1000;
const usual = (time, host) => 100 + 30 * Math.sin((2 * Math.PI * time) / 86_400_000) + noise(time, host) / 200;

async function write(server, from, to, value = usual) {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
  const series = ['a', 'b'].map((host, index) => {
    const samples = [];
    for (let time = from + step; time <= to; time += step) samples.push([time, value(time, index)]);
    return { labels: { __name__: 'load', component: 'checkout', host }, samples };
  });
  const response = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body: writeRequest(series) });
  assert.ok(response.ok, `${response.status} ${await response.text()}`);
}

async function until(condition, what, seconds = 60) {
  let last;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(200)) {
    last = await condition();
    if (last) return last;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

test('a baseline is learned from history, survives kill -9, alerts, and makes a finding with its cause', async () => {
  const data = folder();
  const ops = join(data, 'ops');
  mkdirSync(ops);
  writeFileSync(join(ops, 'ops.yaml'), operations);
  const store = join(data, 'data');
  let server = await serve(store, '--no-auth');
  const get = async (path) => {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
    return response.json();
  };
  const cli = async (...args) => {
    const result = await runWith({ WELLRUN_SERVER: server.url }, ...args);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  const baselines = async () => (await get('/api/v1/baselines?workload=shop')).items;
  const value = async (query) => (await get(`/api/v1/query?query=${encodeURIComponent(query)}`)).data.result;

  const now = Math.floor(Date.now() / step) * step - 6 * step;
  await write(server, now - 36 * 3600_000, now);
  await cli('apply', ops);
  const learned = await until(async () => {
    const items = await baselines();
    return items.length === 3 && items.every(({ phase }) => phase === 'watching') && items;
  }, 'three series that are watched');
  assert.deepEqual(learned.map(({ watch }) => watch).sort(), ['baseline/load', 'baseline/load', 'kpi/load']);
  const [one] = learned.filter(({ watch }) => watch === 'baseline/load');
  assert.ok(one.lower < one.expected && one.expected < one.upper, JSON.stringify(one));
  assert.ok(Math.abs(one.expected - one.value) < 15, JSON.stringify(one));
  assert.match(one.explanation, /as usual/);
  const inside = 'count(load <= on (component, host) wellrun:baseline:upper{baseline="baseline/load"})';
  assert.equal((await value(inside))[0].value[1], '2', 'an ordinary series in PromQL');
  assert.equal((await value('count(wellrun:baseline:expected{workload="shop", metric="load", component="checkout"})'))[0].value[1], '2');
  const detail = await get(`/api/v1/baselines/${one.id}`);
  assert.ok(detail.points >= 36 * 120 - 10 && detail.watched_by.series === 2, JSON.stringify(detail));
  const history = await get(`/api/v1/baselines/${one.id}/history?start=${new Date(now - 3600_000).toISOString()}&end=${new Date(now).toISOString()}`);
  assert.ok(history.points.length >= 110 && history.points.every((it) => it.lower <= it.upper), String(history.points.length));

  await server.stop('SIGKILL');
  server = await serve(store, '--no-auth');
  const again = await until(async () => {
    const items = await baselines();
    return items.length === 3 && items.every(({ phase }) => phase === 'watching') && items;
  }, 'the same series after kill -9');
  assert.deepEqual(again.map(({ id }) => id).sort(), learned.map(({ id }) => id).sort());
  assert.ok(again.every((it) => it.points >= 36 * 120 - 10), 'what was learned is not learned twice');

  await cli('deploy', 'record', '--workload', 'shop', '--component', 'checkout', '--version', '2.0.0');
  await write(server, now, now + 5 * step, () => 900);
  const unusual = await until(async () => (await get('/api/v1/baselines?phase=anomalous')).items.find(({ watch }) => watch === 'baseline/load'), 'an anomaly');
  assert.match(unusual.explanation, /900 where .* is expected; not once before/);
  assert.ok(unusual.score !== null && unusual.since);
  const [alert] = await until(async () => {
    const { items } = await get('/api/v1/journal?type=alert.fired&limit=10');
    return items.length > 0 && items;
  }, 'an alert over the score');
  assert.equal(alert.body.alert, 'LoadUnusual');
  assert.equal(alert.body.workload, 'shop');
  const finding = await until(async () => {
    const { items } = await get('/api/v1/findings?workload=shop&state=open');
    return items.find((it) => it.anomaly_count >= 2);
  }, 'one finding of both series', 150); // what joins it is told at most once a minute
  assert.equal((await get('/api/v1/findings')).items.length, 1);
  assert.ok(finding.anomalies.every((it) => it.component === 'checkout' || it.watch === 'kpi/load'));
  assert.match(finding.causes.map(({ why }) => why).join('\n'), /unusual series are its own/);

  const listed = await cli('baselines', 'list', '--workload', 'shop');
  assert.match(listed, /ID +PHASE +SCORE/);
  assert.match(await cli('baselines', 'show', unusual.id), /explanation +.*900 where/);
  assert.equal(JSON.parse(await cli('baselines', 'list', '--output', 'json')).items.length, 3);
  assert.match(await cli('findings', 'show', finding.id), /CAUSE +NAME +SCORE/);
  const help = await run('baselines', 'list', '--help');
  assert.match(help.stdout, /wellrun baselines list --workload shop/);
  const missing = await runWith({ WELLRUN_SERVER: server.url }, 'baselines', 'show', 'nothing');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /GET \/api\/v1\/baselines lists them/);
  await server.stop();
});

test('a disk that fills is foretold with its error on the past, and is an alert when it was foretold twice', async () => {
  const at = folder();
  const ops = join(at, 'ops');
  mkdirSync(ops);
  writeFileSync(join(ops, 'ops.yaml'), operations);
  const server = await serve(join(at, 'data'), '--no-auth');
  const get = async (path) => (await fetch(server.url + path)).json();
  const cli = (...args) => runWith({ WELLRUN_SERVER: server.url }, ...args);
  const hour = 3600_000;
  const now = Math.floor(Date.now() / hour) * hour; // where the server looks: a sample is not seen for long
  const samples = [];
  for (let back = 12 * 24; back >= 0; back--) samples.push([now - back * hour, 2 ** 30 * (40 + back + Math.sin(back))]);
  const labels = { __name__: 'node_filesystem_avail_bytes', fstype: 'ext4', instance: 'db-1', mountpoint: '/data', workload: 'shop' };
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
  const written = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body: writeRequest([{ labels, samples }]) });
  assert.ok(written.ok, await written.text());
  assert.equal((await cli('apply', ops)).code, 0);
  const disk = await until(async () => (await get('/api/v1/forecasts?kind=disk&workload=shop')).items[0], 'an outlook');
  assert.ok(disk.warns, JSON.stringify(disk));
  assert.match(disk.text, /disk \/data of db-1 will be full by .* in 8 tries on the past/);
  const hours = (Date.parse(disk.expected) - now) / hour;
  assert.ok(Math.abs(hours - 40) < 5, `expected in ${hours} h`);
  assert.ok(disk.backtest.error < disk.backtest.stays_error / 2, JSON.stringify(disk.backtest));
  const whole = await get(`/api/v1/forecasts/${disk.id}`);
  assert.ok(whole.points.length >= 90 && whole.history.length > 250 && whole.points.every((it) => it.lower <= it.upper));
  assert.match((await cli('forecasts', 'show', disk.id)).stdout, /TIME +EXPECTED +LOWER +UPPER/);
  assert.equal((await get('/api/v1/journal?type=alert.fired')).items.length, 0, 'once is not enough');

  writeFileSync(join(ops, 'more.yaml'), 'apiVersion: wellrun.io/v1\nkind: Environment\nmetadata: {name: staging}\n');
  assert.equal((await cli('apply', ops)).code, 0);
  const [alert] = await until(async () => {
    const { items } = await get('/api/v1/journal?type=alert.fired');
    return items.length > 0 && items;
  }, 'an alert');
  assert.equal(alert.body.alert, 'DiskWillBeFull');
  assert.equal(alert.body.source, 'forecast');
  const answer = (await get(`/api/v1/query?query=${encodeURIComponent('wellrun:forecast:seconds_until_bound{workload="shop",instance="db-1"} / 3600')}`)).data.result;
  assert.ok(Math.abs(Number(answer[0].value[1]) - 40) < 5, JSON.stringify(answer));
  await server.stop();
});

test('labels of any kind and series without numbers are watched without harm to others', async () => {
  const at = folder();
  const ops = join(at, 'ops');
  mkdirSync(ops);
  writeFileSync(join(ops, 'ops.yaml'), operations);
  const server = await serve(join(at, 'data'), '--no-auth', '--out-of-order-window', '7d');
  const now = Math.floor(Date.now() / step) * step;
  const samples = (value) => Array.from({ length: 36 * 120 }, (_, i) => now - (36 * 120 - 1 - i) * step).map((time) => [time, value(time)]).filter(([, it]) => it !== undefined);
  // Labels that end what they stand in, and labels with the names of those that a baseline adds.
  const hosts = ['"},{__name__="x', 'a\nb\\', '</script><img src=x onerror=1>', '🙂'.repeat(50), 'x'.repeat(900), "'; DROP TABLE", '{{ $labels.x }}', '\u0000\u0001', ' '];
  const named = { workload: 'other', baseline: 'other', metric: 'other' };
  const odd = { NaN: () => NaN, infinite: () => Infinity, constant: () => 5, one: (time) => (time === now ? 3 : undefined), irregular: (time) => ((time / step) % 13 < 5 ? undefined : 9 + ((time / step) % 3)) };
  const series = [
    ...hosts.map((host) => ({ labels: { __name__: 'load', host, ...named }, samples: samples((time) => usual(time, 0)) })),
    ...Object.entries(odd).map(([kind, value]) => ({ labels: { __name__: 'load', kind }, samples: samples(value) })),
  ];
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
  for (const each of series) {
    const written = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body: writeRequest([each]) });
    assert.ok(written.ok, `${JSON.stringify(each.labels)}: ${await written.text()}`);
  }
  assert.equal((await runWith({ WELLRUN_SERVER: server.url }, 'apply', ops)).code, 0);
  const all = await until(async () => {
    const { items } = await (await fetch(`${server.url}/api/v1/baselines?limit=100`)).json();
    const found = items.filter((it) => it.watch === 'baseline/load');
    return found.length === series.length && found.every((it) => it.explanation !== 'catching up on stored history') && found;
  }, 'every series');
  for (const host of hosts) {
    const one = all.find((it) => it.labels.host === host);
    assert.ok(one, JSON.stringify(host));
    assert.deepEqual([one.phase, one.workload, one.labels.workload, one.labels.exported_workload], ['watching', 'shop', 'shop', 'other'], JSON.stringify(host));
  }
  const of = (kind) => all.find((it) => it.labels.kind === kind);
  for (const kind of ['NaN', 'infinite']) assert.deepEqual([of(kind).phase, of(kind).value, of(kind).score], ['learning', null, null], kind);
  assert.match(of('NaN').explanation, /too few of 4\d\d\d points are numbers/);
  assert.match(of('one').explanation, /1 points of 60/);
  assert.deepEqual([of('constant').lower, of('constant').upper, of('constant').score], [5, 5, 0]);
  assert.equal(of('irregular').phase, 'watching');
  const upper = (await (await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent('wellrun:baseline:upper{baseline="baseline/load"}')}`)).json()).data.result;
  assert.deepEqual(new Set(upper.map(({ metric }) => metric.host).filter((it) => it !== undefined)), new Set(hosts), 'as they were written');
  assert.equal(upper.length, hosts.length + 2, 'and the constant and the irregular one: what has no band has none');
  await server.stop();
});
