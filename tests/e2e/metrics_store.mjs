// The metrics store of the real binary: limits of series and who makes them, deleting, snapshots, over crashes.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { isAbsolute, join } from 'node:path';
import test from 'node:test';
import { TextDecoder } from 'node:util';
import { writeRequest } from './remote_write.mjs';
import { binary, folder, run, serve } from './server.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const query = async (server, promql, at = '') => (await (await server.ask('GET', `/api/v1/query?query=${encodeURIComponent(promql)}${at && `&time=${at}`}`)).json()).data.result;
const valueOf = async (server, promql, at) => Number((await query(server, promql, at))[0]?.value[1] ?? NaN);
const send = (server, series) => server.ask('POST', '/api/v1/write', writeRequest(series), { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' });
const json = async (server, path) => (await server.ask('GET', path)).json();

async function eventually(ask, good, what) {
  let last;
  for (let i = 0; i < 100; ++i) {
    last = await ask();
    if (good(last)) return last;
    await sleep(200);
  }
  assert.fail(`${what}: ${JSON.stringify(last).slice(0, 800)}`);
}

const many = (job, from, to, time = Date.now()) => {
  const series = [];
  for (let i = from; i < to; ++i) series.push({ labels: { __name__: 'flood_total', job, user: `u${i}` }, samples: [[time, i]] });
  return series;
};

test('a workload that floods the store is named and capped, and nobody else notices', async () => {
  const data = folder();
  const flags = ['--no-auth', '--max-series-per-workload', '3000', '--flush-interval', '0s'];
  let server = await serve(data, ...flags);
  assert.equal((await send(server, many('calm', 0, 100))).status, 204);
  const live = (await server.ask('GET', '/api/v1/notifications/live')).body.getReader();

  // 20,000 series in four writes: the first 3,000 are taken, the others refused as the specification wants it.
  let refused = 0;
  for (let part = 0; part < 4; ++part) {
    const response = await send(server, many('mad', part * 5000, part * 5000 + 5000));
    assert.equal(response.status, 400);
    const said = await response.text();
    assert.match(said, /job "mad" has 3000 series, and its limit is 3000: new ones are refused, the known ones go on/);
    refused += Number(/(\d+) of 5000 samples were refused/.exec(said)[1]);
  }
  assert.equal(refused, 17_000);
  assert.equal(await valueOf(server, 'count(flood_total{job="mad"})'), 3000);
  // Its known series go on; a stranger in the same write is taken.
  const again = await send(server, [...many('mad', 0, 3000, Date.now() + 1), ...many('calm', 100, 101)]);
  assert.equal(again.status, 204, await again.text());

  // Named: in the journal with who makes the series, in the metrics, in the notifications, in the explorer.
  const facts = await eventually(() => json(server, '/api/v1/journal?type=series_limit.'), (answer) => answer.items.length > 0, 'the journal names who reached its limit');
  assert.equal(facts.items.length, 1);
  const { body } = facts.items[0];
  assert.deepEqual([facts.items[0].type, body.job, body.series, body.limit], ['series_limit.reached', 'mad', 3000, 3000]);
  assert.match(body.refused_series, /flood_total\{job="mad", user="u3000"\}/);
  assert.deepEqual(body.metrics, [{ name: 'flood_total', series: 3000 }]);
  assert.deepEqual(body.labels[0], { name: 'user', values: 3000 });
  const metrics = await (await server.ask('GET', '/metrics')).text();
  assert.match(metrics, /wellrun_telemetry_owner_series\{owner="mad",kind="job"\} 3000/);
  assert.match(metrics, /wellrun_telemetry_owner_refused_samples_total\{owner="mad",kind="job"\} 17000/);
  const notes = await json(server, '/api/v1/notifications');
  assert.ok(notes.data.some((note) => /Job mad has 3000 series, its limit/.test(note.text)), JSON.stringify(notes));
  let told = '';
  while (!told.includes('\n\n')) told += new TextDecoder().decode((await live.read()).value);
  const [, note] = /^data: (.*)$/m.exec(told);
  assert.deepEqual([JSON.parse(note).active, JSON.parse(note).text.slice(0, 39)], [true, 'Job mad has 3000 series, its limit: new']);
  await live.cancel();
  const client = ['--server', server.url, '--output', 'json'];
  const owners = JSON.parse((await run('series', 'owners', ...client)).stdout);
  assert.deepEqual(owners.items.map((item) => [item.name, item.series, item.at_limit]), [['mad', 3000, true], ['calm', 101, false]]);
  assert.equal(owners.items[0].refused_samples, 17_000);
  const top = JSON.parse((await run('series', 'top', '--by', 'label', '--job', 'mad', ...client)).stdout);
  assert.deepEqual([top.series, top.items[0].name, top.items[0].values], [3000, 'user', 3000]);
  const pairs = JSON.parse((await run('series', 'top', '--by', 'pair', '--match', 'flood_total{user=~"u1.?"}', '--limit', '1', ...client)).stdout);
  assert.deepEqual([pairs.series, pairs.items[0].name], [22, '__name__=flood_total']);
  assert.match((await run('series', 'top', '--by', 'nothing', '--server', server.url)).stderr, /by must be workload, metric, label or pair/);
  // Prometheus' shape stays what it was.
  assert.equal((await json(server, '/api/v1/status/tsdb')).data.seriesCountByMetricName[0].name, 'flood_total');

  // The limit holds over a crash, and says nothing new in the journal.
  await server.stop('SIGKILL');
  server = await serve(data, ...flags);
  assert.equal((await send(server, many('mad', 9000, 9010))).status, 400);
  assert.equal((await send(server, many('mad', 0, 10, Date.now() + 2))).status, 204);
  await sleep(6000);
  assert.equal((await json(server, '/api/v1/journal?type=series_limit.')).items.length, 1);

  // Deleting makes room.
  await server.stop();
  server = await serve(data, ...flags, '--enable-admin-api');
  assert.equal((await server.ask('POST', '/api/v1/admin/tsdb/delete_series?match[]={job="mad"}')).status, 204);
  assert.equal((await send(server, many('mad', 9000, 9010))).status, 204);
  await server.stop();
});

test('a flood whose labels are longer than a fact may be is named, too', async () => {
  const server = await serve(folder(), '--no-auth', '--max-series-per-workload', '3');
  const long = (i) => ({ labels: { __name__: 'long_total', job: 'mad', text: `${i}${'ä'.repeat(15_000)}` }, samples: [[Date.now(), i]] });
  assert.equal((await send(server, [0, 1, 2, 3, 4].map(long))).status, 400);
  const facts = await eventually(() => json(server, '/api/v1/journal?type=series_limit.'), (answer) => answer.items.length > 0, 'the journal names who reached its limit');
  assert.match(facts.items[0].body.refused_series, /^long_total\{job="mad", text="3ä+…$/);
  await server.stop();
});

test('a workload has the limit that its code says, over all of its jobs', async () => {
  const server = await serve(folder(), '--no-auth');
  const code = (max) => `apiVersion: wellrun.io/v1
kind: Channel
metadata: {name: mail}
spec: {type: email, smtp: 'localhost:25', from: wellrun@example.org}
---
apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {contacts: [{channel: mail, address: ana@example.org}]}
---
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: shop}
spec: {members: [ana]}
---
apiVersion: wellrun.io/v1
kind: EscalationPolicy
metadata: {name: shop}
spec: {levels: [{persons: [ana]}]}
---
apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {owner: shop, escalationPolicy: shop, maxSeries: ${max}}
---
apiVersion: wellrun.io/v1
kind: Component
metadata: {name: checkout}
spec: {workload: shop}
---
apiVersion: wellrun.io/v1
kind: Component
metadata: {name: cart}
spec: {workload: shop, service: cart-service}
`;
  const apply = async (max) => {
    const applied = await server.ask('POST', '/api/v1/catalog/apply', { files: { 'all.yaml': code(max) }, commit: 'abc', author: 'Ana', dirty: false, prune: false }, { 'content-type': 'application/json' });
    assert.equal(applied.status, 200, await applied.text());
  };
  await send(server, many('checkout', 0, 30)); // before anybody has written down whose they are
  await apply(50);
  const shop = async () => (await json(server, '/api/v1/cardinality')).items.find((item) => item.name === 'shop');
  await eventually(shop, (item) => item?.series === 30 && item.limit === 50 && item.kind === 'workload', 'what is stored is counted for the workload');
  assert.equal((await send(server, many('demo/cart-service', 0, 20))).status, 204);
  const refused = await send(server, many('cart-service', 0, 5));
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /workload "shop" has 50 series, and its limit is 50/);
  await apply(60);
  await eventually(shop, (item) => item.limit === 60, 'a raised limit is taken');
  assert.equal((await send(server, many('cart-service', 0, 5))).status, 204);
  await server.stop();
});

test('what a series falls under is told, and changes with an apply', async () => {
  const data = folder();
  let server = await serve(data, '--no-auth', '--retention', '15d', '--out-of-order-window', '100d');
  const now = Date.now();
  const old = (name) => ({ labels: { __name__: name, job: 'billing' }, samples: [[now - 40 * 86_400_000, 1], [now, 2]] });
  assert.equal((await send(server, [old('orders_total')])).status, 400, 'older than the retention');
  const apply = (text, prune = false) => server.ask('POST', '/api/v1/catalog/apply', { files: { 'all.yaml': text }, commit: 'abc', author: 'Ana', dirty: false, prune }, { 'content-type': 'application/json' });
  const rule = (name, spec) => `apiVersion: wellrun.io/v1\nkind: Retention\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  const refused = await apply(rule('wrong', `{match: ['{job='], keep: 1d}`));
  assert.notEqual(refused.status, 200);
  assert.match(await refused.text(), /not a selector of series/);
  const business = rule('business', `{match: ['{__name__=~"orders_.*"}'], keep: 400d, downsample: [{after: 30d, resolution: 5m}, {after: 90d, resolution: 1h}]}`);
  assert.equal((await apply(business)).status, 200);
  assert.equal((await send(server, [old('orders_total')])).status, 204, 'a rule keeps it longer');
  assert.equal((await send(server, [{ labels: { __name__: 'debug_total', job: 'billing' }, samples: [[now, 1]] }])).status, 204);
  const shares = async (match) => (await json(server, `/api/v1/retention?match=${encodeURIComponent(match)}`)).items;
  const wanted = [
    { rules: ['business'], keep: '400d', downsample: [{ after: '30d', resolution: '5m' }, { after: '90d', resolution: '1h' }], resolution: '5m after 30d, 1h after 90d', series: 1, example: 'orders_total{job="billing"}' },
    { rules: [], keep: '15d', downsample: [], resolution: '', series: 1, example: 'debug_total{job="billing"}' },
  ];
  assert.deepEqual(await shares('{job="billing"}'), wanted);
  await server.stop('SIGKILL');
  server = await serve(data, '--no-auth', '--retention', '15d', '--out-of-order-window', '100d');
  assert.deepEqual((await shares('orders_total'))[0].rules, ['business'], 'over a crash');
  assert.equal((await server.ask('GET', '/api/v1/retention?match=a{')).status, 400);
  assert.equal((await query(server, `count_over_time(orders_total[50d])`))[0].value[1], '2');
  await server.stop();
});

test('series are deleted for ever, and only when it is allowed', async () => {
  const data = folder();
  let server = await serve(data, '--no-auth');
  const path = '/api/v1/admin/tsdb/delete_series';
  const closed = await server.ask('POST', `${path}?match[]=gone`);
  assert.equal(closed.status, 500); // as Prometheus answers
  assert.deepEqual(await closed.json(), { status: 'error', errorType: 'unavailable', error: 'admin APIs disabled' });
  await server.stop();

  server = await serve(data, '--no-auth', '--enable-admin-api');
  const now = Date.now();
  const at = (name, ...ages) => ({ labels: { __name__: name, job: 'x' }, samples: ages.map((age) => [now - age * 1000, age]) });
  assert.equal((await send(server, [at('gone', 600, 300, 10), at('partly', 600, 300, 10), at('kept', 600, 300, 10)])).status, 204);
  assert.equal((await server.ask('POST', path)).status, 400);
  assert.equal((await server.ask('POST', `${path}?match[]=a{`)).status, 400);
  assert.equal((await server.ask('POST', `${path}?match[]=a&start=2&end=1`)).status, 400);
  assert.equal((await server.ask('PUT', `${path}?match[]=gone&match[]=neither`)).status, 204);
  const middle = `start=${(now - 400_000) / 1000}&end=${(now - 200_000) / 1000}`;
  assert.equal((await server.ask('POST', `${path}?match[]=partly&${middle}`)).status, 204);
  const check = async (when) => {
    assert.equal((await query(server, 'gone[1h]')).length, 0, when);
    assert.deepEqual((await query(server, 'partly[1h]'))[0].values.map(([, value]) => value), ['600', '10'], when);
    assert.equal((await query(server, 'kept[1h]'))[0].values.length, 3, when);
    assert.deepEqual((await json(server, '/api/v1/label/__name__/values')).data, ['kept', 'partly'], when);
  };
  await check('deleted');
  const deletions = (await json(server, '/api/v1/journal?type=series.deleted')).items;
  assert.equal((await json(server, '/api/v1/journal?type=series.deletion_requested')).items.length, 2, 'who deletes is on record before anything is gone');
  assert.deepEqual(deletions.map(({ body }) => [body.series, body.samples]).sort(), [[1, 1], [1, 3]]);
  await server.stop('SIGKILL');
  server = await serve(data, '--no-auth', '--enable-admin-api');
  await check('after kill -9');
  assert.equal((await server.ask('POST', '/api/v1/admin/tsdb/clean_tombstones')).status, 204);
  await check('cleaned');
  assert.match(await (await server.ask('GET', '/metrics')).text(), /wellrun_telemetry_damage 0/);

  const snapshot = await (await server.ask('POST', '/api/v1/admin/tsdb/snapshot')).json();
  assert.equal(snapshot.status, 'success');
  assert.match(snapshot.data.name, /^\d{8}T\d{6}Z-[0-9a-f]{16}$/);
  assert.ok(readdirSync(join(data, 'telemetry', 'snapshots', snapshot.data.name)).includes('wal'));
  assert.equal((await server.ask('POST', '/api/v1/admin/tsdb/snapshot?skip_head=perhaps')).status, 400);
  await server.stop();
});

test('whoever may not, does not', async () => {
  const server = await serve(folder(), '--enable-admin-api');
  const made = await (await server.ask('POST', '/api/v1/tokens', { name: 'op', role: 'operator' }, { 'content-type': 'application/json' })).json();
  for (const name of ['delete_series?match[]=a', 'clean_tombstones', 'snapshot'])
    assert.equal((await fetch(`${server.url}/api/v1/admin/tsdb/${name}`, { method: 'POST', headers: { authorization: `Bearer ${made.token}` } })).status, 403);
  await server.stop();
});

test('a full disk refuses samples, is read on, and takes them again once there is room: no restart', async () => {
  const data = folder();
  // A file system of 160 MiB in a mount namespace of its own (user namespaces are needed).
  const keeper = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=160m tmpfs '${data}' && echo mounted && exec sleep 300`], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => keeper.stdout.once('data', resolve));
  const inside = ['nsenter', '--target', String(keeper.pid), '--user', '--mount', '--preserve-credentials'];
  const there = (command) => spawnSync(inside[0], [...inside.slice(1), 'sh', '-c', command], { encoding: 'utf8' });
  const program = isAbsolute(binary) ? binary : join(process.cwd(), binary);
  const child = spawn(inside[0], [...inside.slice(1), program, 'serve', '--data', data, '--listen', '127.0.0.1:0', '--no-auth', '--enable-admin-api'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const ready = /ready: (\S+)/.exec(text);
      if (ready) resolve(ready[1]);
    });
  });
  const server = { ask: (method, path, body, headers) => fetch(url + path, { method, body, headers }) };
  let time = Date.now() - 3_600_000;
  let acknowledged = 0;
  const sendMore = async () => {
    const { status } = await send(server, many('a', 0, 500, (time += 1000)));
    if (status === 204) acknowledged += 500;
    return status;
  };
  for (let round = 0; round < 2; ++round) {
    for (let i = 0; i < 20; ++i) assert.equal(await sendMore(), 204);
    there(`head -c 300000000 /dev/zero > '${data}/ballast' 2>/dev/null`);
    // Room that the log had reserved before is used up first.
    let status = 204;
    for (let i = 0; i < 1200 && status === 204; ++i) status = await sendMore();
    assert.equal(status, 507);
    // Moving the head to the database meets the full disk, too.
    assert.ok((await server.ask('POST', '/api/v1/admin/tsdb/delete_series?match[]=nothing_such')).status >= 500);
    assert.equal(await valueOf(server, 'sum(count_over_time(flood_total[2h]))'), acknowledged, 'reads go on');
    there(`rm '${data}/ballast'`);
    await eventually(sendMore, (answer) => answer === 204, 'samples are taken again');
    assert.equal((await server.ask('POST', '/api/v1/admin/tsdb/delete_series?match[]=nothing_such')).status, 204);
    assert.equal(await valueOf(server, 'sum(count_over_time(flood_total[2h]))'), acknowledged, 'nothing is lost');
  }
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  keeper.kill();
});

