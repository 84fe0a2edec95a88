// OmniAuth's strategy for OpenID Connect, in a Rack application, as Debian packages both.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, baseUrl } from './server.mjs';
import { freshPage, json, launch, person, signIn } from './browser.mjs';
import { freePort, serving } from './child.mjs';

let browser;
let app;
let home;
before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}/`;
  const redirect_uris = [`${home}auth/countersign/callback`, home];
  const { client_id, secret } = await application({ name: 'Ruby', redirect_uris });
  const env = { ISSUER: baseUrl, CLIENT_ID: client_id, CLIENT_SECRET: secret, RACK_ENV: 'production' };
  const args = ['--server', 'webrick', '--host', 'localhost', '--port', String(port), '../ruby/config.ru'];
  app = await serving(port, 'rackup', args, { env });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await app?.stop();
});

test('discovery, sign-in without PKCE but with a nonce, userinfo and sign-out', async () => {
  const user = await person('Yukihiro', 'Matsumoto');
  const { page, errors } = await freshPage(browser);
  await page.goto(home);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await signIn(page, user.email);
  await page.getByRole('heading', { name: 'Hello, Yukihiro' }).waitFor();
  const me = await json(page, `${home}me`);
  assert.deepEqual(me, { sub: user.id, name: 'Yukihiro Matsumoto', first_name: 'Yukihiro', email: user.email });

  await page.goto(`${home}sign-out`);
  await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
  assert.equal(page.url(), home);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Email').waitFor();
  assert.deepEqual(errors, []);
});
