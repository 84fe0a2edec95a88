// A product with two surfaces of its own, a forum and its documentation, and a partner's application beside them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { baseUrl, manage, unique } from './server.mjs';
import { freshPage, launch, person, signIn } from './browser.mjs';
import { relyingParty } from './relying-party.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Every page of ours that a browser is shown from now on. */
function shownTo(page) {
  const shown = [];
  page.on('response', (response) => {
    const ours = response.url().startsWith(baseUrl) && response.request().isNavigationRequest();
    if (ours && response.status() === 200) shown.push(response.url());
  });
  return shown;
}

test('signed in at the forum is signed in at the documentation, without a page', async () => {
  const forum = await relyingParty('Forum');
  const documentation = await relyingParty('Documentation', { uses_pkce: true });
  try {
    const user = await person();
    const { page, errors } = await freshPage(browser);
    const first = await forum.ask(page);
    await signIn(page, user.email);
    const atForum = await forum.arrived(page, first);

    const shown = shownTo(page);
    const second = await documentation.ask(page);
    const atDocumentation = await documentation.arrived(page, second);
    assert.deepEqual(shown, [], 'no page, not even for a moment');
    assert.equal(atDocumentation.claims().sub, user.id);
    assert.deepEqual([atForum.claims().aud, atDocumentation.claims().aud], [forum.client_id, documentation.client_id]);
    // Silently, too, as a page that renews its sign-in asks.
    const third = await documentation.ask(page, { prompt: 'none' });
    await documentation.arrived(page, third);
    assert.deepEqual(shown, []);

    const { page: stranger } = await freshPage(browser);
    const asked = await documentation.ask(stranger, { prompt: 'none' });
    await assert.rejects(documentation.arrived(stranger, asked), (error) => error.error === 'login_required');

    // Signed out at one is signed out at both.
    const onward = oauth.buildEndSessionUrl(forum.config, {
      id_token_hint: atForum.id_token, post_logout_redirect_uri: forum.home, state: 'out',
    });
    await page.goto(onward.href);
    assert.equal(page.url(), `${forum.home}?state=out`);
    const fourth = await documentation.ask(page, { prompt: 'none' });
    await assert.rejects(documentation.arrived(page, fourth), (error) => error.error === 'login_required');
    assert.deepEqual(errors, []);
  } finally {
    forum.close();
    documentation.close();
  }
});

test("a partner's application is consented to once, and again when it asks for more", async () => {
  const [read, write] = [unique('posts:read'), unique('posts:write')];
  for (const slug of [read, write]) await manage('POST', '/authorization/permissions', { slug, name: `May ${slug}` }, 201);
  const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
  const partner = await relyingParty('Partner', { organization_id: publisher.id, scopes: [read, write] });
  try {
    const user = await person('Grace', 'Hopper');
    const { page, errors } = await freshPage(browser);
    const allow = page.getByRole('button', { name: 'Allow' });
    const first = await partner.ask(page, { scope: `openid ${read}` });
    await signIn(page, user.email);
    await page.getByText(`May ${read}`).waitFor();
    await allow.click();
    assert.equal((await partner.arrived(page, first)).scope, `openid ${read}`);

    const shown = shownTo(page);
    const second = await partner.ask(page, { scope: `openid ${read}` });
    await partner.arrived(page, second);
    assert.deepEqual(shown, [], 'not asked twice');

    const third = await partner.ask(page, { scope: `openid ${read} ${write}` });
    await page.getByText(`May ${write}`).waitFor();
    await allow.click();
    assert.equal((await partner.arrived(page, third)).scope, `openid ${read} ${write}`);
    shown.length = 0;
    await partner.arrived(page, await partner.ask(page, { scope: `openid ${write}` }));
    assert.deepEqual(shown, [], 'less than what was granted is not asked about');
    const quiet = await partner.ask(page, { scope: `openid email ${read}`, prompt: 'none' });
    await assert.rejects(partner.arrived(page, quiet), (error) => error.error === 'consent_required');

    const fourth = await partner.ask(page, { scope: `openid email ${read}` });
    await page.getByRole('button', { name: 'Deny' }).click();
    await assert.rejects(partner.arrived(page, fourth), (error) => error.error === 'access_denied');
    await partner.arrived(page, await partner.ask(page, { scope: `openid ${read}` }));
    assert.deepEqual(errors, []);
  } finally {
    partner.close();
  }
});
