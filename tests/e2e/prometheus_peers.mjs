// Debian's Prometheus, promtool, vmagent and node exporter around the real binary.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder, freePort, serve } from './server.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function promtool(...args) {
  return new Promise((resolve) => {
    execFile('promtool', args, { encoding: 'utf8' }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

function start(program, ...args) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk) => { text = (text + chunk).slice(-4000); });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return { stop: async () => { child.kill('SIGTERM'); await exited; }, said: () => text };
}

/** Asks until `good` says yes; fails with what came last. */
async function eventually(ask, good, what, timeoutMs = 60_000) {
  const until = Date.now() + timeoutMs;
  let last;
  while (Date.now() < until) {
    last = await ask().catch((error) => ({ error: String(error) }));
    if (good(last)) return last;
    await sleep(300);
  }
  assert.fail(`${what}: ${JSON.stringify(last).slice(0, 800)}`);
}

const query = (server, promql) => async () => (await server.ask('GET', `/api/v1/query?query=${encodeURIComponent(promql)}`)).json();
const valueOf = (answer) => Number(answer?.data?.result?.[0]?.value?.[1] ?? NaN);

const scrapeResource = (name, spec) => ({ files: { 'scrape.yaml': `apiVersion: wellrun.io/v1\nkind: Scrape\nmetadata: {name: ${name}}\nspec: ${JSON.stringify(spec)}\n` }, commit: 'abc', author: 'Ana', dirty: false, prune: false });

async function apply(server, resource) {
  const applied = await server.ask('POST', '/api/v1/catalog/apply', resource, { 'content-type': 'application/json' });
  assert.equal(applied.status, 200, await applied.text());
}

