// What the story runs: the shop, its customers, the mailbox, a node exporter and the server, each a child process of ours.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;
const shop = join(root, 'demo/shop');

export class World {
  constructor({ work, binary, workloadPort, serverPort }) {
    Object.assign(this, { work, binary, workloadPort, serverPort, children: [], token: '' });
    this.server = `http://127.0.0.1:${serverPort}`;
    this.statusPage = `http://127.0.0.1:${serverPort + 1}`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(join(work, 'log'), { recursive: true });
  }

  url(offset) {
    return `http://127.0.0.1:${this.workloadPort + offset}`;
  }

  start(name, command, args, env = {}) {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(this.work, 'log', `${name}.log`));
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    child.on('error', (error) => log.write(`${error.message}\n`));
    child.once('exit', (code) => {
      if (!this.isStopping) this.fallen ??= `${name} ended by itself (${code}); what it said: ${log.path}`;
    });
    this.children.push(child);
    return { child, text: () => text };
  }

  startServer() {
    const at = (offset) => `127.0.0.1:${this.serverPort + offset}`;
    const listens = ['--listen', at(0), '--status-listen', at(1), '--otlp-http-listen', at(2), '--otlp-grpc-listen', at(3)];
    return this.start('wellrun', this.binary, ['serve', '--data', join(this.work, 'data'), ...listens]);
  }

  startWorkload() {
    const node = (name, env) =>
      this.start(name, process.execPath, [join(shop, `${name}.cjs`)], { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.serverPort + 2}`, ...env });
    const port = (offset) => String(this.workloadPort + offset);
    node('inventory', { PORT: port(2) });
    node('checkout', { PORT: port(1), INVENTORY: this.url(2) });
    node('gateway', { PORT: port(0), CHECKOUT: this.url(1) });
    node('mailbox', { SMTP_PORT: port(3), PORT: port(4) });
    this.start('node-exporter', 'prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port(5)}`]);
    node('load', { GATEWAY: this.url(0), RATE: '20' });
  }

  /** What must run and does not any more, or undefined. */
  fallen;

  /** A copy of demo/ops with this world's ports, committed to git, so that what is applied comes from a clean commit. */
  prepareOperations() {
    const ops = join(this.work, 'ops');
    cpSync(join(root, 'demo/ops'), ops, { recursive: true });
    for (const entry of readdirSync(ops, { recursive: true })) {
      const file = join(ops, String(entry));
      if (!statSync(file).isFile()) continue;
      const text = readFileSync(file, 'utf8').replace(/127\.0\.0\.1:1808(\d)/g, (_, digit) => `127.0.0.1:${this.workloadPort + Number(digit)}`);
      writeFileSync(file, text);
    }
    const git = (...args) => execFileSync('git', ['-C', ops, '-c', 'user.name=Ana Ortiz', '-c', 'user.email=ana@shop.example', ...args], { stdio: 'ignore' });
    git('init', '-q');
    git('add', '-A');
    git('commit', '-q', '-m', 'operations of the shop');
    return ops;
  }

  cli(...args) {
    return execFileSync(this.binary, [...args, '--server', this.server, '--token', this.token], { encoding: 'utf8' });
  }

  async ask(method, path, body, token = this.token, base = this.server) {
    const response = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const answer = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.detail ?? text.slice(0, 200)}`);
    return answer;
  }

  get(path) {
    return this.ask('GET', path);
  }

  tails() {
    return readdirSync(join(this.work, 'log')).map((name) => `--- ${name}\n${readFileSync(join(this.work, 'log', name), 'utf8').slice(-1500)}`).join('\n');
  }

  async stop() {
    this.isStopping = true;
    const running = this.children.filter((child) => child.exitCode === null && child.signalCode === null && child.pid);
    const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    running.forEach((child) => child.kill('SIGTERM'));
    const late = setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), 8000);
    await Promise.all(ended);
    clearTimeout(late);
  }
}