/** A certificate for `name`, signed by `by` or by itself. */
function certificate(directory, name, by) {
  const file = (end) => join(directory, `${name}.${end}`);
  const openssl = (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${name}`);
  writeFileSync(file('ext'), by ? `subjectAltName=DNS:${name}\n` : 'basicConstraints=critical,CA:TRUE\n');
  const signer = by ? ['-CA', join(directory, `${by}.crt`), '-CAkey', join(directory, `${by}.key`), '-CAcreateserial'] : ['-key', file('key')];
  openssl('x509', '-req', '-days', '2', '-in', file('csr'), '-out', file('crt'), '-extfile', file('ext'), ...signer);
  return { key: file('key'), crt: file('crt') };
}

test('a target that asks for a certificate is scraped with one, and only one that names it is believed', async () => {
  const directory = folder();
  const authority = certificate(directory, 'authority');
  const theirs = certificate(directory, 'exporter.internal', 'authority');
  const ours = certificate(directory, 'scraper', 'authority');
  const callers = [];
  const exporter = createServer({ key: readFileSync(theirs.key), cert: readFileSync(theirs.crt), ca: readFileSync(authority.crt), requestCert: true, rejectUnauthorized: true }, (request, response) => {
    callers.push(request.socket.getPeerCertificate().subject.CN);
    response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    response.end('# TYPE orders counter\norders_total 7 # {trace_id="abc"} 1\norders_created 1520872607.123\n# EOF\n');
  });
  await new Promise((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  const data = folder();
  const flags = ['--no-auth', '--enable-feature', 'use-start-timestamps'];
  let server = await serve(data, ...flags);
  const scrape = async (tls) => {
    const code = `apiVersion: wellrun.io/v1\nkind: Scrape\nmetadata: {name: shop}\nspec: ${JSON.stringify({ targets: [`127.0.0.1:${exporter.address().port}`], scheme: 'https', interval: '1s', timeout: '1s', tls })}\n`;
    return server.ask('POST', '/api/v1/catalog/apply', { files: { 'scrape.yaml': code }, commit: 'abc', author: 'Ana', dirty: false, prune: false }, { 'content-type': 'application/json' });
  };
  const target = async () => (await json(server, '/api/v1/targets')).data.activeTargets[0] ?? {};
  const known = { caFile: authority.crt, serverName: 'exporter.internal' };
  assert.equal((await scrape({ ...known, certFile: ours.crt })).status, 400, 'a certificate without its key');
  await scrape({ ...known, serverName: 'somebody.else', certFile: ours.crt, keyFile: ours.key });
  await eventually(target, (one) => one.health === 'down' && /certificate|verif/i.test(one.lastError), 'another name is not believed');
  await scrape(known);
  await eventually(target, (one) => one.health === 'down' && !/verif/i.test(one.lastError), 'without a certificate the target refuses');
  assert.deepEqual(callers, []);
  await scrape({ ...known, certFile: ours.crt, keyFile: ours.key });
  await eventually(target, (one) => one.health === 'up', 'with one it answers');
  assert.equal(callers[0], 'scraper');
  assert.equal(await valueOf(server, 'orders_total'), 7);
  // What a restart must not cost: the exemplar.
  const exemplar = async () => (await json(server, '/api/v1/query_exemplars?query=orders_total')).data[0]?.exemplars[0]?.labels.trace_id;
  assert.equal(await exemplar(), 'abc');
  await server.stop('SIGKILL');
  server = await serve(data, ...flags);
  assert.equal(await exemplar(), 'abc');
  await server.stop();
  exporter.close();
  exporter.closeAllConnections();
});

test('relabelling is shown step by step, up to the one that drops', async () => {
  const server = await serve(folder(), '--no-auth');
  const relabel = [{ sourceLabels: ['__address__'], regex: '(.*):.*', targetLabel: 'host' }, { sourceLabels: ['host'], regex: 'bad.*', action: 'drop' }, { regex: 'secret', action: 'labeldrop' }];
  const code = `apiVersion: wellrun.io/v1\nkind: Scrape\nmetadata: {name: shop}\nspec: ${JSON.stringify({ targets: ['127.0.0.1:1'], relabel })}\n`;
  const applied = await server.ask('POST', '/api/v1/catalog/apply', { files: { 'scrape.yaml': code }, commit: 'abc', author: 'Ana', dirty: false, prune: false }, { 'content-type': 'application/json' });
  assert.equal(applied.status, 200, await applied.text());
  const steps = async (labels, pool = 'shop') => json(server, `/api/v1/targets/relabel_steps?scrapePool=${pool}&labels=${encodeURIComponent(labels)}`);
  const good = (await steps('{"__address__":"good:9100","secret":"x"}')).data.steps;
  assert.deepEqual(good.map((step) => step.keep), [true, true, true]);
  assert.deepEqual(good[2].output, { __address__: 'good:9100', host: 'good' });
  assert.deepEqual([good[0].rule.sourceLabels, good[0].rule.targetLabel, good[0].rule.action], [['__address__'], 'host', 'replace']);
  const bad = (await steps('{"__address__":"bad1:9100"}')).data.steps;
  assert.deepEqual(bad.map((step) => step.keep), [true, false]);
  assert.equal((await steps('[]')).errorType, 'bad_data');
  assert.equal((await steps('{}', 'nobody')).errorType, 'not_found');
  await server.stop();
});
