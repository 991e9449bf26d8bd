// Rules, seen from outside: rule files and their tests beside Debian's promtool, alerts over kill -9, why they fired, and
// trying a rule on history. Ports are free ones, folders are temporary.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { writeRequest } from './remote_write.mjs';

const binary = process.env.WELLRUN_BIN ?? 'build/dev/wellrun';
const folder = () => mkdtempSync(join(tmpdir(), 'wellrun-rules-'));

function exec(program, args, options = {}) {
  return new Promise((resolve) => {
    execFile(program, args, { encoding: 'utf8', maxBuffer: 64 << 20, ...options }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}
const run = (...args) => exec(binary, args);

async function serve(data) {
  const child = spawn(binary, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--no-auth'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const ready = /ready: (\S+)/.exec(text);
      if (ready) resolve(ready[1]);
    });
    exited.then(() => reject(new Error(`ended before it was ready: ${text}`)));
  });
  const ask = async (method, path, body) => {
    const response = await fetch(url + path, { method, body: body && JSON.stringify(body) });
    assert.equal(response.status, 200, `${method} ${path}: ${await response.clone().text()}`);
    return response.json();
  };
  return {
    url,
    ask,
    apply: (files) => ask('POST', '/api/v1/catalog/apply', { files, commit: 'abc', author: 'Ana', dirty: false, prune: true }),
    write: async (series) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
      const response = await fetch(`${url}/api/v1/write`, { method: 'POST', headers, body: writeRequest(series) });
      assert.ok(response.ok, `${response.status} ${await response.text()}`);
    },
    facts: async (type) => (await ask('GET', `/api/v1/journal?type=${type}&limit=1000`)).items,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

async function until(condition, what, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

test("unit tests of rules get promtool's verdicts", async () => {
  const corpus = 'tests/corpora/rules';
  const files = readdirSync(corpus).filter((file) => file.endsWith('.test.yml'));
  assert.ok(files.length >= 18);
  for (const file of files) {
    const ours = await run('rules', 'test', join(corpus, file));
    const theirs = await exec('promtool', ['test', 'rules', file], { cwd: corpus });
    assert.equal(ours.code === 0, theirs.code === 0, `${file}: ours ${ours.code}, promtool ${theirs.code}\n${ours.stdout}\n${theirs.stdout}${theirs.stderr}`);
    assert.equal(ours.code, file.includes('_passes') ? 0 : 1, `${file}\n${ours.stdout}`);
  }
});

test('a failing unit test shows what was expected and what was found, also as JUnit', async () => {
  const junit = join(folder(), 'junit.xml');
  const failed = await run('rules', 'test', 'tests/corpora/rules/wrong_alert_fails.test.yml', 'tests/corpora/rules/shop_passes.test.yml', '--junit', junit);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /FAILED expects the alert too early and with another label\n.*wrong_alert_fails\.test\.yml:7: alert InstanceDown, time 1m:\n\s+- expected: labels \{.*instance="b"/);
  assert.match(failed.stdout, /\+ found:\s+labels \{.*instance="b".*annotations \{summary="b of shop is down"\}\n\s+- expected: labels \{.*instance="c"/);
  assert.match(failed.stdout, /shop_passes\.test\.yml\n {2}passed: 2 tests/);
  const xml = readFileSync(junit, 'utf8');
  assert.match(xml, /<testsuite name="[^"]*wrong_alert_fails.test.yml" tests="1" failures="1" errors="0">/);
  assert.match(xml, /<failure message="[^"]*InstanceDown/);
});

test('rule files are checked as promtool does, with every place', async () => {
  const file = join(folder(), 'bad.yml');
  writeFileSync(file, `groups:
  - name: g
    rules:
      - alert: A
        expr: up ==
        annotations:
          summary: "{{ humanise $value }}"
      - record: r
        expr: sum(up)
        for: 5m
      - alert: B
        expr: up
        lables: {a: b}
  - name: g
    rules: []
`);
  const ours = await run('rules', 'check', file);
  assert.equal(ours.code, 1);
  for (const place of [/bad\.yml:5:15: .*does not parse/, /bad\.yml:7:20: .*humanise.*did you mean "humanize"/, /bad\.yml:10:14: .*cannot have for/, /bad\.yml:13:9: unknown field "lables"/, /bad\.yml:14:11: .*stands twice/])
    assert.match(ours.stdout, place);
  assert.notEqual((await exec('promtool', ['check', 'rules', file])).code, 0);
  const good = await run('rules', 'check', 'tests/corpora/rules/shop.rules.yml');
  assert.deepEqual([good.code, good.stdout], [0, '7 rules in 1 file: all well\n']);
});

test('a Prometheus rule file in the repository fires soon after the sample, and says why', async () => {
  const server = await serve(folder());
  const rules = readFileSync('tests/corpora/rules/shop.rules.yml', 'utf8');
  await server.apply({ 'rules/shop.rules.yml': rules, 'rules/fast.yml': 'groups:\n  - name: Fast Ones\n    interval: 1h\n    rules:\n      - alert: Ratio\n        expr: bad / good > 0.1\n        labels: {severity: critical}\n        annotations: {summary: "{{ $labels.job }} {{ with query \\"sum(good)\\" }}{{ . | first | value }}{{ end }}"}\n' });
  const groups = (await server.ask('GET', '/api/v1/rules')).data.groups;
  assert.deepEqual(groups.map((group) => group.name).sort(), ['fast.fast-ones', 'shop.rules.alerts', 'shop.rules.recorded']);
  // The interval is an hour: what fires now fires because samples came.
  await server.write([
    { labels: { __name__: 'good', job: 'shop' }, samples: [[Date.now(), 10]] },
    { labels: { __name__: 'bad', job: 'shop' }, samples: [[Date.now(), 5]] },
  ]);
  const written = Date.now();
  const fired = await until(async () => (await server.facts('alert.fired')).find((fact) => fact.body.alert === 'Ratio'), 'the alert', 20);
  assert.ok(Date.parse(fired.time) - written < 2000, `${Date.parse(fired.time) - written} ms`);
  assert.equal(fired.body.annotations.summary, 'shop 10');
  assert.deepEqual([fired.body.severity, fired.body.labels.severity], ['page', 'critical'], "a word does what people's routes do");
  const parts = Object.fromEntries(fired.body.evidence.map((part) => [part.expr, part.series[0].value]));
  assert.deepEqual(parts, { 'bad / good': 0.5, bad: 5, good: 10 });
  const why = await run('--server', server.url, 'rules', 'why', 'Ratio');
  assert.match(why.stdout, /bad \/ good\n\s+0\.5 \{"job":"shop"\}/);
  await server.stop();
});

test('a hundred pending alerts each fire at their original time over kill -9', async () => {
  const data = folder();
  const hold = 20;
  const rules = `groups:\n  - name: pending\n    interval: 1s\n    rules:\n      - alert: Held\n        expr: held > 0\n        for: ${hold}s\n`;
  let server = await serve(data);
  await server.apply({ 'rules.yml': rules });
  const series = (from, to) => Array.from({ length: to - from }, (_, i) => ({ labels: { __name__: 'held', n: String(from + i) }, samples: [[Date.now(), 1]] }));
  for (let i = 0; i < 5; ++i) {
    await server.write(series(i * 20, (i + 1) * 20));
    await pause(1000);
  }
  const pending = await until(async () => {
    const alerts = (await server.ask('GET', '/api/v1/alerts')).data.alerts;
    return alerts.length === 100 && alerts;
  }, 'a hundred pending alerts');
  const active = new Map(pending.map((alert) => [alert.labels.n, Date.parse(alert.activeAt)]));
  assert.ok(new Set(active.values()).size >= 5, 'they became pending at different times');
  assert.ok(pending.every((alert) => alert.state === 'pending'));
  await server.stop('SIGKILL');
  server = await serve(data);
  const fired = await until(async () => {
    const facts = await server.facts('alert.fired');
    return facts.length >= 100 && facts;
  }, 'a hundred fired alerts');
  assert.equal(fired.length, 100);
  for (const fact of fired) {
    const { labels, active_since: since } = fact.body;
    assert.equal(Date.parse(since), active.get(labels.n), `alert ${labels.n} began again`);
    const late = Date.parse(fact.time) - active.get(labels.n) - hold * 1000;
    assert.ok(late >= -1000 && late <= 1000, `alert ${labels.n} fired ${late} ms from its time`);
  }
  await server.stop();
});

test('a rule is tried on what was measured', async () => {
  const server = await serve(folder());
  const minute = 60_000;
  const begin = Date.now() - 50 * minute;
  const samples = Array.from({ length: 50 }, (_, i) => [begin + i * minute, i >= 20 && i < 30 ? 5 : 0]);
  await server.write([{ labels: { __name__: 'errors', job: 'shop' }, samples }]);
  await server.apply(Object.fromEntries(['teams/people', 'workload', 'health/outcomes', 'procedures/runbooks', 'communication'].map((name) => [`${name}.yaml`, readFileSync(`demo/ops/${name}.yaml`, 'utf8')])));
  const opened = await fetch(`${server.url}/api/v1/incidents`, { method: 'POST', body: JSON.stringify({ title: 'seen by hand', severity: 3, workload: 'shop' }) });
  assert.ok(opened.status < 300, await opened.text());
  const file = join(folder(), 'rules.yml');
  writeFileSync(file, 'groups:\n  - name: g\n    rules:\n      - alert: Errors\n        expr: errors > 0\n        for: 2m\n');
  const options = ['--server', server.url, 'rules', 'backtest', file, '--start', new Date(begin).toISOString()];
  const text = await run(...options);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /would have fired 1 times, 0 of them without an incident; told 1 of 1 incidents/);
  const [answer] = JSON.parse((await run('-o', 'json', ...options)).stdout);
  assert.equal(answer.firings[0].fired_at, new Date(Math.floor(begin) + 22 * minute).toISOString().replace('.000Z', 'Z'));
  assert.equal(answer.firings[0].largest, 5);
  assert.ok(answer.incidents[0].seconds_before_a_person > 20 * 60);
  await server.stop();
});

test('twenty back-tests hold up no sample, and are seen and ended among the queries', async () => {
  const server = await serve(folder());
  await server.write([{ labels: { __name__: 'errors' }, samples: [[Date.now(), 1]] }]);
  const rule = { alert: 'Slow', expr: 'quantile_over_time(0.5, vector(1)[1h:1s]) > 1e9' };
  const body = JSON.stringify({ rule, start: new Date(Date.now() - 5 * 86_400_000).toISOString(), interval: '10s' });
  let answered = 0;
  const answers = Array.from({ length: 20 }, async () => {
    const answer = await fetch(`${server.url}/api/v1/rules/backtest`, { method: 'POST', body });
    ++answered;
    return answer.status;
  });
  const mine = async () => (await server.ask('GET', '/api/v1/queries')).items.filter(({ query }) => query === `back-test of ${rule.expr}`);
  await until(async () => (await mine()).length > 15, 'them to run or to wait', 20);
  await server.write([{ labels: { __name__: 'errors' }, samples: [[Date.now(), 2]] }]);
  assert.ok(answered < 10, `a sample does not wait for ${answered} of them`);
  for (const { id } of await mine()) await fetch(`${server.url}/api/v1/queries/${id}`, { method: 'DELETE' });
  const ended = (await Promise.all(answers)).filter((status) => status >= 400);
  assert.ok(ended.length >= 5, `${ended.length} were ended`);
  await server.stop();
});
