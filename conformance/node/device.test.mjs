// A command line program shows a code; a person enters it in a browser; the program has tokens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { application, baseUrl } from './server.mjs';
import { freshPage, launch, person, signIn } from './browser.mjs';

let browser;
let cli;
before(async () => {
  cli = await application({ name: 'Command line', uses_pkce: true, redirect_uris: [] });
  browser = await launch();
});
after(() => browser.close());

/** The program: its lines, and how it ended. */
function start() {
  const env = { ...process.env, ISSUER: baseUrl, CLIENT_ID: cli.client_id };
  const child = spawn('node', ['apps/device.mjs'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  return { line, ended: once(child, 'exit') };
}

async function enter(page, words) {
  const [, address, code] = /^Open (\S+) and enter (\S+)$/.exec(words);
  await page.goto(address);
  // As people type: small letters, no dash.
  await page.getByLabel('Code').fill(code.toLowerCase().replace('-', ''));
  await page.getByRole('button', { name: 'Continue' }).click();
  return code;
}

test('a code is entered in a browser and tokens come; another is refused and none do', async () => {
  const user = await person();
  const { page, errors } = await freshPage(browser);
  const program = start();
  const code = await enter(page, await program.line());
  await signIn(page, user.email);
  await page.getByText(code).waitFor();
  await page.getByText('Command line wants to sign in').waitFor();
  await page.getByRole('button', { name: 'Yes, continue' }).click();
  await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();

  const refused = start();
  await enter(page, await refused.line());
  await page.getByRole('button', { name: 'No, deny' }).click();
  await page.getByRole('heading', { name: 'The device was not connected' }).waitFor();

  assert.equal(await program.line(), `Signed in as ${user.email}, and again without a person: openid email offline_access`);
  assert.deepEqual((await program.ended)[0], 0);
  assert.equal(await refused.line(), 'Not signed in: access_denied');
  assert.deepEqual((await refused.ended)[0], 1);
  assert.deepEqual(errors, []);
});
