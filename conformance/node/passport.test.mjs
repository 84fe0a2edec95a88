// passport with the strategy of openid-client, in an Express application, from sign-in to sign-out.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, assertDead, baseUrl, introspected, manage } from './server.mjs';
import { freshPage, json, launch, person, signIn } from './browser.mjs';
import { freePort, serving } from './child.mjs';

let browser;
let app;
let home;
let introspect;
before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}/`;
  const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
  const redirect_uris = [`${home}callback`, home];
  const { client_id, secret } = await application({ name: 'Express', organization_id: publisher.id, redirect_uris });
  introspect = (token) => introspected({ client_id, secret }, token);
  const env = { ISSUER: baseUrl, CLIENT_ID: client_id, CLIENT_SECRET: secret };
  app = await serving(port, 'node', ['apps/passport.mjs'], { env });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await app?.stop();
});

test('sign-in, userinfo, introspection, refresh, revocation and sign-out', async () => {
  const user = await person();
  const { page, errors } = await freshPage(browser);
  await page.goto(`${home}sign-in`);
  await signIn(page, user.email);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  assert.equal(page.url(), home);

  const first = await json(page, `${home}tokens`);
  assert.deepEqual([first.person.sub, first.person.email, first.person.email_verified], [user.id, user.email, true]);
  assert.equal(first.introspected.active, true);
  assert.equal(first.introspected.sub, user.id);
  const second = await json(page, `${home}refresh`);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.notEqual(second.access_token, first.access_token);
  assert.equal(second.introspected.active, true);

  await page.goto(`${home}sign-out`);
  await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
  assert.equal(page.url(), home, 'back where the application wanted to be');
  await assertDead(() => introspect(second.access_token));
  // Signed out of the server, too: it asks again, and no more for consent.
  await page.goto(`${home}sign-in`);
  await signIn(page, user.email);
  await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  assert.deepEqual(errors, []);
});

test('who denies comes back, too, and is not signed in', async () => {
  const user = await person('Grace', 'Hopper');
  const { page, errors } = await freshPage(browser);
  await page.goto(`${home}sign-in`);
  await signIn(page, user.email);
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('heading', { name: 'You did not sign in' }).waitFor();
  await page.goto(home);
  await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
  assert.deepEqual(errors, []);
});
