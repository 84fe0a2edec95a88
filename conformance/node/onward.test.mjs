// An application whose callback sends people on to another origin, as many do: browsers hold such redirects against the
// policy of the page whose form began it all.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { baseUrl, manage } from './server.mjs';
import { launch, person, signIn } from './browser.mjs';

const listen = (server) => new Promise((resolve) => server.listen(0, () => resolve(server.address().port)));

describe('going on', () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const javaScriptEnabled of [true, false]) {
    test(`to an application that redirects to another origin, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const inside = createServer((_, response) => response.end('<!doctype html><title>inside</title>'));
      const insidePort = await listen(inside);
      const application = createServer((_, response) => {
        response.writeHead(302, { location: `http://127.0.0.1:${insidePort}/welcome` }).end();
      });
      const redirectUri = `http://localhost:${await listen(application)}/callback`;
      try {
        const publisher = await manage('POST', '/organizations', { name: 'Partner Ltd' }, 201);
        const { client_id } = await manage(
          'POST',
          '/connect/applications',
          {
            name: 'Partner portal', application_type: 'oauth', is_first_party: false, organization_id: publisher.id,
            redirect_uris: [{ uri: redirectUri, default: true }],
          },
          201,
        );
        const user = await person();
        const page = await (await browser.newContext({ javaScriptEnabled })).newPage();
        const refused = [];
        page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
        const query = new URLSearchParams({ client_id, redirect_uri: redirectUri, response_type: 'code', scope: 'openid' });
        await page.goto(`${baseUrl}/oauth2/authorize?${query}`);
        await signIn(page, user.email);
        await page.getByRole('button', { name: 'Allow' }).click();
        await page.waitForURL(`http://127.0.0.1:${insidePort}/welcome`, { timeout: 10_000 });
        assert.equal(await page.title(), 'inside');
        assert.deepEqual(refused.filter((text) => !text.includes('favicon')), []);
      } finally {
        inside.close();
        application.close();
      }
    });
  }
});
