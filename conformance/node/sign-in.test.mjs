// People sign in to applications that use ordinary libraries, in a real browser.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'openid-client';
import { application, assertDead, baseUrl, manage, unique } from './server.mjs';
import { freshPage, launch, person, signIn } from './browser.mjs';
import { listen, relyingParty } from './relying-party.mjs';

describe('signing in', () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('openid-client: discovery, code, PKCE, userinfo, refresh, introspection, revocation', async () => {
    const scope = unique('posts:read');
    const description = 'See every post, drafts too.';
    await manage('POST', '/authorization/permissions', { slug: scope, name: 'Read posts', description }, 201);
    const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
    const partner = await relyingParty('Partner portal', { organization_id: publisher.id, scopes: [scope] });
    try {
      const user = await person();
      const organizations = [];
      for (const name of ['Acme', 'Globex']) {
        const organization = await manage('POST', '/organizations', { name }, 201);
        const membership = { user_id: user.id, organization_id: organization.id };
        await manage('POST', '/user_management/organization_memberships', membership, 201);
        organizations.push(organization);
      }

      const { config, arrived } = partner;
      const ask = (page, extra) =>
        partner.ask(page, { scope: `openid profile email offline_access ${scope}`, ...extra });

      const { context, page, errors } = await freshPage(browser);
      let checks = await ask(page, { login_hint: user.email });
      await signIn(page, user.email);
      await page.getByText('Partner portal').first().waitFor();
      const shown = await page.locator('main').innerText();
      for (const words of ['Partner Ltd', user.email, 'Read posts', description, 'localhost']) {
        assert.ok(shown.includes(words), `${words}: ${shown}`);
      }
      await page.getByLabel('Globex').check();
      await page.getByRole('button', { name: 'Allow' }).click();
      const tokens = await arrived(page, checks);
      assert.equal(tokens.claims().sub, user.id);
      const told = await oauth.fetchUserInfo(config, tokens.access_token, user.id);
      assert.equal(told.email, user.email);
      assert.equal(told.given_name, 'Ada');

      const seen = await oauth.tokenIntrospection(config, tokens.access_token);
      assert.equal(seen.active, true);
      assert.equal(seen.org_id, organizations[1].id);
      const refreshed = await oauth.refreshTokenGrant(config, tokens.refresh_token);
      assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
      await oauth.tokenRevocation(config, refreshed.refresh_token);
      await assertDead(() => oauth.tokenIntrospection(config, refreshed.access_token));
      await assert.rejects(oauth.refreshTokenGrant(config, refreshed.refresh_token), (error) => error.error === 'invalid_grant');

      checks = await ask(page);
      await arrived(page, checks);
      checks = await ask(page, { max_age: '0' });
      await signIn(page, user.email);
      const fresh = await arrived(page, { ...checks, maxAge: 60 });
      assert.ok(Math.abs(fresh.claims().auth_time - Date.now() / 1000) < 60);
      await ask(page, { prompt: 'consent' });
      await page.getByRole('button', { name: 'Deny' }).click();
      await page.waitForURL(/error=access_denied/);
      assert.deepEqual(errors, []);
      await context.close();
    } finally {
      partner.close();
    }
  });

  test('oidc-client-ts: a public client in a page of another origin', async () => {
    const library = await readFile(
      createRequire(import.meta.url).resolve('oidc-client-ts').replace(/dist\/.*$/, 'dist/browser/oidc-client-ts.min.js'),
    );
    const server = createServer((request, response) => {
      if (request.url === '/oidc.js') return response.setHeader('content-type', 'text/javascript').end(library);
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>app</title><script src="/oidc.js"></script>');
    });
    const origin = `http://localhost:${await listen(server)}`;
    try {
      const { client_id } = await application({
        name: 'The page', uses_pkce: true, redirect_uris: [`${origin}/callback`], cors_origins: [origin],
      });
      const user = await person('Grace', 'Hopper');
      const { context, page, errors } = await freshPage(browser);
      const settings = {
        authority: baseUrl, client_id, redirect_uri: `${origin}/callback`,
        scope: 'openid profile email offline_access', loadUserInfo: true,
      };
      await page.goto(origin);
      await page.evaluate((settings) => new oidc.UserManager(settings).signinRedirect(), settings).catch(() => {});
      await signIn(page, user.email);
      await page.waitForURL(`${origin}/callback*`);
      const signedIn = await page.evaluate(async (settings) => {
        const manager = new oidc.UserManager(settings);
        const user = await manager.signinCallback();
        const renewed = await manager.signinSilent();
        return { email: user.profile.email, scope: user.scope, first: user.refresh_token, second: renewed.refresh_token };
      }, settings);
      assert.equal(signedIn.email, user.email);
      assert.notEqual(signedIn.first, signedIn.second);
      assert.deepEqual(errors, []);
      await context.close();
    } finally {
      server.close();
    }
  });
});
