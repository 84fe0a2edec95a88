// What people do beside signing in, in a real browser: sign up, be invited, forget a password, look after their account.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { assertDead, baseUrl, introspected, manage, unique } from './server.mjs';
import { freshPage, launch, password, person, signIn } from './browser.mjs';
import { codeIn, linkIn, mailTo } from './mail.mjs';
import { relyingParty } from './relying-party.mjs';

let browser;
let forum;
before(async () => {
  forum = await relyingParty('Forum');
  browser = await launch();
});
after(async () => {
  await browser.close();
  forum.close();
});

async function signUp(page, { first, last, email }) {
  if (email) await page.getByLabel('Email').fill(email);
  await page.getByLabel('First name').fill(first);
  await page.getByLabel('Last name').fill(last);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
}

async function enterCode(page, text) {
  await page.getByLabel('6-digit code').fill(codeIn(text));
  await page.getByRole('button', { name: 'Confirm' }).click();
}

test('somebody new signs up on the way to the forum; the code is in the mail', async () => {
  const email = `${unique('bjork')}@example.com`;
  const { page, errors } = await freshPage(browser);
  const checks = await forum.ask(page);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await signUp(page, { first: 'Björk', last: '渡辺', email });
  await enterCode(page, await mailTo(email));
  const tokens = await forum.arrived(page, checks);
  const told = await oauth.fetchUserInfo(forum.config, tokens.access_token, tokens.claims().sub);
  assert.deepEqual([told.email, told.email_verified, told.name], [email, true, 'Björk 渡辺']);

  // And next time with a code instead of the password.
  const { page: elsewhere } = await freshPage(browser);
  const again = await forum.ask(elsewhere, { login_hint: email });
  await elsewhere.getByRole('button', { name: 'Continue' }).click();
  await elsewhere.getByRole('button', { name: 'Email me a code instead' }).click();
  await enterCode(elsewhere, await mailTo(email, 2));
  assert.equal((await forum.arrived(elsewhere, again)).claims().sub, tokens.claims().sub);
  assert.deepEqual(errors, []);
});

test('a forgotten password is set anew by the link in the mail, which ends sessions and works once', async () => {
  const user = await person();
  const { page, errors } = await freshPage(browser);
  const { page: elsewhere } = await freshPage(browser);
  await elsewhere.goto(`${baseUrl}/sign-in`);
  await signIn(elsewhere, user.email);
  await elsewhere.getByRole('heading', { name: 'Your account' }).waitFor();

  await page.goto(`${baseUrl}/sign-in`);
  await page.getByLabel('Email').fill(user.email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('link', { name: 'Forgot password?' }).click();
  await page.getByRole('button', { name: 'Send link' }).click();
  const link = linkIn(await mailTo(user.email), '/reset-password?token=');
  await page.goto(link);
  await page.getByLabel('New password').fill('quiet-harbour-lantern-77');
  await page.getByRole('button', { name: 'Save password' }).click();
  await page.getByText('Your new password is saved.').waitFor();
  await page.getByLabel('Password').fill('quiet-harbour-lantern-77');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();

  await elsewhere.goto(`${baseUrl}/account`);
  await elsewhere.getByLabel('Email').waitFor();
  assert.equal((await elsewhere.goto(link)).status(), 400, 'once');
  await elsewhere.goto(`${baseUrl}/sign-in`);
  await signIn(elsewhere, user.email);
  await elsewhere.getByText('Email address or password is wrong').waitFor();
  assert.deepEqual(errors, []);
});

test('somebody invited signs up, joins, and has the organization in their tokens', async () => {
  const email = `${unique('grace')}@example.com`;
  const organization = await manage('POST', '/organizations', { name: 'Acme' }, 201);
  await manage('POST', '/user_management/invitations', { email, organization_id: organization.id }, 201);
  const { page, errors } = await freshPage(browser);
  const link = linkIn(await mailTo(email), '/invite?invitation_token=');
  await page.goto(link);
  await page.getByText('You are invited to join Acme').waitFor();
  await page.getByRole('button', { name: 'Accept invitation' }).click();
  await signUp(page, { first: 'Grace', last: 'Hopper' });
  await enterCode(page, await mailTo(email, 2));
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  const tokens = await forum.arrived(page, await forum.ask(page));
  assert.equal((await introspected(forum, tokens.access_token)).org_id, organization.id);
  assert.equal((await page.goto(link)).status(), 400, 'once');
  const own = errors.filter((error) => !error.includes('status of 400'));
  assert.deepEqual(own, []);
});

test('the organization is chosen among several', async () => {
  const user = await person();
  const organizations = {};
  for (const name of ['Acme', 'Globex']) {
    organizations[name] = await manage('POST', '/organizations', { name }, 201);
    const membership = { user_id: user.id, organization_id: organizations[name].id };
    await manage('POST', '/user_management/organization_memberships', membership, 201);
  }
  const { page, errors } = await freshPage(browser);
  const checks = await forum.ask(page);
  await signIn(page, user.email);
  await page.getByRole('button', { name: 'Globex' }).click();
  const tokens = await forum.arrived(page, checks);
  assert.equal((await introspected(forum, tokens.access_token)).org_id, organizations.Globex.id);
  const refreshed = await oauth.refreshTokenGrant(forum.config, tokens.refresh_token);
  assert.equal((await introspected(forum, refreshed.access_token)).org_id, organizations.Globex.id);
  assert.deepEqual(errors, []);
});

test('on the account page another browser is signed out, and an application loses its access', async () => {
  const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
  const partner = await relyingParty(unique('Partner'), { organization_id: publisher.id });
  try {
    const user = await person();
    const { page, errors } = await freshPage(browser);
    const { page: elsewhere } = await freshPage(browser);
    const checks = await partner.ask(page);
    await signIn(page, user.email);
    await page.getByRole('button', { name: 'Allow' }).click();
    const tokens = await partner.arrived(page, checks);
    await elsewhere.goto(`${baseUrl}/sign-in`);
    await signIn(elsewhere, user.email);
    await elsewhere.getByRole('heading', { name: 'Your account' }).waitFor();

    await page.goto(`${baseUrl}/account`);
    const row = page.getByRole('listitem').filter({ hasText: 'Last active' });
    assert.equal(await row.count(), 2);
    await row.filter({ hasNotText: 'This browser' }).getByRole('button').click();
    await row.nth(1).waitFor({ state: 'detached' });
    await elsewhere.goto(`${baseUrl}/account`);
    await elsewhere.getByLabel('Email').waitFor();

    assert.equal((await introspected(partner, tokens.access_token)).active, true);
    await page.getByRole('button', { name: `Remove access: ${partner.name}` }).click();
    await page.getByText('No application has access to your account').waitFor();
    await assertDead(() => introspected(partner, tokens.access_token));
    await assert.rejects(oauth.refreshTokenGrant(partner.config, tokens.refresh_token), (error) => error.error === 'invalid_grant');

    await page.goto(`${baseUrl}/sign-out`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await partner.ask(page);
    await page.getByLabel('Email').waitFor();
    assert.deepEqual(errors, []);
  } finally {
    partner.close();
  }
});