test('promtool asks and is answered', async () => {
  const server = await serve(folder(), '--no-auth');
  const exporter = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    response.end('# TYPE shop_orders counter\n# HELP shop_orders Orders taken.\nshop_orders_total{kind="big"} 7 # {trace_id="abc"} 1\n# EOF\n');
  });
  await new Promise((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  await apply(server, scrapeResource('shop', { targets: [`127.0.0.1:${exporter.address().port}`], interval: '1s', timeout: '1s' }));
  await eventually(query(server, 'shop_orders_total'), (answer) => valueOf(answer) === 7, 'the exporter is scraped');

  const instant = await promtool('query', 'instant', server.url, 'sum by (kind) (shop_orders_total)');
  assert.equal(instant.code, 0, instant.stderr);
  assert.match(instant.stdout, /\{kind="big"\} => 7 @/);
  const range = await promtool('query', 'range', '--step', '1s', server.url, 'shop_orders_total');
  assert.equal(range.code, 0, range.stderr);
  assert.match(range.stdout, /shop_orders_total\{.*kind="big".*\} =>\n7 @/);
  const series = await promtool('query', 'series', '--match', 'shop_orders_total', server.url);
  assert.equal(series.code, 0, series.stderr);
  assert.match(series.stdout, /"?kind"?[:=]"?big/);
  const labels = await promtool('query', 'labels', server.url, 'kind');
  assert.equal(labels.code, 0, labels.stderr);
  assert.equal(labels.stdout.trim(), 'big');
  const bad = await promtool('query', 'instant', server.url, 'sum(');
  assert.notEqual(bad.code, 0);
  assert.match(bad.stderr + bad.stdout, /bad_data: invalid parameter "query": 1:5: parse error: unclosed left parenthesis/);

  // What was scraped is told about everywhere.
  const exemplars = await (await server.ask('GET', '/api/v1/query_exemplars?query=shop_orders_total')).json();
  assert.equal(exemplars.data[0].exemplars[0].labels.trace_id, 'abc');
  const metadata = await (await server.ask('GET', '/api/v1/targets/metadata?metric=shop_orders')).json();
  assert.equal(metadata.data[0].help, 'Orders taken.');
  const pools = await (await server.ask('GET', '/api/v1/scrape_pools')).json();
  assert.deepEqual(pools.data.scrapePools, ['shop']);
  const targets = await (await server.ask('GET', '/api/v1/targets')).json();
  assert.equal(targets.data.activeTargets[0].health, 'up');
  assert.match(targets.data.activeTargets[0].discoveredLabels.__address__, /^127\.0\.0\.1:\d+$/);
  const config = await (await server.ask('GET', '/api/v1/status/config')).json();
  assert.match(config.data.yaml, /job_name: "shop"/);
  const rules = join(folder(), 'config.yaml');
  writeFileSync(rules, config.data.yaml);
  const check = await promtool('check', 'config', '--syntax-only', rules);
  assert.equal(check.code, 0, check.stdout + check.stderr);

  exporter.close();
  await server.stop();
});

test('what it does is told as Prometheus tells it', async () => {
  const data = folder();
  const server = await serve(data, '--no-auth', '--enable-lifecycle', '--enable-feature=promql-per-step-stats');
  const exporter = createServer((request, response) => response.end('# TYPE a counter\na_total{i="1"} 7\na_total{i="2"} 8\n'));
  await new Promise((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${exporter.address().port}`;
  const secret = join(folder(), 'secret');  // none of the server's own files is one
  writeFileSync(secret, 'one');
  await apply(server, scrapeResource('shop', {
    targets: [target],
    labels: { stage: 'prod' },
    interval: '1s',
    timeout: '1s',
    params: { format: 'text' },
    basicAuth: { username: 'ana', passwordRef: `file:${secret}` },
    tls: { insecureSkipVerify: true, serverName: 'shop' },
    relabel: [{ sourceLabels: ['stage'], regex: 'prod|test', action: 'keep' }],
    metricRelabel: [{ regex: 'secret_.*', action: 'labeldrop' }],
    files: [{ files: ['/nowhere/*.json'], refreshInterval: '1m' }],
    dns: [{ names: ['localhost'], type: 'A', port: 1 }],
    sampleLimit: 100,
  }));
  await eventually(query(server, 'a_total{i="1"}'), (answer) => valueOf(answer) === 7, 'the exporter is scraped');
  const read = async (path, method = 'GET') => (await server.ask(method, path)).json();

  const { yaml } = (await read('/api/v1/status/config')).data;
  for (const part of ['username: "ana"', 'password: "<secret>"', 'insecure_skip_verify: true', 'action: "keep"', 'regex: "secret_.*"', 'sample_limit: 100', 'params: {"format":["text"]}', 'labels: {"stage":"prod"}', 'refresh_interval: 1m', 'port: 1'])
    assert.ok(yaml.includes(part), `${part} in\n${yaml}`);
  assert.ok(!yaml.includes('one\n') && !yaml.includes(secret), yaml);
  const file = join(data, 'config.yaml');
  writeFileSync(file, yaml);
  const check = await promtool('check', 'config', '--syntax-only', file);
  assert.equal(check.code, 0, check.stdout + check.stderr);

  // Samples are counted as Prometheus counts them, by step where that is enabled.
  const now = Math.floor(Date.now() / 1000) - 1;
  const ranged = `query=count_over_time(a_total[1h])&start=${now}&end=${now + 1}&step=1`;
  const { stats } = (await read(`/api/v1/query_range?${ranged}&stats=all`)).data;
  assert.deepEqual(Object.keys(stats.timings).sort(), ['evalTotalTime', 'execQueueTime', 'execTotalTime', 'innerEvalTime', 'queryPreparationTime', 'resultSortTime']);
  assert.ok(stats.timings.evalTotalTime > 0 && stats.timings.execTotalTime >= stats.timings.evalTotalTime, JSON.stringify(stats));
  const steps = stats.samples.totalQueryableSamplesPerStep;
  assert.deepEqual(steps.map(([time]) => time), [now, now + 1]);
  assert.equal(steps[0][1] + steps[1][1], stats.samples.totalQueryableSamples);
  assert.ok(stats.samples.samplesRead <= stats.samples.totalQueryableSamples && stats.samples.samplesRead >= steps[0][1], JSON.stringify(stats.samples));
  const totals = (await read(`/api/v1/query_range?${ranged}&stats=true`)).data.stats.samples;
  assert.equal(totals.totalQueryableSamplesPerStep, undefined);
  assert.equal((await read(`/api/v1/query?query=a_total&stats=1`)).data.stats.samples.totalQueryableSamples, 2);
  assert.equal((await read(`/api/v1/query?query=a_total`)).data.stats, undefined);

  // a_total twice, up, and what the scrape says of itself: a chunk each.
  const tsdb = (await read('/api/v1/status/tsdb')).data.headStats;
  assert.equal(tsdb.chunkCount, tsdb.numSeries);
  const [build, ...none] = (await read('/api/v1/status/self_metrics?metric_name_pattern=wellrun_build_.*')).data;
  assert.deepEqual([build.name, build.type, build.metric[0].label[0].name, build.metric[0].gauge.value, none], ['wellrun_build_info', 'GAUGE', 'version', 1, []]);
  const own = (await read('/api/v1/status/self_metrics')).data;
  assert.ok(own.find((family) => family.name === 'wellrun_journal_facts_total').metric[0].counter.value > 0, JSON.stringify(own));
  assert.match((await read('/api/v1/status/self_metrics?metric_name_pattern=(')).error, /^invalid parameter "metric_name_pattern": /);
  assert.match(await (await server.ask('GET', '/api/v1/openapi.yaml')).text(), /^openapi: 3\.1[^]*\n {2}\/api\/v1\/query:\n/);
  assert.deepEqual((await read('/api/v1/targets?state=nothing')).data.activeTargets, []);
  assert.deepEqual((await read('/api/v1/targets/metadata?metric=none')).data, []);
  assert.match((await read('/api/v1/labels?start=x')).error, /^invalid parameter "start": Invalid time value for 'start': cannot parse "x"/);
  assert.equal((await read('/api/v1/metadata?limit_per_metric=x')).error, 'limit_per_metric must be a number');

  assert.equal((await server.ask('GET', '/-/quit')).status, 405);
  const reloaded = await server.ask('POST', '/-/reload');
  assert.deepEqual([reloaded.status, await reloaded.text()], [200, '']);
  const quit = await server.ask('PUT', '/-/quit');
  assert.deepEqual([quit.status, await quit.text()], [200, 'Requesting termination... Goodbye!\n']);
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  const again = await serve(data, '--no-auth');
  for (const path of ['/-/reload', '/-/quit']) assert.equal((await again.ask('POST', path)).status, 403);
  await again.stop();
  exporter.close();
});

test('Debian\'s Prometheus writes to it, reads from it, and federates it', async () => {
  const server = await serve(folder(), '--no-auth');
  const port = await freePort();
  const data = folder();
  const config = join(data, 'prometheus.yml');
  writeFileSync(config, [
    'global: {scrape_interval: 1s}',
    'scrape_configs:',
    `  - {job_name: self, static_configs: [{targets: ["127.0.0.1:${port}"]}]}`,
    `  - {job_name: federated, honor_labels: true, metrics_path: /federate, params: {"match[]": ['{job="self"}']}, metric_relabel_configs: [{source_labels: [__name__], regex: "(up|scrape_.*)", action: drop}, {source_labels: [__name__], target_label: __name__, replacement: "federated:$1"}], static_configs: [{targets: ["127.0.0.1:${server.port}"]}]}`,
    `remote_write: [{url: "${server.url}/api/v1/write", send_exemplars: true, queue_config: {batch_send_deadline: 500ms}}]`,
    `remote_read: [{url: "${server.url}/api/v1/read", read_recent: true, filter_external_labels: false}]`,
    ''].join('\n'));
  const peer = start('prometheus', `--config.file=${config}`, `--storage.tsdb.path=${join(data, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage');
  try {
    await eventually(query(server, 'prometheus_build_info{job="self"}'), (answer) => valueOf(answer) === 1, `Prometheus' series arrive (${peer.said()})`);
    await eventually(query(server, 'count({job="self"})'), (answer) => valueOf(answer) > 200, 'all of them');
    // Written only here, so that what the peer answers came by remote read, as chunks.
    const body = 'resourceMetrics';
    const exported = await server.ask('POST', '/api/v1/otlp/v1/metrics', { [body]: [{ resource: { attributes: [] }, scopeMetrics: [{ metrics: [{ name: 'only_here', gauge: { dataPoints: Array.from({ length: 300 }, (_, i) => ({ timeUnixNano: String((Date.now() - i * 1000) * 1e6), asDouble: 41.5 + (i % 3) })) } }] }] }] }, { 'content-type': 'application/json' });
    assert.equal(exported.status, 200, await exported.text());
    const ask = async (promql) => (await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(promql)}`)).json();
    const ours = await eventually(query(server, 'sum(sum_over_time(only_here[10m]))'), (answer) => valueOf(answer) > 0, 'our own answer');
    await eventually(() => ask('sum(sum_over_time(only_here[10m]))'), (answer) => valueOf(answer) === valueOf(ours), 'the same by remote read');
    await eventually(() => ask('count({__name__=~"federated:.+"})'), (answer) => valueOf(answer) > 100, 'federated series');
  } finally {
    await peer.stop();
    await server.stop();
  }
});

test('vmagent writes to it', async () => {
  const server = await serve(folder(), '--no-auth');
  const port = await freePort();
  const data = folder();
  const config = join(data, 'scrape.yml');
  writeFileSync(config, `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: agent, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`);
  const peer = start('vmagent', `-promscrape.config=${config}`, `-remoteWrite.url=${server.url}/api/v1/write`, `-remoteWrite.tmpDataPath=${join(data, 'queue')}`, '-remoteWrite.flushInterval=500ms', `-httpListenAddr=127.0.0.1:${port}`);
  try {
    await eventually(query(server, 'count({job="agent"})'), (answer) => valueOf(answer) > 100, `vmagent's series arrive (${peer.said()})`);
  } finally {
    await peer.stop();
    await server.stop();
  }
});

test('Debian\'s node exporter is scraped: by file discovery, relabelled, with a password, and its end is noticed', async () => {
  const server = await serve(folder(), '--no-auth');
  const port = await freePort();
  const data = folder();
  const targets = join(data, 'targets.json');
  writeFileSync(targets, JSON.stringify([{ targets: [`127.0.0.1:${port}`, 'dropped:1'], labels: { rack: 'r1' } }]));
  // The password is "test", as bcrypt says.
  const web = join(data, 'web.yml');
  writeFileSync(web, 'basic_auth_users: {ana: "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"}\n');
  const secret = join(data, 'password');
  writeFileSync(secret, 'test\n');
  const peer = start('prometheus-node-exporter', `--web.listen-address=127.0.0.1:${port}`, `--web.config.file=${web}`);
  try {
    await apply(server, scrapeResource('node', {
      files: [{ files: [join(data, '*.json')], refreshInterval: '1s' }], interval: '1s', timeout: '1s',
      basicAuth: { username: 'ana', passwordRef: `file:${secret}` },
      relabel: [{ sourceLabels: ['__address__'], regex: 'dropped:.*', action: 'drop' }],
      metricRelabel: [{ sourceLabels: ['__name__'], regex: 'go_.*', action: 'drop' }, { sourceLabels: ['rack'], targetLabel: 'place', replacement: 'hall-$1' }],
    }));
    await eventually(query(server, 'node_uname_info{place="hall-r1"}'), (answer) => valueOf(answer) === 1, `the exporter is scraped (${peer.said()})`);
    assert.deepEqual((await (await server.ask('GET', '/api/v1/query?query=go_goroutines{job="node"}')).json()).data.result, []);
    const listed = await (await server.ask('GET', '/api/v1/targets')).json();
    assert.equal(listed.data.activeTargets.length, 1);
    assert.equal(listed.data.droppedTargets[0].discoveredLabels.__address__, 'dropped:1');
    writeFileSync(targets, '[]');
    await eventually(query(server, 'node_uname_info'), (answer) => answer.data?.result?.length === 0, 'the target is gone, its series stale', 15_000);
  } finally {
    await peer.stop();
    await server.stop();
  }
});
