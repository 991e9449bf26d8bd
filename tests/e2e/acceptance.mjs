// The real binary, seen from outside. Ports are free ones, folders are temporary.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { binary, folder, run, runWith, serve } from './server.mjs';

const shop = () => ({ files: Object.fromEntries(['teams/people', 'workload', 'health/outcomes', 'procedures/runbooks', 'communication'].map((name) => [`${name}.yaml`, readFileSync(`demo/ops/${name}.yaml`, 'utf8')])), commit: 'abc', author: 'Ana', dirty: false, prune: false });

test('says what it is and lists what it can do', async () => {
  const version = await run('--version');
  assert.match(version.stdout, /^wellrun \d+\.\d+\.\d+ \(commit \S+, built \d{4}-\d\d-\d\d\)/);
  const help = await run('--help');
  assert.equal(help.code, 0);
  for (const word of ['serve', 'check', 'apply', 'incident', 'run', 'assess', 'journal', 'completion']) assert.ok(help.stdout.includes(word), word);
});

test('every command explains itself with an example', async () => {
  /** Commands that `help` lists: two spaces, a name, two spaces or more. */
  const below = (help) => {
    const lists = help.split(/\n(?=\S)/).filter((part) => !/^(Options|Usage|Begin|Every|Examples)/.test(part));
    return lists.flatMap((part) => [...part.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map((match) => match[1]));
  };
  let count = 0;
  const walk = async (path) => {
    const { code, stdout } = await run(...path, '--help');
    assert.equal(code, 0, path.join(' '));
    if (path.length > 0) assert.match(stdout, /Examples?:\n +\S/, `wellrun ${path.join(' ')} --help has no example`);
    count += 1;
    if (path.length < 2) for (const name of below(stdout)) await walk([...path, name]);
  };
  await walk([]);
  assert.ok(count > 50, `${count} commands were seen`);
});

test('settings: flag over environment over file over default, and where each came from', async () => {
  const at = folder();
  const file = join(at, 'wellrun.yaml');
  writeFileSync(file, 'retention: 30d\nlisten: 127.0.0.1:1\ndata: /from/file\n');
  const shown = await runWith({ WELLRUN_LISTEN: '127.0.0.1:2', WELLRUN_DATA: '/from/environment', WELLRUN_TOKEN: 'wr_hidden' }, 'config', 'show', '--config', file, '--data', '/from/flag', '-o', 'json');
  assert.equal(shown.code, 0, shown.stderr);
  const { items } = JSON.parse(shown.stdout);
  const of = (name) => items.find((item) => item.setting === name);
  assert.deepEqual(of('data'), { setting: 'data', value: '/from/flag', source: 'flag', origin: '--data' });
  assert.deepEqual(of('listen'), { setting: 'listen', value: '127.0.0.1:2', source: 'environment', origin: 'WELLRUN_LISTEN' });
  assert.deepEqual(of('retention'), { setting: 'retention', value: '30d', source: 'file', origin: `${file}:1:1` });
  assert.equal(of('out_of_order_window').source, 'default');
  assert.equal(of('token').value, '(set)');
  assert.ok(!shown.stdout.includes('wr_hidden'));
});

test('settings: an unknown key is refused with its place and the name that was meant', async () => {
  const file = join(folder(), 'wellrun.yaml');
  writeFileSync(file, 'retention: 30d\n  # a comment\notlp_http_listn: 127.0.0.1:1\nout_of_order_window: soon\n');
  for (const command of [['config', 'check'], ['serve']]) {
    const { code, stderr } = await run(...command, '--config', file);
    assert.notEqual(code, 0);
    assert.ok(stderr.includes(`${file}:3:1: no setting is called "otlp_http_listn" (did you mean "otlp_http_listen"?)`), stderr);
    assert.ok(stderr.includes(`${file}:4:1: out-of-order-window: `), stderr);
  }
  assert.match((await run('serve', '--config', '/nowhere.yaml')).stderr, /\/nowhere\.yaml/);
  assert.match((await runWith({ WELLRUN_RETENTOIN: '3d' }, 'config', 'check')).stderr, /did you mean WELLRUN_RETENTION/);
});

test('settings: the example file is sound, starts a server, and is what the reference shows', async () => {
  const data = folder();
  const example = await run('config', 'example');
  const file = join(data, 'wellrun.yaml');
  writeFileSync(file, example.stdout.replaceAll(/^#([a-z_]+: )/gm, '$1'));
  assert.equal((await run('config', 'check', '--config', file)).code, 0);
  const server = await serve(join(data, 'kept'), '--config', file);
  assert.equal((await server.ask('GET', '/-/ready')).status, 200);
  await server.stop();
  const reference = 'docs/reference/configuration.md';
  const shown = readFileSync(reference, 'utf8');
  const right = shown.replace(/```yaml\n[\s\S]*```/, () => `\`\`\`yaml\n${example.stdout}\`\`\``);
  if (process.env.WELLRUN_UPDATE) writeFileSync(reference, right);
  else assert.equal(shown, right, `${reference} is not what wellrun config example prints; WELLRUN_UPDATE=1 with this test rewrites it`);
});

test('a command line that cannot be read names what was meant and where help is', async () => {
  for (const [line, meant] of [
    [['chekc'], /has no command "chekc" \(did you mean "check"\?\)\nwellrun --help says/],
    [['incident', 'lst'], /wellrun incident has no command "lst" \(did you mean "list"\?\)/],
    [['serve', '--retension', '3d'], /wellrun serve has no option "--retension" \(did you mean "--retention"\?\)/],
    [['serve', '--retention', 'abc'], /wellrun serve: --retention: "abc" is not a duration/],
    [['incident', 'ack'], /wellrun incident ack: id is required\nwellrun incident ack --help says/],
    [['incident'], /acknowledge/],
    [[], /Begin with:/],
  ]) {
    const { code, stderr } = await run(...line);
    assert.equal(code, 2, line.join(' '));
    assert.match(stderr, meant);
  }
});

test('what is not there is said so, not called well', async () => {
  const empty = folder();
  const check = await run('check', empty);
  assert.equal(check.code, 2);
  assert.match(check.stderr, /no \*\.yaml below .*wellrun init/);
  const verify = await run('journal', 'verify', '--data', empty);
  assert.equal(verify.code, 2);
  assert.match(verify.stderr, /there is no journal in that folder; name the server's data folder with --data or WELLRUN_DATA/);
});

test('completion is made for every shell, and bash reads it', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) assert.match((await run('completion', shell)).stdout, /wellrun/);
  const { execFileSync } = await import('node:child_process');
  const { stdout } = await run('completion', 'bash');
  const complete = (line) => execFileSync('bash', ['-c', `${stdout}\nCOMP_WORDS=(${line} ""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _wellrun; printf '%s\\n' "\${COMPREPLY[@]}"`], { encoding: 'utf8' }).split('\n');
  assert.ok(complete('wellrun').includes('incident'));
  assert.ok(complete('wellrun incident').includes('ack'));
  assert.ok(complete('wellrun incident open').includes('--severity'));
  assert.ok(complete('wellrun --output').includes('json'));
});

test('refuses to open a door: no authentication, or no TLS, beyond loopback', async () => {
  const data = folder();
  const open = await run('serve', '--data', data, '--listen', '0.0.0.0:0', '--no-auth');
  assert.equal(open.code, 2);
  assert.match(open.stderr, /--no-auth is refused on 0\.0\.0\.0:0/);
  const clear = await run('serve', '--data', data, '--listen', '0.0.0.0:0');
  assert.equal(clear.code, 2);
  assert.match(clear.stderr, /--tls-cert/);
});

test('pages of another origin read metrics only when told so, and without cookies', async () => {
  const server = await serve(folder(), '--cors-origin', 'https://(grafana|wiki)\\.example');
  const at = (path, method, origin, headers = {}) => fetch(`${server.url}${path}`, { method, headers: { Origin: origin, ...headers } });
  const wiki = 'https://wiki.example';
  const allowed = (answer) => answer.headers.get('access-control-allow-origin');
  const preflight = await at('/api/v1/query', 'OPTIONS', wiki, { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' });
  assert.equal(preflight.status, 204);
  assert.equal(allowed(preflight), wiki);
  assert.match(preflight.headers.get('access-control-allow-headers'), /Authorization/);
  assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
  assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
  const asked = await at('/api/v1/query?query=1', 'GET', wiki, { Authorization: `Bearer ${server.token}` });
  assert.equal(asked.status, 200);
  assert.equal(allowed(asked), wiki);
  assert.match(asked.headers.get('vary'), /Origin/);
  const unknown = await at('/api/v1/query?query=1', 'GET', wiki);
  assert.equal(unknown.status, 401);
  assert.equal(allowed(unknown), wiki, 'the page may read why');
  assert.equal(allowed(await at('/api/v1/query?query=1', 'GET', `${wiki}.evil.test`)), null);
  assert.equal(allowed(await at('/api/v1/incidents', 'GET', wiki)), null);
  await server.stop();
  const refused = await run('serve', '--data', folder(), '--listen', '127.0.0.1:0', '--cors-origin', '(');
  assert.match(refused.stderr, /--cors-origin is "\(", which is no regular expression/);
});

test('refuses a flush interval that it would not keep', async () => {
  for (const interval of ['50ms', '2s']) {
    const refused = await run('serve', '--data', folder(), '--listen', '127.0.0.1:0', '--flush-interval', interval);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, new RegExp(`--flush-interval is ${interval}: it may be 100ms to 1s, or 0s`));
  }
});

test('what init writes passes check', async () => {
  const ops = folder();
  rmSync(ops, { recursive: true });
  assert.equal((await run('init', ops)).code, 0);
  assert.ok(readdirSync(ops).length > 0);
  const check = await run('check', ops);
  assert.equal(check.code, 0, check.stdout);
  assert.notEqual((await run('init', ops)).code, 0, 'it must not write over a repository');
});

test('check names file, line, column and the name that was meant', async () => {
  const check = await run('check', 'tests/corpora/catalog');
  assert.equal(check.code, 1);
  assert.match(check.stdout, /\S+\.yaml:\d+:\d+: /);
});

test('asks for a token, and the first one is printed once', async () => {
  const data = folder();
  const first = await serve(data);
  assert.ok(first.token);
  assert.equal((await fetch(`${first.url}/api/v1/workloads`)).status, 401);
  assert.equal((await first.ask('GET', '/api/v1/workloads')).status, 200);
  await first.stop();
  const second = await serve(data);
  assert.equal(second.token, undefined);
  const again = await fetch(`${second.url}/api/v1/workloads`, { headers: { authorization: `Bearer ${first.token}` } });
  assert.equal(again.status, 200);
  assert.deepEqual(await second.stop(), { code: 0, signal: null });
});

test('kill -9 loses nothing that was acknowledged, and the journal verifies', async () => {
  const data = folder();
  let server = await serve(data);
  const { token } = server;
  const ask = (method, path, body) => fetch(server.url + path, { method, headers: { authorization: `Bearer ${token}` }, body: body && JSON.stringify(body) });
  assert.equal((await ask('POST', '/api/v1/catalog/apply', shop())).status, 200);
  const opened = await (await ask('POST', '/api/v1/incidents', { title: 'a trial', workload: 'shop', severity: 4 })).json();
  const acknowledged = [];
  for (let round = 0; round < 3; ++round) {
    let killed = false;
    const writing = (async () => {
      for (let i = 0; !killed; ++i) {
        const text = `note ${round}-${i}`;
        try {
          if ((await ask('POST', `/api/v1/incidents/${opened.id}/notes`, { text })).status === 200) acknowledged.push(text);
        } catch {
          return;
        }
        if (i === 20 * (round + 1)) server.stop('SIGKILL').then(() => (killed = true));
      }
    })();
    await writing;
    server = await serve(data);
  }
  const incident = await (await ask('GET', `/api/v1/incidents/${opened.id}`)).json();
  const kept = new Set(incident.timeline.map((entry) => entry.text));
  assert.ok(acknowledged.length > 60);
  for (const text of acknowledged) assert.ok(kept.has(text), `${text} was acknowledged and is lost`);
  await server.stop();
  const verify = await run('journal', 'verify', '--data', data);
  assert.equal(verify.code, 0, verify.stdout);
});

test('what could not be printed is said so, and not called done', async () => {
  const data = folder();
  await (await serve(data)).stop();
  const onFullDisk = (...args) =>
    new Promise((resolve) => {
      execFile('sh', ['-c', '"$0" "$@" > /dev/full', binary, ...args], (error, _, stderr) => resolve({ code: error ? error.code : 0, stderr }));
    });
  for (const command of ['--version', '--help', 'completion bash', 'config example', `journal verify --data ${data}`, `journal export --data ${data}`]) {
    const { code, stderr } = await onFullDisk(...command.split(' '));
    assert.equal(code, 2, command);
    assert.match(stderr, /standard output cannot be written: No space left on device/, command);
    assert.ok(!stderr.includes('exported'), stderr);
  }
});

test('a backup is made while the server runs, and a server started on it has everything', async () => {
  const server = await serve(folder());
  assert.equal((await server.ask('POST', '/api/v1/catalog/apply', shop())).status, 200);
  const opened = await (await server.ask('POST', '/api/v1/incidents', { title: 'a trial', workload: 'shop', severity: 4 })).json();
  const gauge = (name, value) => ({
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints: [{ timeUnixNano: `${Date.now()}000000`, asDouble: value }] } }] }] }],
  });
  assert.equal((await server.ask('POST', '/api/v1/otlp/v1/metrics', gauge('before_backup', 7), { 'content-type': 'application/json' })).status, 200);
  const copy = join(folder(), 'copy');
  const made = await run('backup', copy, '--server', server.url, '--token', server.token);
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await server.ask('POST', '/api/v1/otlp/v1/metrics', gauge('after_backup', 8), { 'content-type': 'application/json' })).status, 200);
  const again = await run('backup', copy, '--server', server.url, '--token', server.token);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /does not exist yet/);
  const verify = await run('journal', 'verify', '--data', copy);
  assert.equal(verify.code, 0, verify.stdout);
  const restored = await serve(copy);
  const ask = async (path) => (await fetch(restored.url + path, { headers: { authorization: `Bearer ${server.token}` } })).json();
  assert.equal((await ask('/api/v1/query?query=before_backup')).data.result[0].value[1], '7');
  assert.equal((await ask('/api/v1/query?query=after_backup')).data.result.length, 0);
  assert.equal((await ask(`/api/v1/incidents/${opened.id}`)).title, 'a trial');
  await restored.stop();
  await server.stop();
});

test('every operation of the API contract is served', async () => {
  const server = await serve(folder());
  const missing = [];
  let path = '';
  let count = 0;
  for (const line of readFileSync('api/openapi.yaml', 'utf8').split('\n')) {
    if (/^components:/.test(line)) break;
    path = /^ {2}(\/\S*):/.exec(line)?.[1] ?? path;
    const method = /^ {4}(get|post|put|delete):/.exec(line)?.[1]?.toUpperCase();
    // Streams stay open, OTLP and the status page have listeners of their own.
    if (!method || path === '/api/v1/stream' || path === '/api/v1/notifications/live' || path.startsWith('/v1/') || path.startsWith('/api/status')) continue;
    count += 1;
    const response = await server.ask(method, path.replace(/\{\w+\}/g, 'x'), method === 'GET' ? undefined : '{}');
    const text = await response.text();
    if (response.status === 405 || /nothing is served|no route/.test(text)) missing.push(`${method} ${path}: ${response.status}`);
  }
  assert.ok(count > 80, `${count} operations were read`);
  assert.deepEqual(missing, []);
  await server.stop();
});
