// Standalone Connect, the whole dance in a real browser: examples/existing-app with its own login, and an OAuth client as
// openid-client makes one. What the person has chosen is in the token, and again after refresh.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'openid-client';
import { WorkOS } from '@workos-inc/node';
import { apiKey, baseUrl, introspected, manage } from './server.mjs';
import { freshPage, launch } from './browser.mjs';
import { relyingParty } from './relying-party.mjs';
import { serving } from './child.mjs';

const CLAIM = 'urn:northwind:workspace';
const port = Number(process.env.EXISTING_APP_PORT);
const photographs = process.env.PHOTOGRAPHS;

let browser;
let app;
let partner;
let own;
before(async () => {
  const env = { ISSUER: baseUrl, API_KEY: apiKey };
  app = await serving(port, 'node', ['../../examples/existing-app/server.mjs'], { env });
  const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
  partner = await relyingParty('Partner portal', { organization_id: publisher.id });
  own = await relyingParty('Northwind mobile');
  browser = await launch();
});
after(async () => {
  await browser?.close();
  partner?.close();
  own?.close();
  await app?.stop();
});

async function logIn(page, email, password) {
  await page.getByRole('heading', { name: 'Log in to Northwind' }).waitFor();
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function photograph(page, name) {
  if (!photographs) return;
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [375, 1280]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${photographs}/${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
  }
}

test('grouped choices: the chosen one is in the token, and again after refresh', async () => {
  const { page, errors } = await freshPage(browser);
  const checks = await partner.ask(page);
  assert.match(page.url(), new RegExp(`^http://localhost:${port}/login\\?external_auth_id=ext_auth_[0-9A-Z]{26}$`));
  await logIn(page, 'ada@northwind.example', 'analytical-engine-1843');

  const workspace = page.getByLabel('Workspace');
  await workspace.waitFor();
  await photograph(page, 'consent-groups');
  assert.deepEqual(await workspace.locator('optgroup').evaluateAll((groups) => groups.map((group) => group.label)), ['Northwind', 'Contoso']);
  // Nothing is chosen for the person, and nothing goes on without a choice.
  await page.getByRole('button', { name: 'Allow' }).click();
  assert.equal(new URL(page.url()).origin, baseUrl);
  // By keyboard alone.
  await workspace.focus();
  await page.keyboard.type('Sales');
  await page.keyboard.press('Tab');
  assert.equal(await workspace.inputValue(), 'ws_sales');
  await page.getByRole('button', { name: 'Allow' }).press('Enter');

  const tokens = await partner.arrived(page, checks);
  assert.equal(tokens.claims().sub, 'acct_1001');
  const person = await oauth.fetchUserInfo(partner.config, tokens.access_token, 'acct_1001');
  assert.deepEqual([person.email, person.email_verified, person.name], ['ada@northwind.example', true, 'Ada Lovelace']);
  const told = decodeJwt(tokens.access_token);
  assert.deepEqual([told.sub, told[CLAIM]], ['acct_1001', 'ws_sales']);

  const refreshed = await oauth.refreshTokenGrant(partner.config, tokens.refresh_token);
  const again = decodeJwt(refreshed.access_token);
  assert.deepEqual([again.sub, again[CLAIM]], ['acct_1001', 'ws_sales']);
  const seen = await introspected(partner, refreshed.access_token);
  assert.deepEqual([seen.active, seen.sub, seen[CLAIM]], [true, 'acct_1001', 'ws_sales']);

  // The choice is remembered, and offered still; the application's own session answers for the person.
  const later = await partner.ask(page, { prompt: 'login' });
  const fresh = await partner.arrived(page, later);
  assert.equal(decodeJwt(fresh.access_token)[CLAIM], 'ws_sales');
  assert.deepEqual(errors, []);
});

test('a short list of choices goes through the SDK, and a first-party client asks for none', async () => {
  const { page, errors } = await freshPage(browser);
  let checks = await own.ask(page);
  await logIn(page, 'grace@northwind.example', 'compiler-for-cobol-1952');
  const tokens = await own.arrived(page, checks);
  assert.deepEqual([tokens.claims().sub, decodeJwt(tokens.access_token)[CLAIM]], ['acct_1002', undefined]);

  checks = await partner.ask(page, { prompt: 'login' });
  await page.getByRole('group', { name: 'Workspace' }).waitFor();
  await photograph(page, 'consent-radios');
  await page.getByLabel('Research').check();
  await page.getByRole('button', { name: 'Allow' }).click();
  const chosen = await partner.arrived(page, checks);
  assert.deepEqual([chosen.claims().sub, decodeJwt(chosen.access_token)[CLAIM]], ['acct_1002', 'ws_research']);

  // Nobody has to choose to say no.
  await partner.ask(page, { prompt: 'consent' });
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.waitForURL(/error=access_denied/);
  assert.deepEqual(errors, []);
});

test('a sign-in belongs to its browser, and is completed once', async () => {
  const { page } = await freshPage(browser);
  const other = await freshPage(browser);
  await partner.ask(page);
  const externalAuthId = new URL(page.url()).searchParams.get('external_auth_id');
  const url = new URL(baseUrl);
  const workos = new WorkOS(apiKey, { apiHostname: url.hostname, port: Number(url.port) || undefined, https: url.protocol === 'https:' });
  const user = { id: 'acct_1003', email: 'edith@northwind.example' };
  const { redirectUri } = await workos.connect.completeOAuth2({ externalAuthId, user });
  await other.page.goto(redirectUri);
  await other.page.getByRole('heading', { name: 'This sign-in began elsewhere' }).waitFor();
  await photograph(other.page, 'other-browser');
  await assert.rejects(workos.connect.completeOAuth2({ externalAuthId, user }), { status: 400, code: 'external_auth_session_already_completed' });
  await assert.rejects(workos.connect.completeOAuth2({ externalAuthId: 'ext_auth_unknown', user }), { name: 'NotFoundException' });
  await page.goto(redirectUri);
  await page.getByRole('heading', { name: 'Partner portal asks for access' }).waitFor();
  await page.goto(redirectUri);
  await page.getByRole('heading', { name: 'This sign-in was already used' }).waitFor();
});
