// The control plane of the real binary, seen from outside: the journal on the command line, on a damaged file and on a full
// disk; runs that are watched while they run, and that survive kill -9 at every step; the sandbox without privileges.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { isAbsolute, join } from 'node:path';
import test from 'node:test';
import { binary, folder, freePort, run, runWith, serve } from './server.mjs';

const document = (kind, name, spec) => JSON.stringify({ apiVersion: 'wellrun.io/v1', kind, metadata: { name }, spec });
const people = [
  document('Person', 'ana', { displayName: 'Ana', email: 'ana@shop.example', contacts: [{ channel: 'mail' }] }),
  document('Team', 'shop', { members: ['ana'], email: 'shop@shop.example' }),
  document('EscalationPolicy', 'shop', { levels: [{ persons: ['ana'], acknowledgeWithin: '1h' }] }),
  document('Channel', 'mail', { type: 'email', smtp: '127.0.0.1:1', from: 'wellrun@shop.example' }),
  document('Workload', 'shop', { description: 'Takes orders', owner: 'shop', tier: 2, escalationPolicy: 'shop' }),
];

async function apply(ask, ...documents) {
  const answer = await ask('POST', '/api/v1/catalog/apply', { documents: [...people, ...documents].join('\n---\n'), commit: 'c0ffee', author: 'Ana' });
  assert.equal(answer.status, 200, await answer.text());
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What `look` returns once it is true, asked every 20 ms for at most 20 s. */
async function until(what, look) {
  for (let tries = 0; tries < 1000; ++tries) {
    const found = await look();
    if (found) return found;
    await pause(20);
  }
  throw new Error(`never: ${what}`);
}

const notes = async (server, count) => {
  const opened = await (await server.ask('POST', '/api/v1/incidents', { title: 'a trial of the journal', workload: 'shop', severity: 4 })).json();
  for (let i = 0; i < count; ++i) assert.equal((await server.ask('POST', `/api/v1/incidents/${opened.id}/notes`, { text: `note number ${i}` })).status, 200);
  return opened.id;
};

test('a journal goes out as JSON lines and comes back the same', async () => {
  const data = folder();
  const server = await serve(data);
  await apply(server.ask);
  await notes(server, 5);
  const live = join(folder(), 'live.jsonl');
  assert.equal((await run('journal', 'export', live, '--data', data)).code, 0, 'also while the server runs');
  const tail = await runWith({ WELLRUN_SERVER: server.url, WELLRUN_TOKEN: server.token }, 'journal', 'tail', '-n', '3', '-o', 'json');
  assert.deepEqual(tail.stdout.trim().split('\n').map((line) => JSON.parse(line).body.text), ['note number 2', 'note number 3', 'note number 4']);
  await server.stop();

  const copy = join(folder(), 'copy');
  const imported = await run('journal', 'import', live, '--data', copy);
  assert.equal(imported.code, 0, imported.stderr);
  const [first, second] = [await run('journal', 'verify', '--data', data, '-o', 'json'), await run('journal', 'verify', '--data', copy, '-o', 'json')];
  assert.equal(JSON.parse(first.stdout).last_hash, JSON.parse(second.stdout).last_hash);
  assert.equal((await run('journal', 'export', '--data', copy)).stdout, readFileSync(live, 'utf8'));
  const again = await run('journal', 'import', live, '--data', copy);
  assert.notEqual(again.code, 0);
  assert.match(again.stderr, /holds a journal already/);

  const revived = await serve(copy, '--no-auth');
  const incident = await (await revived.ask('GET', '/api/v1/incidents/inc-0001')).json();
  assert.equal(incident.title, 'a trial of the journal');
  await revived.stop();

  const lines = readFileSync(live, 'utf8').replace('note number 3', 'note number 8');
  writeFileSync(live, lines);
  const forged = await run('journal', 'import', live, '--data', join(folder(), 'forged'));
  assert.notEqual(forged.code, 0);
  assert.match(forged.stderr, /fact \d+ of the journal is not what was written/);
});

test('tail --follow prints facts as they come', async () => {
  const server = await serve(folder());
  await apply(server.ask);
  const child = spawn(binary, ['journal', 'tail', '--follow', '--type', 'incident.', '--server', server.url, '--token', server.token], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await notes(server, 2);
  await until('the second note', () => text.includes('note number 1'));
  assert.ok(!text.includes('catalog.applied'));
  child.kill();
  await server.stop();
});

test('the journal commands explain themselves with examples', async () => {
  for (const command of ['export', 'import', 'verify', 'tail']) {
    const help = await run('journal', command, '--help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`Examples?:\\s+wellrun journal ${command}`), command);
  }
});

test('a flipped byte in a stored fact is found and named', async () => {
  const data = folder();
  const server = await serve(data);
  await apply(server.ask);
  await notes(server, 3);
  const facts = (await (await server.ask('GET', '/api/v1/journal?limit=1000')).json()).items;
  const wanted = facts.find((fact) => fact.body.text === 'note number 1');
  await server.stop();
  const file = join(data, 'journal.sqlite');
  const bytes = readFileSync(file);
  const at = bytes.indexOf(Buffer.from('note number 1'));
  assert.ok(at > 0);
  bytes[at] ^= 1;
  writeFileSync(file, bytes);
  const verify = await run('journal', 'verify', '--data', data);
  assert.equal(verify.code, 1);
  assert.match(verify.stdout, new RegExp(`^BROKEN at fact ${wanted.seq}: .*not what was written`));
  const refused = await run('serve', '--data', data, '--listen', '127.0.0.1:0');
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, new RegExp(`fact ${wanted.seq} of the journal is not what was written`));
});

const program = isAbsolute(binary) ? binary : join(process.cwd(), binary);

/** A server without authentication that `command` starts: the words before the binary. */
async function serveBy(command, data, ...flags) {
  const words = [...command, program];
  const child = spawn(words[0], [...words.slice(1), 'serve', '--data', data, '--listen', '127.0.0.1:0', '--no-auth', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  let ended;
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve((ended = { code, signal }))));
  await until(`ready: ${command.join(' ')}`, () => ended || /ready: \S+/.test(text));
  assert.ok(!ended, text);
  const url = /ready: (\S+)/.exec(text)[1];
  const ask = (method, path, body) => fetch(url + path, { method, body: body && JSON.stringify(body) });
  const stop = (signal = 'SIGTERM') => (child.kill(signal), exited);
  return { url, ask, stop, exited, said: () => text };
}

/** A file system of 24 MiB in a mount namespace that outlives the servers in it. */
async function smallDisk(data) {
  const keeper = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=24m tmpfs '${data}' && echo mounted && exec sleep 600`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let mounted = '';
  keeper.stdout.on('data', (chunk) => (mounted += chunk));
  await until('a small file system (user namespaces are needed)', () => mounted);
  const inside = ['nsenter', '--target', String(keeper.pid), '--user', '--mount', '--preserve-credentials'];
  const there = (...command) => spawnSync(inside[0], [...inside.slice(1), ...command], { encoding: 'utf8' });
  return { inside, there, fill: () => new Promise((resolve) => spawn(inside[0], [...inside.slice(1), 'sh', '-c', `head -c 100000000 /dev/zero > '${data}/ballast' 2>/dev/null`]).once('exit', resolve)), empty: () => there('rm', join(data, 'ballast')), end: () => keeper.kill() };
}

test('a full disk refuses commands clearly, loses nothing, and the server goes on by itself once there is room', async () => {
  const data = folder();
  const disk = await smallDisk(data);
  let server = await serveBy(disk.inside, data);
  await apply(server.ask);
  const id = (await (await server.ask('POST', '/api/v1/incidents', { title: 'on a small disk', workload: 'shop', severity: 4 })).json()).id;
  const acknowledged = [];
  let number = 0;
  const note = async () => {
    const text = `note ${number++} ${'x'.repeat(3000)}`;
    const answer = await server.ask('POST', `/api/v1/incidents/${id}/notes`, { text });
    if (answer.status === 200) acknowledged.push(text);
    return { status: answer.status, detail: answer.status === 200 ? '' : (await answer.json()).detail };
  };
  for (let round = 0; round < 2; ++round) {
    // The disk becomes full while commands are on their way: these wait for room, the next ones are refused.
    const onTheirWay = Array.from({ length: 20 }, note);
    await disk.fill();
    const refused = await note();
    assert.equal(refused.status, 507, JSON.stringify(refused));
    assert.match(refused.detail, /full|no space/i);
    assert.equal((await server.ask('GET', `/api/v1/incidents/${id}`)).status, 200, 'reads go on');
    disk.empty();
    for (const answer of await Promise.all(onTheirWay)) assert.ok([200, 507].includes(answer.status), JSON.stringify(answer));
    const again = await until('a command is taken again', async () => {
      const answer = await note();
      return answer.status === 200 && answer;
    });
    assert.equal(again.status, 200);
  }
  await server.stop('SIGKILL');

  server = await serveBy(disk.inside, data);
  const kept = new Set((await (await server.ask('GET', `/api/v1/incidents/${id}`)).json()).timeline.map((entry) => entry.text));
  for (const text of acknowledged) assert.ok(kept.has(text), `${text.slice(0, 20)} was acknowledged and is lost`);
  await server.stop();
  const verify = disk.there(program, 'journal', 'verify', '--data', data);
  assert.equal(verify.status, 0, verify.stdout + verify.stderr);
  disk.end();
});

const runbook = (name, steps) => document('Runbook', name, { title: name, owner: 'shop', workload: 'shop', steps });

test('what a step prints is seen while it runs, without its secrets', async () => {
  process.env.TRIAL_SECRET = 'hush-hush-12345';
  const server = await serveBy([], folder());
  delete process.env.TRIAL_SECRET;
  await apply(server.ask, document('Runbook', 'talk', { title: 'Talks', owner: 'shop', workload: 'shop', inputs: [{ name: 'word', secret: true, default: 'env:TRIAL_SECRET' }], steps: [
    { name: 'talk', run: { command: 'for part in one two "$INPUT_WORD" three; do echo "$part"; sleep 0.4; done; printf hush-; sleep 0.4; echo hush-12345' } },
  ] }));
  const started = await (await server.ask('POST', '/api/v1/runs', { runbook: 'talk' })).json();
  const watching = runWith({ WELLRUN_SERVER: server.url }, 'run', 'watch', started.id);
  const seen = new Set();
  const over = await until('the end of the run', async () => {
    const current = await (await server.ask('GET', `/api/v1/runs/${started.id}`)).json();
    assert.ok(!current.steps[0].output.includes('hush'), 'the secret, or its beginning, is shown');
    if (current.steps[0].state === 'running') seen.add(current.steps[0].output);
    return current.state !== 'running' && current;
  });
  assert.equal(over.state, 'succeeded', JSON.stringify(over));
  assert.equal(over.steps[0].output, 'one\ntwo\n***\nthree\n***\n');
  assert.ok(seen.has('one\n') && seen.has('one\ntwo\n'), `live: ${JSON.stringify([...seen])}`);
  const watched = await watching;
  assert.equal(watched.code, 0);
  assert.equal(watched.stdout, `── talk\none\ntwo\n***\nthree\n***\n   succeeded\n${started.id} succeeded\n`);
  await server.stop();
});

test('a run survives kill -9 at every step boundary, and no step that must not be repeated is done twice', async () => {
  const data = folder();
  const marks = join(folder(), 'marks');
  writeFileSync(marks, '');
  const done = (name) => readFileSync(marks, 'utf8').split('\n').filter((line) => line === name).length;
  const calls = {};
  const peer = createServer((request, response) => {
    const key = request.headers['idempotency-key'];
    calls[request.url] ??= [];
    calls[request.url].push(key);
    setTimeout(() => response.end('taken\n'), 600);
  }).listen(0, '127.0.0.1');
  await until('the peer', () => peer.address());
  const url = `http://127.0.0.1:${peer.address().port}`;
  // Each step takes long enough to be seen under way; `mark` is what may happen once only. Its process outlives a killed server:
  // whether it happened can be said once that process is gone.
  const pids = folder();
  const mark = (name) => ({ name, run: { command: `echo $$ > '${pids}/${name}'; sleep 0.3; echo ${name} >> '${marks}'; sleep 0.5` } });
  const gone = (name) => {
    const pid = existsSync(join(pids, name)) && readFileSync(join(pids, name), 'utf8').trim();
    return !pid || !existsSync(`/proc/${pid}`);
  };
  const steps = [
    mark('first'),
    { name: 'again', run: { command: `echo again >> '${marks}'; sleep 0.6` }, repeatable: true },
    { name: 'call', http: { method: 'POST', url: `${url}/once` } },
    { name: 'put', http: { method: 'PUT', url: `${url}/often` }, repeatable: true },
    { name: 'pause', wait: { duration: '700ms' } },
    { name: 'agree', approve: { prompt: 'Go on?' } },
    { name: 'query', query: { expr: 'vector(1)', condition: '> 0', within: '10s', every: '1s' } },
    { name: 'child', runbook: { name: 'inner' } },
    mark('last'),
  ];
  let server = await serveBy([], data, '--no-sandbox');
  await apply(server.ask, runbook('inner', [mark('inner')]), runbook('everything', steps));
  const id = (await (await server.ask('POST', '/api/v1/runs', { runbook: 'everything' })).json()).id;
  let asked = 0;
  let killed = 0;
  /** Looks at the runs; says what became of a step that nobody can know, and approves. */
  const look = async () => {
    const runs = (await (await server.ask('GET', '/api/v1/runs')).json()).items;
    for (const each of runs.filter((each) => each.state === 'unknown')) {
      const name = each.current_step;
      await until(`the process of ${name} is gone`, async () => gone(name));
      const happened = name === 'call' ? (calls['/once'] ?? []).length > 0 : done(name) > 0;
      const answer = await server.ask('POST', `/api/v1/runs/${each.id}/resume`, { decision: happened ? 'done' : 'retry' });
      assert.equal(answer.status, 200, await answer.text());
      ++asked;
    }
    const current = await (await server.ask('GET', `/api/v1/runs/${id}`)).json();
    if (current.state === 'waiting_approval' && killed >= 2 * 5 + 1) await server.ask('POST', `/api/v1/runs/${id}/approve`, { step: 'agree', approved: true });
    return current;
  };
  const die = async () => {
    await server.stop('SIGKILL');
    ++killed;
    server = await serveBy([], data, '--no-sandbox');
  };
  for (let index = 0; index < steps.length; ++index) {
    const name = steps[index].name;
    await until(`step ${name} under way`, async () => ['running', 'waiting_approval', 'succeeded'].includes((await look()).steps[index].state));
    await die();
    await until(`step ${name} over`, async () => (await look()).steps[index].state === 'succeeded');
    await die();
  }
  const over = await until('the end', async () => {
    const current = await look();
    return !['running', 'unknown', 'waiting_approval'].includes(current.state) && current;
  });
  assert.equal(over.state, 'succeeded', JSON.stringify(over.steps.map((step) => [step.name, step.state, step.error])));
  assert.equal(killed, 2 * steps.length);
  for (const name of ['first', 'inner', 'last']) assert.equal(done(name), 1, `${name} ran ${done(name)} times`);
  assert.ok(done('again') >= 1);
  assert.equal((calls['/once'] ?? []).length, 1, 'a POST is not sent twice');
  assert.equal(new Set(calls['/often']).size, 1, 'a repeated call has the same Idempotency-Key');
  assert.ok(asked > 0, 'some step was under way when the process died, and a person was asked');
  await server.stop();
  peer.close();
  assert.equal((await run('journal', 'verify', '--data', data)).code, 0);
});

test('steps run in the sandbox without privileges, and where that cannot be the error says what is needed', async (context) => {
  const data = folder();
  const nobody = process.getuid() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'] : [];
  if (nobody.length > 0) chownSync(data, 65534, 65534);
  const look = runbook('look', [{ name: 'look', run: { command: `id -u; echo written > /tmp/x && cat /tmp/x; touch /etc/x 2>/dev/null || echo read-only; ls '${data}' | wc -l; cat /proc/self/status | grep CapEff` } }]);
  const outcome = async (server) => {
    await apply(server.ask, look);
    const id = (await (await server.ask('POST', '/api/v1/runs', { runbook: 'look' })).json()).id;
    return until('the end of the run', async () => {
      const current = await (await server.ask('GET', `/api/v1/runs/${id}`)).json();
      return current.state !== 'running' && current;
    });
  };
  let server = await serveBy(nobody, data);
  const good = await outcome(server);
  await server.stop();
  assert.equal(good.state, 'succeeded', JSON.stringify(good.steps));
  const uid = nobody.length > 0 ? 65534 : process.getuid();
  assert.equal(good.steps[0].output, `${uid}\nwritten\nread-only\n0\nCapEff:\t0000000000000000\n`);

  // A user namespace in which no further one may be made. Where /proc/sys cannot be written (in a container) there is none.
  if (spawnSync('unshare', ['-r', 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces']).status !== 0) {
    return context.diagnostic('not tried without user namespaces: /proc/sys cannot be written here');
  }
  server = await serveBy(['unshare', '-r', 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"', 'sh'], folder());
  const bad = await outcome(server);
  await server.stop();
  assert.equal(bad.state, 'failed');
  assert.match(bad.steps[0].error, /the sandbox could not be set up: .*user namespaces/);
});

test('a run gets the secrets that it may have, and its steps see no other', async () => {
  const kept = mkdtempSync('/var/tmp/wellrun-kept-'); // not /tmp: a step has one of its own
  const file = (name, text) => {
    mkdirSync(join(kept, name, '..'), { recursive: true });
    writeFileSync(join(kept, name), text);
    return join(kept, name);
  };
  const password = file('channel/password', 'hush-password');
  const token = file('secrets/token', 'hush-token');
  const config = file('settings/wellrun.yaml', 'log_level: info\n');
  const data = join(kept, 'data');
  const server = await serve(data, '--no-auth', '--secrets-folder', join(kept, 'secrets'), '--config', config);
  const cat = `cat '${password}' '${token}' '${config}' '${data}/auth.json' 2>/dev/null; printf %s "$INPUT_TOKEN" | cut -c 1-4; printf '[%s]' "{{inputs.reason}}"`;
  await apply(
    server.ask,
    document('Channel', 'chat', { type: 'webhook', urlRef: `file:${password}` }),
    document('Runbook', 'look', { owner: 'shop', inputs: [{ name: 'token', secret: true }, { name: 'reason' }], steps: [{ name: 'look', run: { command: cat } }] }),
  );
  const start = (inputs) => server.ask('POST', '/api/v1/runs', { runbook: 'look', inputs });
  for (const reference of ['env:PATH', `file:${password}`, `file:${data}/auth.json`, 'file:/dev/ptmx', `file:${kept}/secrets/../channel/password`]) {
    const refused = await start({ token: reference });
    assert.equal(refused.status, 403, `${reference}: ${await refused.text()}`);
  }
  const reason = '$(echo pwned) "; echo pwned; \'';
  const started = await (await start({ token: `file:${token}`, reason })).json();
  const over = await until('the end of the run', async () => {
    const current = await (await server.ask('GET', `/api/v1/runs/${started.id}`)).json();
    return current.state !== 'running' && current;
  });
  assert.equal(over.state, 'succeeded', JSON.stringify(over.steps));
  assert.equal(over.steps[0].output, `hush\n[${reason}]`);
  await server.stop();
  rmSync(kept, { recursive: true });
});

test('an info alert is an event without an incident, and several status pages are served', async () => {
  const port = await freePort();
  const server = await serveBy([], folder(), '--status-listen', `127.0.0.1:${port}`);
  await apply(server.ask,
    document('StatusPage', 'customers', { title: 'For customers', components: [{ name: 'Buying', workload: 'shop' }] }),
    document('StatusPage', 'partners', { title: 'For partners', components: [{ name: 'Deliveries', workload: 'shop' }] }),
    document('RuleGroup', 'always', { workload: 'shop', interval: '1s', rules: [{ alert: 'JustSoYouKnow', expr: 'vector(1)', labels: { severity: 'info' }, annotations: { summary: 'nothing to do' } }] }));
  const event = await until('the event', async () => (await (await server.ask('GET', '/api/v1/events')).json()).items[0]);
  assert.deepEqual([event.alert, event.severity, event.outcome, event.incident], ['JustSoYouKnow', 'info', 'noted', null]);
  assert.deepEqual((await (await server.ask('GET', '/api/v1/incidents?state=all')).json()).items, []);
  const status = `http://127.0.0.1:${port}`;
  const list = await (await fetch(status)).text();
  assert.match(list, /href="\/pages\/customers">For customers/);
  assert.match(await (await fetch(`${status}/pages/partners`)).text(), /Deliveries/);
  assert.equal((await (await fetch(`${status}/api/status/customers`)).json()).title, 'For customers');
  assert.equal((await fetch(`${status}/pages/nobody`)).status, 404);
  await server.stop();
});

test('assess says what is missing and fails under a score', async () => {
  const server = await serveBy([], folder());
  await apply(server.ask);
  const assess = (...more) => runWith({ WELLRUN_SERVER: server.url }, 'assess', ...more);
  const made = JSON.parse((await assess('-o', 'json')).stdout);
  const rows = made.areas.flatMap((area) => area.rows);
  assert.equal(rows.length, 84);
  assert.equal(rows.find((row) => row.id === 'P6').verdict, 'practised', 'everything was applied from a commit');
  assert.equal(rows.find((row) => row.id === 'V8').figure, 'no evidence rule yet');
  assert.equal((await assess('--fail-under', String(Math.floor(made.score)))).code, 0);
  const under = await assess('--fail-under', '99');
  assert.equal(under.code, 1);
  assert.match(under.stderr, /the score [\d.]+ is under 99/);
  await server.stop();
});

test('a practice is shown by the command that docs/practices.md names', async () => {
  const named = [...readFileSync('docs/practices.md', 'utf8').matchAll(/`wellrun ([^`]+)`/g)].map((found) => found[1]).filter((command) => command !== 'assess');
  assert.ok(new Set(named).size > 15);
  for (const command of new Set(named)) {
    const words = command.split(' ').filter((word) => /^[a-z]+$/.test(word) && word !== 'up');
    assert.equal((await run(...words, '--help')).code, 0, command);
  }
});
