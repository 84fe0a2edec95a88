// The product signs people in with the WorkOS SDK for Node, unmodified: in a real browser, with passwords and codes, and
// keeps them signed in with sealed sessions.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import * as newest from '@workos-inc/node';
import * as eighth from 'workos-node-8';
import { apiKey, baseUrl, clientId, manage, unique } from './server.mjs';
import { freshPage, launch, password, person, signIn } from './browser.mjs';

const url = new URL(baseUrl);
const where = {
  clientId,
  apiHostname: url.hostname,
  port: url.port ? Number(url.port) : undefined,
  https: url.protocol === 'https:',
};
const cookiePassword = 'a cookie password of more than thirty-two letters';

const listen = (server) => new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server.address().port)));
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** Somebody who belongs to these organizations. */
async function member(...names) {
  const user = await person();
  const organizations = [];
  for (const name of names) {
    const organization = await manage('POST', '/organizations', { name }, 201);
    const membership = { user_id: user.id, organization_id: organization.id };
    await manage('POST', '/user_management/organization_memberships', membership, 201);
    organizations.push(organization);
  }
  return { user, organizations };
}

describe('in a browser', () => {
  let browser;
  let callback;
  let redirectUri;
  let signedOutUri;

  before(async () => {
    browser = await launch();
    callback = createServer((_, response) => response.end('<!doctype html><title>back</title>'));
    const origin = `http://localhost:${await listen(callback)}`;
    redirectUri = `${origin}/callback`;
    signedOutUri = `${origin}/signed-out`;
    await manage('POST', '/user_management/redirect_uris', { uri: redirectUri }, 201);
    await manage('POST', '/user_management/redirect_uris', { uri: signedOutUri, purpose: 'sign_out' }, 201);
  });
  after(async () => {
    await browser.close();
    callback.close();
  });

  async function arrived(page) {
    await page.waitForURL(`${redirectUri}*`);
    return new URL(page.url()).searchParams;
  }

  for (const [title, sdk] of Object.entries({ '@workos-inc/node 11': newest, '@workos-inc/node 8': eighth })) {
    test(`${title}: authorization URL, code, sealed session, refresh, switch, logout`, async () => {
      const users = new sdk.WorkOS(apiKey, where).userManagement;
      const { user, organizations } = await member('Acme', 'Globex');
      const { context, page, errors } = await freshPage(browser);
      const state = Buffer.from(JSON.stringify({ returnTo: '/a?b=c', padding: 'x'.repeat(1500) })).toString('base64');
      const options = { provider: 'authkit', redirectUri, clientId, state, loginHint: user.email };
      await page.goto(users.getAuthorizationUrl(options));
      await signIn(page, user.email);
      await page.getByText('Globex').click();
      const answer = await arrived(page);
      assert.equal(answer.get('state'), state, 'not a letter is lost');

      const { sealedSession, ...signedIn } = await users.authenticateWithCode({
        clientId, code: answer.get('code'), session: { sealSession: true, cookiePassword },
      });
      assert.equal(signedIn.user.id, user.id);
      assert.equal(signedIn.organizationId, organizations[1].id);
      assert.equal(signedIn.authenticationMethod, 'Password');
      await assert.rejects(users.authenticateWithCode({ clientId, code: answer.get('code') }), (error) => {
        assert.equal(error.status, 400);
        return error.error === 'invalid_grant';
      });

      // The code came twice, so what it led to is over; the browser is still signed in and gives another one unasked.
      await page.goto(users.getAuthorizationUrl(options));
      const again = await users.authenticateWithCode({
        clientId, code: (await arrived(page)).get('code'), session: { sealSession: true, cookiePassword },
      });
      assert.ok(sealedSession && again.sealedSession);
      const session = users.loadSealedSession({ sessionData: again.sealedSession, cookiePassword });
      const seen = await session.authenticate();
      assert.equal(seen.authenticated, true, seen.reason);
      assert.equal(seen.sessionId, claims(again.accessToken).sid);
      assert.equal(seen.organizationId, organizations[1].id);
      assert.equal(seen.role, 'member');
      assert.deepEqual(seen.permissions, []);
      assert.equal(seen.user.email, user.email);

      const refreshed = await session.refresh({ organizationId: organizations[0].id });
      assert.equal(refreshed.authenticated, true, refreshed.reason);
      assert.equal(refreshed.organizationId, organizations[0].id);
      const logoutUrl = await session.getLogoutUrl({ returnTo: signedOutUri });
      await page.goto(logoutUrl);
      assert.equal(page.url(), signedOutUri);
      const late = await session.refresh();
      assert.deepEqual([late.authenticated, late.reason], [false, 'invalid_grant']);
      await page.goto(users.getAuthorizationUrl(options));
      await page.getByLabel('Email').waitFor();
      assert.deepEqual(errors, []);
      await context.close();
    });
  }

  test('a public client with PKCE and no secret', async () => {
    const workos = new newest.WorkOS({ ...where });
    const users = workos.userManagement;
    const user = await person('Grace', 'Hopper');
    const { context, page, errors } = await freshPage(browser);
    const asked = await users.getAuthorizationUrlWithPKCE({ provider: 'authkit', redirectUri, clientId, screenHint: 'sign-up' });
    await page.goto(asked.url);
    assert.match(page.url(), /\/sign-up/);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, user.email);
    const answer = await arrived(page);
    assert.equal(answer.get('state'), asked.state);
    const code = answer.get('code');
    await assert.rejects(users.authenticateWithCodeAndVerifier({ clientId, code, codeVerifier: 'x'.repeat(43) }));
    const signedIn = await users.authenticateWithCode({ clientId, code, codeVerifier: asked.codeVerifier });
    assert.equal(signedIn.user.id, user.id);
    const refreshed = await users.authenticateWithRefreshToken({ clientId, refreshToken: signedIn.refreshToken });
    assert.notEqual(refreshed.refreshToken, signedIn.refreshToken);
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('a page of a listed origin refreshes by itself, another may not', async () => {
    const pages = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>app</title>');
    });
    const port = await listen(pages);
    try {
      const origin = `http://localhost:${port}`;
      await manage('POST', '/user_management/cors_origins', { origin }, 201);
      const user = await person();
      const users = new newest.WorkOS(apiKey, where).userManagement;
      const { refreshToken } = await users.authenticateWithPassword({ email: user.email, password });
      const ask = async (from, token) => {
        const { context, page } = await freshPage(browser);
        await page.goto(from);
        const got = await page.evaluate(
          async ([address, body]) => {
            try {
              const options = { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body };
              const response = await fetch(address, options);
              return [response.status, await response.json()];
            } catch (error) {
              return [0, String(error)];
            }
          },
          [`${baseUrl}/user_management/authenticate`, JSON.stringify({ client_id: clientId, grant_type: 'refresh_token', refresh_token: token })],
        );
        await context.close();
        return got;
      };
      const [status, answer] = await ask(origin, refreshToken);
      assert.equal(status, 200, JSON.stringify(answer));
      assert.equal(answer.user.id, user.id);
      const [elsewhere] = await ask(redirectUri, answer.refresh_token);
      assert.equal(elsewhere, 0, 'the browser keeps the answer from it');
    } finally {
      pages.close();
    }
  });
});

