// Tells the demo's story in the terminal as it happens. Every chapter is seen through the API, the mailbox or the status page;
// what was not seen is not told. With DEMO_SECONDS it ends by itself: 0 when every chapter was seen, else 1, naming the first missing.
import { World } from './world.mjs';

const seconds = Number(process.env.DEMO_SECONDS ?? 0);
const world = new World({
  work: process.env.DEMO_WORK ?? 'build/demo',
  binary: process.env.WELLRUN_BIN ?? 'build/release/wellrun',
  workloadPort: Number(process.env.DEMO_PORT_BASE ?? 18080),
  serverPort: Number(process.env.WELLRUN_PORT_BASE ?? 7070),
});

const isTerminal = process.stdout.isTTY;
const colour = isTerminal ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_, text) => text;
const began = Date.now();
const clock = () => `${String(Math.floor((Date.now() - began) / 1000)).padStart(4)} s`;
const wipe = () => isTerminal && process.stdout.write('\r\x1b[K');
const print = (text) => {
  wipe();
  console.log(text);
};
const tell = (text) => print(`${colour(2, clock())}  ${text}`);
const chapter = (number, title) => print(`\n${colour(1, `${number}. ${title}`)}`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Who is the human of the story: `api` (this program, with a responder's token) or `page` (somebody in a browser: a test,
// or you, with DEMO_HUMAN=page make demo).
const isHumanHere = (process.env.DEMO_HUMAN ?? 'api') === 'api';

const kCalmSeconds = 20;

let deadline = Infinity;
let lastSeen = '';

/** In a terminal, one line that says what is waited for and for how long; the next real line takes its place. */
function waiting(what, since) {
  const waited = Math.floor((Date.now() - since) / 1000);
  if (isTerminal && waited >= 1) process.stdout.write(`\r\x1b[K${colour(2, `${clock()}  … waiting: ${what} (${waited} s)`)}`);
}

/** Asks until `look` returns something truthy; names what was waited for when time runs out. */
async function until(what, look) {
  const since = Date.now();
  for (;;) {
    waiting(what, since);
    if (world.fallen) throw new Error(`${world.fallen} (while waiting: ${what})`);
    try {
      const seen = await look();
      if (seen) return seen;
      lastSeen = 'not yet';
    } catch (error) {
      lastSeen = error.message;
    }
    if (Date.now() > deadline) throw new Error(`not seen in time: ${what} (last answer: ${lastSeen})`);
    await sleep(500);
  }
}

/** Something that a human does: `act` does it here, or `seen` says that the one at the page has. */
async function humanly(what, act, seen) {
  if (isHumanHere) await act();
  return until(what, seen);
}

const value = async (promql) => {
  const answer = await world.get(`/api/v1/query?query=${encodeURIComponent(promql)}`);
  return answer.data.result.map((series) => ({ ...series.metric, value: Number(series.value[1]) }));
};
const facts = async (type, correlation) => (await world.get(`/api/v1/journal?type=${type}${correlation ? `&correlation=${correlation}` : ''}`)).items;
const mailbox = async () => (await fetch(world.url(4))).json();
const publicStatus = () => world.ask('GET', '/api/status.json', undefined, '', world.statusPage);
const evidence = async () => {
  const assessment = await world.get('/api/v1/assessment');
  const rows = assessment.areas.flatMap((area) => area.rows);
  return { score: assessment.score, rows: rows.filter((row) => ['practised', 'partly', 'not'].includes(row.verdict)) };
};

async function start() {
  const server = world.startServer();
  await until('the server is ready', () => /ready: /.test(server.text()));
  world.token = /token: (\S+)/.exec(server.text())[1];
  deadline = seconds > 0 ? Date.now() + seconds * 1000 : Infinity;
  print(`
  page         ${colour(36, world.server)}
  token        ${colour(33, world.token)}   (log in with it; shown only now)
  status page  ${colour(36, world.statusPage)}   (what customers see)

Open the page now and watch: the story takes about a minute.`);
  world.startWorkload();
  tell('started: three services, their customers, a mailbox, a node exporter');
  tell(world.cli('apply', world.prepareOperations()).trim());
}

async function telemetryArrives() {
  chapter(1, 'Telemetry arrives');
  const services = await until('metrics of three services', async () => {
    const jobs = (await value('count by (job) (target_info)')).map((series) => series.job);
    return jobs.length >= 3 && jobs;
  });
  tell(`OpenTelemetry metrics from ${services.join(', ')}`);
  await until('the node exporter is scraped', async () => (await value('up{job="node"}')).some((series) => series.value === 1));
  tell('node exporter scraped');
  const traces = await until('traces', async () => (await world.get('/api/v1/traces?limit=20')).items?.length);
  tell(`${traces} traces looked at`);
}

async function healthy() {
  chapter(2, 'All is well');
  const kpi = await until('KPI order-success on target', async () =>
    (await world.get('/api/v1/kpis')).items.find((each) => each.name === 'order-success' && each.status === 'on_target'));
  tell(`order-success ${(100 * kpi.value).toFixed(2)} % (target ${100 * kpi.target} %)`);
  const slo = await until('error budget untouched', async () => (await world.get('/api/v1/slos')).items.find((each) => each.budget_remaining > 0.9));
  tell(`error budget of ${slo.name}: ${(100 * slo.budget_remaining).toFixed(1)} % left`);
  // So that charts show what well looks like before it no longer is.
  const since = Date.now();
  await until(`it stays so for ${kCalmSeconds} s (time to open the page)`, async () => {
    if ((await world.get('/api/v1/incidents')).items.length > 0) throw new Error('an incident before anything was changed');
    return Date.now() - since > kCalmSeconds * 1000;
  });
  tell(`and it stayed so for ${kCalmSeconds} s`);
}

async function badRelease() {
  chapter(3, 'A release goes out');
  const commitTime = new Date(Date.now() - 3600_000).toISOString();
  const deploy = (version, environment) =>
    world.ask('POST', '/api/v1/deployments', { workload: 'shop', component: 'checkout', environment, version, commit: 'c0ffee1', commit_time: commitTime, outcome: 'succeeded' });
  await deploy('1.0.0', 'staging');
  await deploy('1.0.0', 'production');
  await deploy('1.1.0', 'staging');
  const bad = await deploy('1.1.0', 'production');
  await fetch(`${world.url(1)}/flags/new-pricing`, { method: 'PUT', body: '{"enabled":true}' });
  tell(`checkout 1.1.0 in production (${bad.id}); its flag new-pricing is on`);
  return bad;
}

async function alertFires() {
  chapter(4, 'An outcome is at risk');
  const [fired] = await until('burn-rate alert', async () => {
    const all = (await facts('alert.fired')).filter((fact) => fact.body.severity === 'page');
    return all.length > 0 && all;
  });
  tell(`${fired.body.alert}: ${fired.body.annotations.summary ?? fired.body.expr}`);
}

async function incidentOpens() {
  chapter(5, 'Incident, and the person on call is paged');
  const incident = await until('incident', async () => (await world.get('/api/v1/incidents')).items[0]);
  tell(`${incident.id} severity ${incident.severity}: ${incident.title}`);
  const mail = await until('mail in the mailbox', async () => (await mailbox()).mails.find((each) => each.subject.includes(incident.id)));
  tell(`mail to ${mail.to.join(', ')}: ${mail.subject}`);
  await until('webhook received', async () => (await mailbox()).hooks.find((each) => each.body.includes(incident.id)));
  tell('webhook received');
  return { incident, mail };
}

async function customersAreTold() {
  chapter(6, 'Customers are told');
  const status = await until('status page tells', async () => {
    const seen = await publicStatus();
    return seen.overall !== 'operational' && seen.incidents[0]?.updates.length > 0 && seen;
  });
  tell(`status page (${status.overall}): ${status.incidents[0].updates[0].text}`);
}

async function repair({ incident, mail }, human) {
  chapter(7, 'The automation proposes its runbook; a human agrees');
  const run = await until('run that waits for approval', async () => (await world.get('/api/v1/runs?state=waiting_approval')).items.find((each) => each.incident === incident.id));
  tell(`${run.id}: ${run.runbook} waits at “${run.current_step}”`);
  const link = /https?:\/\/\S+\/ack\/\S+/.exec(mail.text)?.[0];
  if (!link) throw new Error('the mail has no acknowledge link');
  await humanly(
    'somebody acknowledges',
    async () => {
      const acknowledged = await fetch(link, { method: 'POST' });
      if (!acknowledged.ok) throw new Error(`the acknowledge link answered ${acknowledged.status}`);
    },
    async () => (await world.get(`/api/v1/incidents/${incident.id}`)).acknowledged_at,
  );
  tell(isHumanHere ? 'acknowledged with the link in the mail' : 'acknowledged on the page');
  await humanly(
    'somebody approves',
    () => world.ask('POST', `/api/v1/runs/${run.id}/approve`, { step: run.current_step, approved: true, comment: 'orders fail, switch it off' }, human),
    async () => (await world.get(`/api/v1/runs/${run.id}`)).state !== 'waiting_approval',
  );
  tell('approved');

  chapter(8, 'Repaired');
  const done = await until('run succeeded', async () => {
    const seen = await world.get(`/api/v1/runs/${run.id}`);
    if (seen.state === 'failed') throw new Error(`run failed: ${JSON.stringify(seen.steps.filter((step) => step.error))}`);
    return seen.state === 'succeeded' && seen;
  });
  const flag = await (await fetch(`${world.url(1)}/flags/new-pricing`)).json();
  if (flag.enabled) throw new Error('the flag is still on');
  tell(`flag is off; ${done.steps.length} steps in ${((Date.parse(done.finished_at) - Date.parse(done.started_at)) / 1000).toFixed(0)} s`);
  if (isHumanHere) await world.ask('POST', `/api/v1/runs/${run.id}/verdict`, { helped: true }, human);
}

async function recover({ incident }, bad, human) {
  await world.ask('POST', '/api/v1/changes', { kind: 'flag', workload: 'shop', component: 'checkout', environment: 'production', summary: 'new-pricing off', reverses: bad.id }, human);
  chapter(9, 'Recovery');
  await until('alert resolved', async () => (await world.get(`/api/v1/incidents/${incident.id}`)).alerts.every((alert) => !alert.firing));
  tell('every alert of the incident has resolved');
  const status = await humanly(
    'incident resolved, status page operational',
    () => world.ask('POST', `/api/v1/incidents/${incident.id}/resolve`, { reason: 'new-pricing switched off' }, human),
    async () => {
      const seen = await publicStatus();
      return seen.overall === 'operational' && seen;
    },
  );
  tell(`resolved; status page: ${status.incidents[0].updates.at(-1).text}`);
}

async function learn({ incident }, human) {
  chapter(10, 'Learning');
  const found = await until('analysis drafted', async () => (await world.get('/api/v1/analyses')).items.find((each) => each.incident === incident.id));
  const analysis = await world.get(`/api/v1/analyses/${found.id}`);
  const sentences = analysis.sections.flatMap((section) => section.sentences);
  if (sentences.length < 10 || sentences.some((sentence) => sentence.sources.length === 0)) throw new Error('a sentence of the analysis has no source');
  tell(`${found.id}: ${sentences.length} sentences, each with its sources`);
  const due = new Date(Date.now() + 7 * 86400_000).toISOString();
  const action = await humanly(
    'an action with an owner',
    () => world.ask('POST', '/api/v1/actions', { analysis: found.id, title: 'Price every item before new-pricing is on', owner: 'storefront', due }, human),
    async () => (await world.get('/api/v1/actions')).items[0],
  );
  await humanly(
    'somebody signs the analysis',
    () => world.ask('POST', `/api/v1/analyses/${found.id}/sign`, {}, human),
    async () => (await world.get(`/api/v1/analyses/${found.id}`)).state === 'signed',
  );
  tell(`action ${action.id} for ${action.owner}; analysis signed`);
}

async function assessed(before) {
  chapter(11, 'What the evidence shows');
  const now = await until('20 practices with evidence', async () => {
    const seen = await evidence();
    lastSeen = `${seen.rows.length} rows`;
    return seen.rows.length >= 20 && seen;
  });
  const had = new Set(before.rows.map((row) => row.id));
  for (const row of now.rows.filter((each) => !had.has(each.id))) tell(`${colour(32, '+')} ${row.id.padEnd(4)} ${row.title}: ${row.figure}`);
  tell(`${now.rows.length} practices with evidence (${before.rows.length} before); score ${before.score.toFixed(1)} → ${now.score.toFixed(1)}`);
}

async function story() {
  await start();
  await telemetryArrives();
  await healthy();
  const before = await evidence();
  const human = (await world.ask('POST', '/api/v1/tokens', { name: 'ana', role: 'responder' })).token;
  const bad = await badRelease();
  await alertFires();
  const trouble = await incidentOpens();
  await customersAreTold();
  await repair(trouble, human);
  await recover(trouble, bad, human);
  await learn(trouble, human);
  await assessed(before);
  print(`\n${colour(32, 'Every chapter was seen.')}`);
  return trouble.incident;
}

function lookAround(incident) {
  const places = [
    ['what happened, fact by fact', `/incidents/${incident.id}`],
    ['the chart, with the release on it', '/workloads/shop'],
    ['the analysis that was drafted', '/analyses'],
    ['what the evidence says of each practice', '/assessment'],
    ['ask PromQL yourself', `/explore?query=${encodeURIComponent('sum by (outcome) (rate(shop_orders_total[30s]))')}`],
  ];
  print(`\nThe shop goes on. Where to look next (token ${colour(33, world.token)}):`);
  for (const [what, path] of places) print(`  ${what.padEnd(42)}${colour(36, world.server + path)}`);
  print(`
Or from a second terminal:
  export WELLRUN_SERVER=${world.server} WELLRUN_TOKEN=${world.token}
  ${world.binary} incident show ${incident.id}
  ${world.binary} assess
Break it yourself:
  curl -X PUT ${world.url(1)}/flags/new-pricing -d '{"enabled":true}'

Logs of every part: ${world.work}/log. Ctrl-C ends it.`);
}

async function end(code) {
  await world.stop();
  process.exit(code);
}
// Whoever is at the page may still be looking when the story is told: then it ends when it is told to.
let isTold = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(seconds > 0 && !isTold ? 1 : 0));

try {
  const incident = await story();
  isTold = true;
  if (seconds > 0 && isHumanHere) await end(0);
  lookAround(incident);
} catch (error) {
  wipe();
  console.error(`\n${colour(31, 'The story stopped:')} ${error.message}\n\n${world.tails()}`);
  await end(1);
}
