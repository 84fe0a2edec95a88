// A page without a back end signs people in with authkit-js, unmodified, in a real browser: as it is deployed, where the
// browser keeps the refresh token out of its reach, and as it is developed, where the page keeps it itself.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { baseUrl, clientId, manage } from './server.mjs';
import { freshPage, launch, person, signIn } from './browser.mjs';

const url = new URL(baseUrl);
const sdk = await readFile(fileURLToPath(import.meta.resolve('@workos-inc/authkit-js')).replace(/\.js$/, '.mjs'));

/** The product: one page, whose script is what a customer writes. */
const product = (devMode) => `<!doctype html><title>product</title><script type="module">
  import { createClient } from '/authkit.mjs';
  window.client = await createClient('${clientId}', {
    apiHostname: '${url.hostname}', port: ${url.port || (url.protocol === 'https:' ? 443 : 80)}, https: ${url.protocol === 'https:'},
    redirectUri: location.origin + '/callback', devMode: ${devMode},
  });
  document.title = client.getUser()?.email ?? 'nobody';
</script>`;

let browser;
const servers = [];

before(async () => { browser = await launch(); });
after(async () => {
  await browser.close();
  servers.forEach((server) => server.close());
});

/** Serves it on the host of the server, from an origin that may call; gives the origin. */
async function serve(devMode) {
  const server = createServer((request, response) => {
    const script = request.url === '/authkit.mjs';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html').end(script ? sdk : product(devMode));
  });
  servers.push(server);
  const port = await new Promise((resolve) => server.listen(0, url.hostname, () => resolve(server.address().port)));
  const origin = `http://${url.hostname}:${port}`;
  await manage('POST', '/user_management/cors_origins', { origin }, 201);
  await manage('POST', '/user_management/redirect_uris', { uri: `${origin}/callback` }, 201);
  await manage('POST', '/user_management/redirect_uris', { uri: `${origin}/bye`, purpose: 'sign_out' }, 201);
  return origin;
}

for (const devMode of [false, true]) {
  test(`authkit-js ${devMode ? 'in development' : 'as it is deployed'}`, async () => {
    const origin = await serve(devMode);
    const user = await person();
    const { context, page, errors } = await freshPage(browser);
    const says = (title) => page.waitForFunction((title) => document.title === title, title);
    const held = async () => (await context.cookies()).filter((cookie) => /refresh/.test(cookie.name));

    await page.goto(origin);
    await says('nobody');
    await page.evaluate(() => client.signIn({ state: { from: 'here' } }));
    await page.waitForURL(`${baseUrl}/**`);
    await signIn(page, user.email);
    await says(user.email);
    assert.equal(new URL(page.url()).search, '', 'the code is gone from the address');

    // Where the refresh token is.
    const readable = await page.evaluate(() => JSON.stringify([localStorage, document.cookie]));
    assert.equal(readable.includes('cs_rt_'), devMode);
    assert.equal(readable.includes('workos-has-session'), !devMode);
    assert.equal((await held()).length, devMode ? 0 : 1);
    assert.ok((await held()).every((cookie) => cookie.httpOnly && cookie.sameSite === 'Lax'));

    // A new page goes on with it, in the same browser and in no other.
    const first = await page.evaluate(() => client.getAccessToken());
    await page.reload();
    await says(user.email);
    assert.notEqual(await page.evaluate(() => client.getAccessToken({ forceRefresh: true })), first);
    const other = await freshPage(browser);
    await other.page.goto(origin);
    await other.page.waitForFunction(() => document.title === 'nobody');
    await other.context.close();

    assert.deepEqual(errors, []);
    // While the page goes away, the library may ask for tokens once more, with nothing to ask with: that is no error of ours.
    await page.evaluate((returnTo) => client.signOut({ returnTo }), `${origin}/bye`);
    await page.waitForURL(`${origin}/bye`);
    await says('nobody');
    assert.deepEqual(await held(), []);
    assert.equal(await page.evaluate(() => document.cookie.includes('workos-has-session')), false);
    await context.close();
  });
}