/** What an authenticator application shows, so many steps from now (RFC 6238). */
function shown(secret, steps) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const tag = createHmac('sha1', key).update(counter).digest();
  return String((tag.readUInt32BE(tag.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

for (const [title, sdk] of Object.entries({ '@workos-inc/node 11': newest, '@workos-inc/node 8': eighth })) {
  describe(`${title}, without a browser`, () => {
    const users = new sdk.WorkOS(apiKey, where).userManagement;

    test('password, organization selection, refresh', async () => {
      const { user, organizations } = await member('Acme', 'Globex');
      const wrong = users.authenticateWithPassword({ clientId, email: user.email, password: 'wrong' });
      await assert.rejects(wrong, (error) => error.status === 400 && error.rawData.code === 'invalid_credentials');
      let pending;
      await assert.rejects(users.authenticateWithPassword({ clientId, email: user.email, password }), (error) => {
        assert.equal(error.status, 403);
        const data = error.rawData;
        assert.equal(data.code, 'organization_selection_required');
        assert.deepEqual(data.organizations.map(({ name }) => name), ['Acme', 'Globex']);
        assert.equal(data.user.id, user.id);
        pending = data.pending_authentication_token;
        return true;
      });
      const chosen = { clientId, pendingAuthenticationToken: pending, organizationId: organizations[1].id };
      const signedIn = await users.authenticateWithOrganizationSelection(chosen);
      assert.equal(signedIn.organizationId, organizations[1].id);
      await assert.rejects(users.authenticateWithOrganizationSelection(chosen));
      const { refreshToken } = signedIn;
      const moved = await users.authenticateWithRefreshToken({ clientId, refreshToken, organizationId: organizations[0].id });
      assert.equal(moved.organizationId, organizations[0].id);
      assert.equal(claims(moved.accessToken).org_id, organizations[0].id);
      const retried = await users.authenticateWithRefreshToken({ clientId, refreshToken, organizationId: organizations[0].id });
      assert.equal(retried.refreshToken, moved.refreshToken, 'a retry gets the same successor');
    });

    test('mailed codes: instead of a password, and to prove an address', async () => {
      const email = `${unique('magic')}@example.com`;
      const { code } = await users.createMagicAuth({ email });
      const signedIn = await users.authenticateWithMagicAuth({ clientId, email, code });
      assert.equal(signedIn.authenticationMethod, 'MagicAuth');
      assert.equal(signedIn.user.emailVerified, true);

      const unproven = `${unique('unproven')}@example.com`;
      await manage('POST', '/user_management/users', { email: unproven, password }, 201);
      let data;
      await assert.rejects(users.authenticateWithPassword({ clientId, email: unproven, password }), (error) => {
        assert.equal(error.status, 403);
        data = error.rawData;
        return data.code === 'email_verification_required';
      });
      const verification = await users.getEmailVerification(data.email_verification_id);
      const proven = await users.authenticateWithEmailVerification({
        clientId, code: verification.code, pendingAuthenticationToken: data.pending_authentication_token,
      });
      assert.equal(proven.user.emailVerified, true);
      assert.equal(proven.authenticationMethod, 'Password');
    });

    test('a second factor: enrolled, asked for, verified', async () => {
      const workos = new sdk.WorkOS(apiKey, where);
      const user = await person();
      const enrol = (options) => (workos.multiFactorAuth ? workos.multiFactorAuth.createUserAuthFactor(options) : users.enrollAuthFactor(options));
      const list = (options) => (workos.multiFactorAuth ? workos.multiFactorAuth.listUserAuthFactors(options) : users.listAuthFactors(options));
      const factors = workos.multiFactorAuth ?? workos.mfa;
      const enrolled = { userId: user.id, type: 'totp', totpIssuer: 'Acme', totpUser: user.email };
      const { authenticationFactor: factor, authenticationChallenge: first } = await enrol(enrolled);
      assert.match(factor.totp.qrCode, /^data:image\/png;base64,/);
      const confirmed = { authenticationChallengeId: first.id, code: shown(factor.totp.secret, 0) };
      assert.equal((await factors.verifyChallenge(confirmed)).valid, true);
      assert.deepEqual((await list({ userId: user.id })).data.map(({ id, type }) => [id, type]), [[factor.id, 'totp']]);
      let asked;
      await assert.rejects(users.authenticateWithPassword({ clientId, email: user.email, password }), (error) => {
        asked = error.rawData;
        return error.status === 403 && asked.code === 'mfa_challenge';
      });
      assert.deepEqual(asked.authentication_factors, [{ id: factor.id, type: 'totp' }]);
      const challenge = await factors.challengeFactor({ authenticationFactorId: factor.id });
      const answer = { clientId, authenticationChallengeId: challenge.id, pendingAuthenticationToken: asked.pending_authentication_token };
      const wrong = users.authenticateWithTotp({ ...answer, code: '000000' });
      await assert.rejects(wrong, (error) => error.status === 400 && error.rawData.code === 'invalid_one_time_code');
      const signedIn = await users.authenticateWithTotp({ ...answer, code: shown(factor.totp.secret, 1) });
      assert.deepEqual([signedIn.user.id, signedIn.authenticationMethod], [user.id, 'Password']);
      await factors.deleteFactor(factor.id);
      await users.authenticateWithPassword({ clientId, email: user.email, password });
    });

    test('a wrong client, and a session that was revoked', async () => {
      const user = await person();
      const stranger = new sdk.WorkOS('sk_wrong', where).userManagement;
      const refused = stranger.authenticateWithPassword({ clientId, email: user.email, password });
      await assert.rejects(refused, (error) => error.status === 400 && error.error === 'invalid_client');
      const { accessToken, refreshToken } = await users.authenticateWithPassword({ clientId, email: user.email, password });
      await users.revokeSession({ sessionId: claims(accessToken).sid });
      const late = users.authenticateWithRefreshToken({ clientId, refreshToken });
      await assert.rejects(late, (error) => error.status === 400 && error.error === 'invalid_grant');
    });
  });
}
