// Applications of others, each a process of its own that listens on a port of this machine.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port) {
  for (const host of ['127.0.0.1', '::1']) {
    const socket = connect({ port, host });
    const connected = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)));
    socket.destroy();
    if (connected) return true;
  }
  return false;
}

/** Starts a program and waits until it listens; fails with what it said when it ends before. */
export async function serving(port, command, args, options = {}) {
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, PORT: String(port), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const program = { said: '', ended: null };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { program.said += text; });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(program.ended = String(error)));
    child.on('exit', (code, signal) => resolve(program.ended = `ended with ${code ?? signal}`));
  });
  program.stop = async () => {
    child.kill();
    await ended;
  };
  const began = Date.now();
  while (!(await accepts(port))) {
    assert.equal(program.ended, null, `${command}: ${program.ended}\n${program.said}`);
    assert.ok(Date.now() - began < 30_000, `${command} does not listen on ${port}\n${program.said}`);
    await pause(20);
  }
  return program;
}
