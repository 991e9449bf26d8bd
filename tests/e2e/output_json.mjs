// What programs read: with --output json every command prints one JSON document (or a line of JSON for each row, where it
// says so) and nothing else on standard output. The list here is held to the commands that there are.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder, freePort, run, runWith, serve } from './server.mjs';

/** Commands that start something that stays, or whose output is a file of another kind. */
const noJson = new Set(['serve', 'completion', 'config example']);

async function leaves() {
  const { stdout } = await run('completion', 'bash');
  const paths = /case "(\|\|\|[^"]*)"/.exec(stdout)[1].split('|').filter(Boolean);
  return paths.filter((path) => !paths.some((other) => other.startsWith(`${path} `)));
}

test('every command answers JSON to a program that asks for it', async () => {
  const at = folder();
  const ops = join(at, 'ops');
  const statusPort = await freePort();
  const data = join(at, 'data');
  const server = await serve(data, '--no-auth', '--status-listen', `127.0.0.1:${statusPort}`);
  const seen = new Set();
  const ask = (command, ...args) => {
    seen.add(command);
    return runWith({ WELLRUN_SERVER: server.url }, ...command.split(' '), ...args, '--output', 'json');
  };
  /** A command that cannot succeed here: the reason is for people, on standard error, and standard output stays empty. */
  const refused = async (command, ...args) => {
    const { code, stdout, stderr } = await ask(command, ...args);
    assert.notEqual(code, 0, command);
    assert.equal(stdout, '', `wellrun ${command} failed and printed`);
    assert.match(stderr, /\S/, command);
  };
  /** Runs `wellrun NAME… -o json`; what it printed, parsed. */
  const json = async (command, ...args) => {
    const { code, stdout, stderr } = await ask(command, ...args);
    assert.ok(stdout.trim().length > 0, `wellrun ${command} printed nothing (exit ${code}): ${stderr}`);
    try {
      return JSON.parse(stdout);
    } catch {
      for (const line of stdout.trim().split('\n')) {
        assert.doesNotThrow(() => JSON.parse(line), `wellrun ${command} ${args.join(' ')} -o json printed: ${stdout.slice(0, 400)}`);
      }
      return stdout.trim().split('\n').map((line) => JSON.parse(line));
    }
  };
  try {
    await json('init', ops);
    await json('check', ops);
    await json('plan', ops);
    await json('diff', ops);
    await json('apply', ops);
    await json('export');
    const [resource] = (await json('get', 'workloads')).items;
    assert.equal(resource.kind, 'Workload', 'a kind is known in any case, one or many');
    const [workload] = (await json('workload list')).items;
    await json('workload show', workload.name);
    await json('kpi list');
    await json('kpi tree');
    const [kpi] = (await json('kpi list')).items;
    await json('kpi operations');
    await json('kpi review', kpi.name, '--decision', 'none');
    await json('alert list');
    await refused('alert verdict', 'none', '--verdict', 'noise');
    await json('effectiveness list');
    await json('effectiveness proposals');
    await json('slo list');
    await json('slo report');
    await json('baselines list');
    await refused('baselines show', '0123456789abcdef');
    await json('forecasts list');
    await refused('forecasts show', '0123456789abcdef');
    await json('findings list');
    await refused('findings show', 'fnd-000001');
    await json('oncall list');
    await json('queries top');
    await refused('queries cancel', 'q-1');
    await json('series owners');
    await json('series retention');
    await json('series top');
    await json('query', 'up');

    const rules = join(at, 'rules.yaml');
    writeFileSync(rules, 'groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n');
    const ruleTest = join(at, 'rules_test.yaml');
    writeFileSync(ruleTest, `rule_files: [${rules}]\ntests:\n- interval: 1m\n  input_series: [{series: 'up{job="a"}', values: '1 1'}]\n  alert_rule_test: [{eval_time: 1m, alertname: Down, exp_alerts: []}]\n`);
    await json('rules check', rules);
    await json('rules test', ruleTest);
    await json('rules backtest', rules);
    await json('rules why');

    const opened = await json('incident open', '--title', 'it fails', '--workload', workload.name, '--severity', '3');
    await json('incident list');
    await json('incident show', opened.id);
    await json('incident ack', opened.id);
    await json('incident escalate', opened.id, '--reason', 'more eyes');
    await json('incident severity', opened.id, '--severity', '2', '--reason', 'more customers');
    await json('incident role', opened.id, '--role', 'commander', '--person', 'ana');
    await json('incident note', opened.id, '--text', 'looking');
    await json('incident update', opened.id, '--text', 'We are looking.', '--state', 'investigating');
    await json('incident mitigate', opened.id);
    await json('incident resolve', opened.id, '--reason', 'over');
    const [analysis] = (await json('analysis list')).items;
    assert.ok((await json('analysis show', analysis.id)).sections.length > 0);
    await json('action list');
    const action = await json('action add', '--title', 'alert sooner', '--owner', 'shop', '--due', '2026-12-31', '--analysis', analysis.id);
    await json('action expect', action.id, '--metric', 'up', '--direction', 'higher', '--smallest', '10%', '--watch', '2h');
    await json('action show', action.id);
    await json('action done', action.id, '--proof', 'link');
    await json('analysis sign', analysis.id);
    const experiment = await json('experiment start', '--hypothesis', 'it helps', '--owner', 'shop', '--metric', 'up', '--direction', 'higher', '--smallest', '0.1', '--guard-rail', 'lower:5%:sum(up)');
    assert.equal(experiment.guard_rails[0].metric, 'sum(up)');
    await json('experiment list');
    await json('experiment show', experiment.id);
    await refused('experiment learn', experiment.id, '--text', 'too early');
    await json('experiment stop', experiment.id, '--reason', 'over');
    await json('experiment learn', experiment.id, '--text', 'watch longer');

    const [runbook] = (await json('runbook list')).items;
    await json('automation list');
    const started = await json('run start', '--runbook', runbook.name);
    await json('run list');
    await refused('run approve', started.id, '--step', 'x');
    await refused('run resume', started.id, '--decision', 'done');
    await json('run watch', started.id);
    await json('run verdict', started.id, '--helped', 'true');
    await refused('run cancel', started.id);

    const deployed = await json('deploy record', '--workload', workload.name, '--environment', 'production', '--version', '1.2.0');
    await json('deploy list');
    await json('deploy gate', '--workload', workload.name);
    await json('deploy finish', deployed.id, '--outcome', 'succeeded');

    const changed = await json('change record', '--kind', 'flag', '--workload', workload.name, '--summary', 'new-pricing on');
    assert.equal((await json('change list')).items[0].id, changed.id);

    await json('journal list');
    await json('journal tail', '--count', '3');
    await json('assess');
    await json('token create', '--name', 'ci', '--role', 'viewer');
    const [token] = (await json('token list')).items;
    await json('token revoke', token.id ?? token.name);
    await json('backup', join(at, 'backup'));
    await json('config show');
    await json('config check');
  } finally {
    await server.stop();
  }
  await json('journal verify', '--data', data);
  await json('journal export', '--data', data);
  assert.equal((await run('journal', 'export', join(at, 'facts.jsonl'), '--data', data)).code, 0);
  await json('journal import', join(at, 'facts.jsonl'), '--data', join(at, 'other'));

  const missing = (await leaves()).filter((path) => !seen.has(path) && !noJson.has(path));
  assert.deepEqual(missing, ['canary judge', 'detect'], 'these read standard input and are tested with what they print');
});
