// The real binary for tests that see it from outside. Ports are free ones, folders are temporary.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const binary = process.env.WELLRUN_BIN ?? 'build/dev/wellrun';
export const folder = () => mkdtempSync(join(tmpdir(), 'wellrun-test-'));

/** The environment without whatever settings the caller's shell has. */
function environment(extra) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('WELLRUN_'));
  return { ...Object.fromEntries(own), ...extra };
}

export function run(...args) {
  return runWith({}, ...args);
}

export function runWith(variables, ...args) {
  return new Promise((resolve) => {
    execFile(binary, args, { encoding: 'utf8', env: environment(variables) }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

/** A port that was free a moment ago: for listeners that do not say which one they took. */
export function freePort() {
  return new Promise((resolve) => {
    import('node:net').then(({ createServer }) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address();
        probe.close(() => resolve(port));
      });
    });
  });
}

/** A server on a free port; `data` may be one that an earlier server left. */
export async function serve(data, ...flags) {
  const child = spawn(binary, ['serve', '--data', data, '--listen', '127.0.0.1:0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'], env: environment({}) });
  let text = '';
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)));
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (/ready: \S+/.test(text)) resolve();
    });
    exited.then(() => reject(new Error(`ended before it was ready: ${text}${errors}`)));
  });
  const url = /ready: (\S+)/.exec(text)[1];
  const token = /token: (\S+)/.exec(text)?.[1];
  const ask = (method, path, body, headers = {}) =>
    fetch(url + path, { method, headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers }, body: body === undefined ? undefined : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) });
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  /** Peak resident memory since the start, in MiB. */
  const peakMemory = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
  return { url, token, ask, stop, exited, peakMemory, child, port: Number(new URL(url).port) };
}

/** Bytes to a port; resolves with whatever came back once the peer closed, or after `ms`. */
export function raw(port, bytes, ms = 5000) {
  return new Promise((resolve) => {
    let answer = '';
    let isClosed = false;
    const done = () => {
      clearTimeout(late);
      socket.destroy();
      resolve({ answer, isClosed });
    };
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const late = setTimeout(done, ms);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => {
      isClosed = true;
      done();
    });
  });
}
