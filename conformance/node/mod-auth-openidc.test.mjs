// Apache's mod_auth_openidc, as Debian packages it: a page that only people who have signed in may read.

import assert from 'node:assert/strict';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { application, baseUrl } from './server.mjs';
import { freshPage, launch, person, signIn } from './browser.mjs';
import { freePort, serving } from './child.mjs';

let browser;
let apache;
let home;
let folder;
before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}/`;
  const redirect_uris = [`${home}protected/callback`, home];
  const { client_id, secret } = await application({ name: 'Apache', redirect_uris });
  folder = await mkdtemp(join(tmpdir(), 'countersign-apache-'));
  await chmod(folder, 0o755);
  // A copy: whom it serves as may not read this one.
  await cp('../apache/site', join(folder, 'site'), { recursive: true });
  const env = { ISSUER: baseUrl, CLIENT_ID: client_id, CLIENT_SECRET: secret, RUN: folder };
  const args = ['-DFOREGROUND', '-d', folder, '-f', resolve('../apache/httpd.conf')];
  apache = await serving(port, '/usr/sbin/apache2', args, { env });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await apache?.stop();
  if (folder) await rm(folder, { recursive: true });
});

test('a protected page shows the claims after sign-in; sign-out leads back and protects it again', async () => {
  const user = await person('Zoë', 'Müller');
  const { page, errors } = await freshPage(browser);
  await page.goto(home);
  await page.getByRole('heading', { name: 'Everybody may read this' }).waitFor();
  await page.goto(`${home}protected/`);
  await signIn(page, user.email);
  await page.getByRole('heading', { name: 'Hello, Zoë' }).waitFor();
  assert.equal(page.url(), `${home}protected/`, 'where they wanted to go');
  const shown = async (id) => page.locator(`#${id}`).innerText();
  assert.deepEqual([await shown('user'), await shown('sub'), await shown('name')], [user.email, user.id, 'Zoë Müller']);

  assert.equal((await page.goto(`${home}protected/proven/`)).status(), 200, 'the claim is there');
  assert.equal((await page.goto(`${home}protected/nobody/`)).status(), 401, 'and has not that value');

  await page.goto(`${home}protected/callback?logout=${encodeURIComponent(home)}`);
  await page.getByRole('heading', { name: 'Everybody may read this' }).waitFor();
  assert.equal(page.url(), home);
  await page.goto(`${home}protected/`);
  await signIn(page, user.email);
  await page.getByRole('heading', { name: 'Hello, Zoë' }).waitFor();
  assert.deepEqual(errors, []);
});
