// The real binary, seen from outside. Ports are free ones, folders are temporary.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

const binary = process.env.WELLRUN_BIN ?? 'build/dev/wellrun';
const folder = () => mkdtempSync(join(tmpdir(), 'wellrun-test-'));

function run(...args) {
  return new Promise((resolve) => {
    execFile(binary, args, { encoding: 'utf8' }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

/** A server on a free port; `data` may be one that an earlier server left. */
async function serve(data, ...flags) {
  const child = spawn(binary, ['serve', '--data', data, '--listen', '127.0.0.1:0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stderr.resume();
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (/ready: \S+/.test(text)) resolve();
    });
    exited.then(() => reject(new Error(`ended before it was ready: ${text}`)));
  });
  const url = /ready: (\S+)/.exec(text)[1];
  const token = /token: (\S+)/.exec(text)?.[1];
  const ask = (method, path, body, headers = {}) =>
    fetch(url + path, { method, headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers }, body: body === undefined ? undefined : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) });
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  return { url, token, ask, stop, port: Number(new URL(url).port) };
}

const shop = () => ({ files: Object.fromEntries(['teams/people', 'workload', 'health/outcomes', 'procedures/runbooks', 'communication'].map((name) => [`${name}.yaml`, readFileSync(`demo/ops/${name}.yaml`, 'utf8')])), commit: 'abc', author: 'Ana', dirty: false, prune: false });

test('says what it is and lists what it can do', async () => {
  const version = await run('--version');
  assert.match(version.stdout, /^wellrun \d+\.\d+\.\d+ \(commit \S+, built \d{4}-\d\d-\d\d\)/);
  const help = await run('--help');
  assert.equal(help.code, 0);
  for (const word of ['serve', 'check', 'apply', 'incident', 'run', 'assess', 'journal', 'completion']) assert.ok(help.stdout.includes(word), word);
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

test('hostile input gets a clear answer and the server goes on', async () => {
  const server = await serve(folder());
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  const cases = [
    ['gzip bomb', await server.ask('POST', '/api/v1/incidents', bomb, { 'content-encoding': 'gzip' }), 413],
    ['deep JSON', await server.ask('POST', '/api/v1/incidents', '['.repeat(100_000)), 413],
    ['not JSON', await server.ask('POST', '/api/v1/incidents', '{"title":'), 400],
    ['bad UTF-8', await server.ask('POST', '/api/v1/incidents', new Uint8Array([0x22, 0xff, 0xfe, 0x22])), 400],
    ['truncated protobuf', await server.ask('POST', '/api/v1/write', new Uint8Array([0x0a, 0xff, 0xff]), { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }), 400],
    // A time series (field 1) that says it is a number: snappy's literal of the two bytes 08 01.
    ['wrong wire type', await server.ask('POST', '/api/v1/write', new Uint8Array([2, 4, 8, 1]), { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }), 400],
    ['PromQL of 1 MB', await server.ask('POST', '/api/v1/query', 'query=' + '('.repeat(1 << 19), { 'content-type': 'application/x-www-form-urlencoded' }), 400],
  ];
  for (const [name, response, status] of cases) assert.equal(response.status, status, `${name}: ${response.status} ${await response.text()}`);
  const declared = await new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(`POST /api/v1/incidents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: 1073741824\r\n\r\n`));
    socket.on('data', (chunk) => resolve(chunk.toString()));
  });
  assert.match(declared, /^HTTP\/1\.1 413/);
  assert.equal((await server.ask('GET', '/-/ready')).status, 200);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test('every operation of the API contract is served', async () => {
  const server = await serve(folder());
  const missing = [];
  let path = '';
  let count = 0;
  for (const line of readFileSync('api/openapi.yaml', 'utf8').split('\n')) {
    if (/^components:/.test(line)) break;
    path = /^  (\/\S*):/.exec(line)?.[1] ?? path;
    const method = /^    (get|post|put|delete):/.exec(line)?.[1]?.toUpperCase();
    // Streams stay open, OTLP and the status page have listeners of their own.
    if (!method || path === '/api/v1/stream' || path.startsWith('/v1/') || path === '/api/status.json') continue;
    count += 1;
    const response = await server.ask(method, path.replace(/\{\w+\}/g, 'x'), method === 'GET' ? undefined : '{}');
    const text = await response.text();
    if (response.status === 405 || /nothing is served|no route/.test(text)) missing.push(`${method} ${path}: ${response.status}`);
  }
  assert.ok(count > 80, `${count} operations were read`);
  assert.deepEqual(missing, []);
  await server.stop();
});
