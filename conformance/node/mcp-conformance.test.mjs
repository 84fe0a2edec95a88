// What the Model Context Protocol's own conformance tests ask of an authorization server, with a person at a browser.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { freshPage, launch, person, signIn } from './browser.mjs';
import { freePort } from './child.mjs';
import { baseUrl, manage } from './server.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('every scenario for authorization servers passes', async () => {
  const resource = 'https://mcp.example.com/mcp';
  await manage('POST', '/user_management/authkit_oauth_resources', { uri: resource, default: true }, 201);
  const port = await freePort();
  const registered = await fetch(`${baseUrl}/oauth2/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance tests',
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: 'none',
    }),
  });
  assert.equal(registered.status, 201);
  const { client_id } = await registered.json();
  // They need a newer Node than these scripts.
  const folder = new URL('../mcp/node_modules/', import.meta.url).pathname;
  const tests = `${folder}@modelcontextprotocol/conformance/dist/index.js`;
  const flags = ['--url', baseUrl, '--client-id', client_id, '--resource', resource, '--port', String(port)];
  const child = spawn(`${folder}node/bin/node`, [tests, 'authorization', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  let said = '';
  const address = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += text;
        const url = said.split('\n').find((line) => line.startsWith(`${baseUrl}/oauth2/authorize?`));
        if (url) resolve(url);
      });
    }
    ended.then(() => reject(new Error(said)));
  });
  const user = await person();
  const { page, errors } = await freshPage(browser);
  await page.goto(await address);
  await signIn(page, user.email);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('You can close this page.').waitFor();
  const [code] = await ended;
  assert.equal(code, 0, said);
  assert.match(said, /✓ authorization-server-metadata-endpoint: [1-9]\d* passed, 0 failed/, said);
  assert.match(said, /✓ authorization-code-grant: [1-9]\d* passed, 0 failed/, said);
  assert.deepEqual(errors, []);
});
