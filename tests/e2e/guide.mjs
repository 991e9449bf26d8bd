// The guide is true: its boxes of commands (```sh) are run as they stand, in order, each guide in a folder of its own on a
// fresh server. Only the address differs: a free port instead of 7070.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { binary, folder, serve } from './server.mjs';

const boxes = (path) => [...readFileSync(path, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]);

function bash(script, cwd, variables) {
  return new Promise((done) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-x', '-c', script], { cwd, env: { ...process.env, ...variables } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => done({ code, output }));
  });
}

for (const name of ['first-hour', 'own-workload', 'own-runbook', 'running']) {
  test(`docs/guide/${name}.md`, { timeout: 120_000 }, async () => {
    const data = folder();
    const server = await serve(data);
    try {
      const commands = boxes(`docs/guide/${name}.md`);
      assert.ok(commands.length > 0);
      const script = commands.join('\n').replaceAll('http://127.0.0.1:7070', server.url);
      const at = join(folder(), 'home');
      mkdirSync(at);
      const { code, output } = await bash(script, at, {
        PATH: `${dirname(resolve(binary))}:${process.env.PATH}`,
        WELLRUN_SERVER: server.url,
        WELLRUN_TOKEN: server.token,
        WELLRUN_DATA: data,
      });
      assert.equal(code, 0, output.slice(-4000));
    } finally {
      await server.stop();
    }
  });
}
