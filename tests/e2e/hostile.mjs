// Whatever arrives, on whatever door: a clear answer or a closed connection, bounded memory, and the server goes on.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { gzipSync } from 'node:zlib';
import { call, frame, kLogs, kMetrics, kTraces } from './grpc.mjs';
import { folder, freePort, raw, run, serve } from './server.mjs';

// A sanitizer's shadow and red zones count as the server's memory.
const kMaxMemoryMiB = 450 * Number(process.env.WELLRUN_MEMORY_FACTOR ?? 1);
const kProtobuf = { 'content-type': 'application/x-protobuf' };
const kJson = { 'content-type': 'application/json' };
const kHeaderTimeoutMs = 10_000;

const MiB = 1 << 20;
const zeros = (bytes) => Buffer.alloc(bytes);
const bomb = gzipSync(zeros(256 * MiB)); // a quarter of a MiB
/** Snappy that claims to become 4 GiB. */
const snappyLie = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00]);
/** Snappy's literals: what the bytes are, uncompressed. */
function snappy(bytes) {
  const parts = [];
  let rest = bytes.length;
  const length = [];
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  parts.push(Buffer.from(length));
  for (let at = 0; at < bytes.length; at += 60) {
    const piece = bytes.subarray(at, at + 60);
    parts.push(Buffer.from([(piece.length - 1) << 2]), piece);
  }
  return Buffer.concat(parts);
}
const aliasBomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]', ...'bcdefghijk'.split('').map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghijk'[index]}`).join(',')}]`)].join('\n');
const deepYaml = `a: ${'['.repeat(100_000)}`;

let server;
let otlpHttp;
let otlpGrpc;
const otlp = (signal, body, headers) => fetch(`http://127.0.0.1:${otlpHttp}/v1/${signal}`, { method: 'POST', body, headers });

before(async () => {
  otlpHttp = await freePort();
  otlpGrpc = await freePort();
  server = await serve(folder(), '--otlp-http-listen', `127.0.0.1:${otlpHttp}`, '--otlp-grpc-listen', `127.0.0.1:${otlpGrpc}`);
});

/** The server still does its work, and never held more than it may. */
async function isWell() {
  assert.equal((await server.ask('GET', '/-/ready')).status, 200);
  assert.equal((await server.ask('GET', '/api/v1/query?query=vector(1)')).status, 200);
  assert.equal((await call(otlpGrpc, kLogs, frame(Buffer.alloc(0)))).status, 0);
  const peak = server.peakMemory();
  console.log(`# ${peak.toFixed(0)} MiB at most so far`);
  assert.ok(peak < kMaxMemoryMiB, `${peak.toFixed(0)} MiB were held at once`);
}

