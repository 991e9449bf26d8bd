// What hostile or broken senders and askers send: each is answered with a clear 4xx or limit error, in bounded memory, and nothing
// that was acknowledged is lost.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { field, sample, series, snappy, text, write } from './raw_remote_write.mjs';
import { folder, serve } from './server.mjs';

const query = async (server, promql, extra = '') => {
  const response = await server.ask('POST', '/api/v1/query', `query=${encodeURIComponent(promql)}${extra}`, { 'content-type': 'application/x-www-form-urlencoded' });
  return { ...(await response.json()), status: response.status };
};
const residentMiB = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024;

test('remote write refuses what is broken and keeps what is good', async () => {
  const server = await serve(folder(), '--no-auth');
  const now = Date.now();
  const good = (name) => series([['__name__', name]], sample(1, now));
  const name = ['__name__', 'm'];
  const cases = [
    ['an empty label name', series([name, ['', 'x']], sample(1, now)), 400, /empty name/],
    ['a label given twice', series([name, ['a', '1'], ['a', '2']], sample(1, now)), 400, /given twice/],
    ['a label that is not UTF-8', series([name, ['a', Buffer.from([0xff, 0xfe])]], sample(1, now)), 400, /UTF-8/],
    ['no metric name', series([['a', '1']], sample(1, now)), 400, /no metric name/],
    ['a label of 1 MB', series([name, ['a', 'x'.repeat(1 << 20)]], sample(1, now)), 400, /limit/],
    ['before the retention', series([['__name__', 'old']], sample(1, now - 400 * 86_400_000)), 400, /older than the retention/],
    ['far in the future', series([['__name__', 'future']], sample(1, now + 86_400_000)), 400, /too far in the future/],
    ['at the end of time', series([['__name__', 'end']], sample(1, 9223372036854775807n)), 400, /too far in the future/],
  ];
  for (const [what, bad, status, reason] of cases) {
    const kept = `kept_beside_${cases.findIndex((one) => one[0] === what)}`;
    const response = await write(server, Buffer.concat([bad, good(kept)]));
    const body = await response.text();
    assert.equal(response.status, status, `${what}: ${response.status} ${body}`);
    assert.match(body, reason, what);
    assert.equal((await query(server, kept)).data.result.length, 1, `${what}: the good series beside it is stored`);
  }
  // Unsorted labels are the same series as sorted ones.
  assert.equal((await write(server, series([['z', '1'], ['__name__', 'unsorted'], ['a', '2']], sample(1, now - 1000)))).status, 204);
  assert.equal((await write(server, series([['__name__', 'unsorted'], ['a', '2'], ['z', '1']], sample(2, now)))).status, 204);
  assert.equal((await query(server, 'count(unsorted)')).data.result[0].value[1], '1');
  // Another value at a known time is refused, the same one is not; a NaN keeps its payload.
  assert.equal((await write(server, series([['__name__', 'twice']], sample(1, now)))).status, 204);
  assert.equal((await write(server, series([['__name__', 'twice']], sample(1, now)))).status, 204);
  const conflict = await write(server, series([['__name__', 'twice']], sample(2, now)));
  assert.equal(conflict.status, 400);
  assert.match(await conflict.text(), /duplicate sample for timestamp/);
  assert.equal((await write(server, series([['__name__', 'nan']], sample(0x7ff8000000000123n, now)))).status, 204);
  assert.equal((await query(server, 'nan_total or {__name__="nan"}')).data.result[0].value[1], 'NaN');
  assert.equal((await write(server, series([['__name__', 'ended']], sample(1, now - 1000), sample(0x7ff0000000000002n, now)))).status, 204);
  assert.deepEqual((await query(server, 'ended')).data.result, []);

  const plain = good('whole');
  for (const length of [0, 1, 3, plain.length - 1]) {
    const response = await write(server, plain.subarray(0, length));
    assert.ok(response.status === 400 || (length === 0 && response.status === 204), `cut at ${length}: ${response.status}`);
  }
  const packed = snappy(plain);
  const raw = (body, headers = {}) => server.ask('POST', '/api/v1/write', body, { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', ...headers });
  assert.equal((await raw(packed.subarray(0, packed.length - 2))).status, 400);
  assert.equal((await raw(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).status, 413, 'says that it unpacks to 4 GiB');
  assert.equal((await raw(packed, { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await raw(packed, { 'content-encoding': 'br' })).status, 415);
  const symbols = Buffer.concat([text(4, ''), field(5, field(1, Buffer.from([1, 9])))]);
  assert.equal((await write(server, symbols, { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' })).status, 400, 'a symbol that does not exist');

  // Random bytes: always an answer.
  let seed = 12345;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (let i = 0; i < 200; ++i) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
    const version = i % 2 === 0 ? {} : { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
    const response = await write(server, bytes, version);
    assert.ok(response.status < 500, `random ${i}: ${response.status}`);
  }
  assert.equal((await server.ask('GET', '/-/ready')).status, 200);
  assert.equal((await query(server, 'count({__name__=~"kept_beside_.+"})')).data.result[0].value[1], String(cases.length));
  await server.stop();
});

test('queries beyond a limit are refused, and the server goes on', async () => {
  const server = await serve(folder(), '--no-auth');
  const now = Date.now();
  const many = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => series([['__name__', 'many'], ['n', String(i)]], sample(i, now))));
  assert.equal((await write(server, many)).status, 204);
  const regex = Array.from({ length: 10_000 }, (_, i) => i).join('|');
  const all = await query(server, `count(many{n=~"${regex}"})`);
  assert.equal(all.data.result[0].value[1], '10000', 'a regex of 10,000 alternatives is answered');
  const before = residentMiB(server);
  const cases = [
    ['1 MB and more', 'a'.repeat(1_100_000)],
    ['10,000 parentheses', '('.repeat(10_000) + '1' + ')'.repeat(10_000)],
    ['10,000 unary signs', '-'.repeat(10_000) + '1'],
    ['10,000 nested calls', 'abs('.repeat(10_000) + 'many' + ')'.repeat(10_000)],
    ['10,000 subqueries', 'many' + '[5m:1m]'.repeat(10_000)],
    ['a chain of 100,000 operators', Array(100_000).fill('1').join('+')],
    ['10,000 nested durations', `many[${'('.repeat(10_000)}5m${')'.repeat(10_000)}]`],
    ['a regex that cannot be read', 'many{n=~"("}'],
    ['a subquery with a million steps a series', 'count_over_time(many[1y:1ms])'],
  ];
  // A regex of 1,000 optional letters would take a backtracking matcher for ever; RE2 answers.
  assert.equal((await query(server, `many{n=~"${'(a?){1000}'}a{500}"}`)).status, 200);
  assert.equal((await server.ask('POST', '/api/v1/query', 'query=many%7Bn%3D%22%FF%22%7D', { 'content-type': 'application/x-www-form-urlencoded' })).status, 400, 'not UTF-8');
  for (const [what, promql] of cases) {
    const answer = await query(server, promql);
    assert.ok(answer.status === 400 || answer.status === 413 || answer.status === 422, `${what}: ${answer.status} ${JSON.stringify(answer).slice(0, 300)}`);
  }
  for (const [what, parameters, status, reason] of [
    ['time that is none', '&time=yesterday', 400, /invalid parameter \\?"time\\?": .*cannot parse/],
    ['time beyond all', '&time=1e300', 400, /cannot parse/],
    ['timeout', '&timeout=-', 400, /invalid parameter \\?"timeout/],
    ['limit', '&limit=-1', 400, /limit must be non-negative/],
  ]) {
    const answer = await query(server, 'up', parameters);
    assert.equal(answer.status, status, what);
    assert.match(answer.error, reason, what);
    assert.equal(answer.errorType, 'bad_data');
  }
  const range = await (await server.ask('GET', '/api/v1/query_range?query=up&start=0&end=100000&step=1')).json();
  assert.match(range.error, /exceeded maximum resolution of 11,000 points/);
  assert.equal((await (await server.ask('GET', '/api/v1/series')).json()).error, 'no match[] parameter provided');
  const everything = await server.ask('GET', '/api/v1/series?match[]={a=~".*"}');
  assert.equal(everything.status, 400);
  assert.match((await everything.json()).error, /match\[\] must contain at least one non-empty matcher/);
  assert.ok(residentMiB(server) < before + 300, `${before} MiB became ${residentMiB(server)} MiB`);
  assert.equal((await query(server, 'count(many)')).data.result[0].value[1], '10000');
  await server.stop();
});