after(async () => {
  console.log(`# most memory held: ${server.peakMemory().toFixed(0)} MiB`);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

/** Each case: name, answer, the statuses that are right. */
async function expectEach(cases) {
  for (const [name, answer, ...right] of cases) {
    const response = await answer();
    const text = await response.text();
    assert.ok(right.includes(response.status), `${name}: ${response.status} ${text.slice(0, 300)}`);
    assert.ok(text.length > 0 && text.length < 4000, `${name}: an answer of ${text.length} bytes`);
  }
  await isWell();
}

test('truncated and lying protobuf', async () => {
  const truncated = Buffer.from([0x0a, 0xff, 0xff]);
  const overlong = Buffer.from(Array(20).fill(0xff));
  const write = { ...kProtobuf, 'content-encoding': 'snappy' };
  await expectEach([
    ['remote write, not snappy', () => server.ask('POST', '/api/v1/write', truncated, write), 400],
    ['remote write, truncated message', () => server.ask('POST', '/api/v1/write', snappy(truncated), write), 400],
    ['remote write, overlong varint', () => server.ask('POST', '/api/v1/write', snappy(overlong), write), 400],
    ['remote write, wrong wire type', () => server.ask('POST', '/api/v1/write', snappy(Buffer.from([8, 1])), write), 400],
    ...['metrics', 'logs', 'traces'].flatMap((signal) => [
      [`OTLP ${signal}, truncated`, () => otlp(signal, truncated, kProtobuf), 400],
      [`OTLP ${signal}, overlong varint`, () => otlp(signal, overlong, kProtobuf), 400],
    ]),
  ]);
  for (const path of [kMetrics, kLogs, kTraces]) {
    assert.equal((await call(otlpGrpc, path, frame(truncated))).status, 3, path);
    assert.equal((await call(otlpGrpc, path, frame(overlong))).status, 3, path);
  }
  await isWell();
});

test('compression bombs', async () => {
  const write = { ...kProtobuf, 'content-encoding': 'snappy' };
  await expectEach([
    ['gzip bomb at the API', () => server.ask('POST', '/api/v1/incidents', bomb, { ...kJson, 'content-encoding': 'gzip' }), 413],
    ['gzip bomb at OTLP', () => otlp('metrics', bomb, { ...kProtobuf, 'content-encoding': 'gzip' }), 413],
    ['cut gzip', () => otlp('metrics', bomb.subarray(0, 1000), { ...kProtobuf, 'content-encoding': 'gzip' }), 400],
    ['snappy that claims 4 GiB', () => server.ask('POST', '/api/v1/write', snappyLie, write), 400, 413],
    ['an unknown encoding', () => otlp('metrics', Buffer.from('x'), { ...kProtobuf, 'content-encoding': 'br' }), 415],
  ]);
  const overGrpc = await call(otlpGrpc, kMetrics, frame(bomb, { isCompressed: true }), { headers: { 'grpc-encoding': 'gzip' } });
  assert.ok([8, 13, 3].includes(overGrpc.status), `gRPC: ${overGrpc.status} ${overGrpc.message}`);
  await isWell();
  // Ten at once hold no more than one after the other.
  const together = await Promise.all(Array.from({ length: 10 }, () => otlp('metrics', bomb, { ...kProtobuf, 'content-encoding': 'gzip' })));
  for (const response of together) assert.ok([413, 429, 503].includes(response.status), String(response.status));
  await isWell();
});

test('a body of 1 GB', async () => {
  const head = (path, more) => `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json\r\n${more}\r\n\r\n`;
  for (const [port, path] of [
    [server.port, '/api/v1/incidents'],
    [server.port, '/api/v1/write'],
    [server.port, '/api/v1/query'],
    [otlpHttp, '/v1/metrics'],
  ]) {
    const declared = await raw(port, head(path, 'Content-Length: 1073741824'));
    assert.match(declared.answer, /^HTTP\/1\.1 413/, `declared, ${path}`);
  }
  // Not declared: chunk after chunk, until the server has had enough.
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), zeros(MiB), Buffer.from('\r\n')]);
  const sent = await new Promise((resolve) => {
    let count = 0;
    let answer = '';
    const socket = connect(otlpHttp, '127.0.0.1', () => socket.write(head('/v1/metrics', 'Transfer-Encoding: chunked')));
    const more = () => {
      while (count < 1024 && !socket.destroyed) {
        count += 1;
        if (!socket.write(chunk)) return;
      }
      if (count >= 1024) socket.end();
    };
    socket.on('connect', more);
    socket.on('drain', more);
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve({ count, answer }));
  });
  assert.match(sent.answer, /^HTTP\/1\.1 413/);
  assert.ok(sent.count < 200, `${sent.count} MiB were taken before it had enough`);
  // gRPC: a frame that claims 1 GB.
  const claimed = await call(otlpGrpc, kMetrics, frame(zeros(100), { length: 1 << 30 }));
  assert.ok([3, 8, 13].includes(claimed.status), `gRPC: ${claimed.status} ${claimed.message}`);
  await isWell();
});

test('deep JSON, bad UTF-8, and JSON that is none', async () => {
  const deep = '['.repeat(1_000_000);
  const deepAttribute = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(20_000)}`;
  const badUtf8 = Buffer.from([0x7b, 0x22, 0x74, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
  await expectEach([
    ['deep JSON at the API', () => server.ask('POST', '/api/v1/incidents', deep, kJson), 413, 400],
    ['deep objects at the API', () => server.ask('POST', '/api/v1/incidents', '{"a":'.repeat(200_000), kJson), 413, 400],
    ['deep JSON at OTLP', () => otlp('metrics', deep, kJson), 400, 413],
    ['deep attribute at OTLP', () => otlp('logs', deepAttribute, kJson), 400, 413],
    ['bad UTF-8 at the API', () => server.ask('POST', '/api/v1/incidents', badUtf8, kJson), 400],
    ['bad UTF-8 at OTLP', () => otlp('logs', badUtf8, kJson), 400],
    ['bad UTF-8 in a catalog', () => server.ask('POST', '/api/v1/catalog/check', Buffer.concat([Buffer.from('{"files":{"a.yaml":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}}')]), kJson), 400],
    ['bad UTF-8 in PromQL', () => server.ask('GET', '/api/v1/query?query=%ff%fe'), 400],
    ['half an object', () => server.ask('POST', '/api/v1/incidents', '{"title":', kJson), 400],
    ['a number of a million digits', () => server.ask('POST', '/api/v1/incidents', `{"severity":${'9'.repeat(900_000)}}`, kJson), 400],
  ]);
});

test('CDEvents and inputs of another shape than they have', async () => {
  const deployed = (event) => JSON.stringify({ context: { type: 'dev.cdevents.service.deployed.0.1.1', id: 'odd' }, subject: { id: 'shop', content: {} }, ...event });
  const send = (body) => () => server.ask('POST', '/api/v1/cdevents', body, kJson);
  await expectEach([
    ['data that is text', send('{"specversion":"1.0","data":"x"}'), 400],
    ['data that is a list', send('{"specversion":"1.0","data":[1]}'), 400],
    ['a context that is text', send(deployed({ context: 'x' })), 400],
    ['a subject that is text', send(deployed({ subject: 'x' })), 400],
    ['content that is text', send(deployed({ subject: { id: 'shop', content: 'x' } })), 201, 400, 404],
    ['an environment that is text', send(deployed({ subject: { id: 'shop', content: { environment: 'x' } } })), 200, 201, 400, 404],
    ['customData that is a number', send(deployed({ customData: 5 })), 200, 201, 400, 404],
    ['inputs of a run that are a number', () => server.ask('POST', '/api/v1/runs', '{"runbook":"x","inputs":5}', kJson), 400],
  ]);
});

test('more than a fact, or a turn of the journal, can hold', async () => {
  const document = (kind, name, spec) => JSON.stringify({ apiVersion: 'wellrun.io/v1', kind, metadata: { name }, spec });
  const apply = (documents) => server.ask('POST', '/api/v1/catalog/apply', { documents: documents.join('\n---\n'), commit: 'c0ffee' });
  const crowd = Array.from({ length: 9_500 }, (_, index) => document('Person', `p${index}`, {}));
  await expectEach([['9,500 persons at once', () => apply(crowd), 413]]);
  const known = await (await server.ask('GET', '/api/v1/resources?kind=Person')).json();
  assert.equal((known.items ?? []).length, 0, 'nothing of it was applied');

  // What a log has where it was truncated: each byte takes six in the journal.
  const print = { name: 'print', run: { command: 'head -c 5000 /dev/zero; echo the end' }, repeatable: true };
  const crew = [document('Person', 'ana', { email: 'ana@shop.example' }), document('Team', 'crew', { members: ['ana'], email: 'crew@shop.example' })];
  const child = document('Runbook', 'child', { owner: 'crew', inputs: [{ name: 'text' }], steps: [print] });
  const parent = document('Runbook', 'parent', { owner: 'crew', inputs: [{ name: 'text' }], steps: [
    print,
    { name: 'too-much', runbook: { name: 'child', inputs: { text: '{{inputs.text}}'.repeat(4) } }, retries: 1, onFailure: 'continue' },
    { name: 'enough', runbook: { name: 'child', inputs: { text: '{{inputs.text}}' } } },
  ] });
  assert.equal((await apply([...crew, child, parent])).status, 200);
  const started = await (await server.ask('POST', '/api/v1/runs', { runbook: 'parent', inputs: { text: 'x'.repeat(5000) } })).json();
  let run;
  for (let tries = 0; tries < 300; ++tries) {
    run = await (await server.ask('GET', `/api/v1/runs/${started.id}`)).json();
    if (run.state !== 'running') break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual([run.state, ...run.steps.map((step) => step.state)], ['failed', 'succeeded', 'failed', 'succeeded'], JSON.stringify(run));
  assert.ok(run.steps[0].output.endsWith('the end\n'));
  assert.match(run.steps[1].error, /give shorter inputs/);
  await isWell();
});

test('YAML: alias bomb, depth, size', async () => {
  const check = (text) => server.ask('POST', '/api/v1/catalog/check', JSON.stringify({ files: { 'a.yaml': text } }), kJson);
  for (const [name, text] of [
    ['alias bomb', aliasBomb],
    ['depth', deepYaml],
  ]) {
    const response = await check(text);
    const answer = await response.text();
    // A catalog that is wrong is a finding, with its place, not a failure of the request.
    assert.ok(response.status === 200 || response.status === 400, `${name}: ${response.status} ${answer.slice(0, 200)}`);
    assert.match(answer, /a\.yaml|a.yaml:\d/, name);
    assert.ok(answer.length < 10_000, `${name}: ${answer.length} bytes`);
  }
  await isWell();
  const ops = folder();
  mkdirSync(join(ops, 'x'));
  writeFileSync(join(ops, 'x', 'bomb.yaml'), aliasBomb);
  assert.equal((await run('check', ops)).code, 1);
  writeFileSync(join(ops, 'settings.yaml'), aliasBomb);
  const settings = await run('config', 'check', '--config', join(ops, 'settings.yaml'));
  assert.equal(settings.code, 1);
  assert.match(settings.stderr, /settings\.yaml:\d+:\d+: /);
});

test('PromQL of 1 MB', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const query = (text) => () => server.ask('POST', '/api/v1/query', `query=${encodeURIComponent(text)}`, form);
  await expectEach([
    ['open brackets', query('('.repeat(1 << 20)), 400, 413, 422],
    ['unary signs', query('-'.repeat(1 << 20) + '1'), 400, 413, 422],
    ['a long sum', query(`1${'+1'.repeat((1 << 19) - 1)}`), 400],
    ['nested calls', query('abs('.repeat(1 << 17) + '1' + ')'.repeat(1 << 17)), 400],
    ['one label of a MiB', query(`up{a="${'x'.repeat(1 << 20)}"}`), 400, 413, 422],
    ['a regular expression that explodes elsewhere', query(`up{a=~"(${'a?'.repeat(5000)})${'a'.repeat(5000)}"}`), 400, 422, 200],
    ['more points than anybody can see', () => server.ask('GET', '/api/v1/query_range?query=vector(1)&start=0&end=2000000000&step=1'), 400],
  ]);
});

test('header floods and nonsense', async () => {
  const lines = Array.from({ length: 4000 }, (_, index) => `X-${index}: ${'v'.repeat(50)}`).join('\r\n');
  const flood = await raw(server.port, `GET /-/ready HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n`);
  assert.match(flood.answer, /^HTTP\/1\.1 4(13|31)/);
  const target = await raw(server.port, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.match(target.answer, /^HTTP\/1\.1 4(13|14|31)/);
  for (const nonsense of ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0'.repeat(2000) + '\r\n\r\n', 'GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n']) {
    const { answer, isClosed } = await raw(server.port, Buffer.from(nonsense, 'latin1'), kHeaderTimeoutMs + 5000);
    assert.ok(isClosed && (answer === '' || /^HTTP\/1\.1 (4|5)\d\d/.test(answer)), `${JSON.stringify(nonsense.slice(0, 20))}: ${answer.slice(0, 100)}`);
  }
  await isWell();
});

test('slow-loris: those who never finish are closed, the others are served meanwhile', { timeout: 60_000 }, async () => {
  const drip = (port, first) =>
    new Promise((resolve) => {
      const began = Date.now();
      const socket = connect(port, '127.0.0.1', () => socket.write(first));
      const timer = setInterval(() => socket.write('X'), 500);
      const late = setTimeout(() => socket.destroy(), kHeaderTimeoutMs + 15_000);
      socket.on('error', () => {});
      socket.resume();
      socket.on('close', () => {
        clearInterval(timer);
        clearTimeout(late);
        resolve(Date.now() - began);
      });
    });
  const slow = [
    ...Array.from({ length: 100 }, () => drip(server.port, 'GET /-/ready HTTP/1.1\r\nHost: x\r\nX-Slow: ')),
    ...Array.from({ length: 50 }, () => drip(otlpHttp, 'POST /v1/metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ')),
    // gRPC: half of HTTP/2's preface, then silence with a drip of bytes that are none.
    ...Array.from({ length: 20 }, () => drip(otlpGrpc, 'PRI * HTTP/2.0\r\n')),
  ];
  let worst = 0;
  for (let i = 0; i < 10; ++i) {
    const began = Date.now();
    await isWell();
    worst = Math.max(worst, Date.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.ok(worst < 3000, `somebody else waited ${worst} ms`);
  const longest = Math.max(...(await Promise.all(slow)));
  assert.ok(longest < kHeaderTimeoutMs + 10_000, `one was kept for ${longest} ms`);
  await isWell();
});

test('both OTLP doors ask for a token when they are told to', async () => {
  const http = await freePort();
  const grpc = await freePort();
  const closed = await serve(folder(), '--otlp-auth', '--otlp-http-listen', `127.0.0.1:${http}`, '--otlp-grpc-listen', `127.0.0.1:${grpc}`);
  const made = async (role) => (await (await closed.ask('POST', '/api/v1/tokens', { name: role, role })).json()).token;
  const viewer = await made('viewer');
  const responder = await made('responder');
  const send = (token) => fetch(`http://127.0.0.1:${http}/v1/logs`, { method: 'POST', body: new Uint8Array(), headers: { ...kProtobuf, ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  const export_ = (token) => call(grpc, kLogs, frame(Buffer.alloc(0)), { headers: token ? { authorization: `Bearer ${token}` } : {} });
  assert.deepEqual([(await send()).status, (await send('wr_guess')).status, (await send(viewer)).status, (await send(responder)).status], [401, 401, 403, 200]);
  assert.deepEqual([(await export_()).status, (await export_('wr_guess')).status, (await export_(viewer)).status, (await export_(responder)).status], [16, 16, 7, 0]);
  await closed.stop();
});
