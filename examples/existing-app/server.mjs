// An application that has had a login of its own for years: accounts, passwords, a session cookie. What is new is marked
// "new": its login is where Countersign sends people who come from an OAuth client.
//
//   PORT=3000 ISSUER=http://localhost:8080 API_KEY=sk_… node server.mjs

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { WorkOS } from '@workos-inc/node';

const { PORT = '3000', ISSUER = 'http://localhost:8080', API_KEY } = process.env;

// The accounts, and the workspaces of each by company. A real application has them in its database, with hashes made for
// passwords; this one is an example of something else.
const accounts = [
  {
    id: 'acct_1001', email: 'ada@northwind.example', firstName: 'Ada', lastName: 'Lovelace', password: 'analytical-engine-1843',
    workspaces: { Northwind: { ws_marketing: 'Marketing', ws_research: 'Research' }, Contoso: { ws_sales: 'Sales' } },
  },
  {
    id: 'acct_1002', email: 'grace@northwind.example', firstName: 'Grace', lastName: 'Hopper', password: 'compiler-for-cobol-1952',
    workspaces: { Northwind: { ws_marketing: 'Marketing', ws_research: 'Research' } },
  },
];

const sessions = new Map();

function currentAccount(request) {
  const [, value] = /(?:^|;\s*)app_session=([^;]+)/.exec(request.headers.cookie ?? '') ?? [];
  return sessions.get(value);
}

function checkPassword(email, password) {
  const digest = (text) => createHash('sha256').update(text ?? '').digest();
  const account = accounts.find((account) => account.email === email);
  return account && timingSafeEqual(digest(account.password), digest(password)) ? account : null;
}

// new: the client of Countersign's API.
const url = new URL(ISSUER);
const workos = new WorkOS(API_KEY, {
  apiHostname: url.hostname,
  port: url.port ? Number(url.port) : undefined,
  https: url.protocol === 'https:',
});

const CLAIM = 'urn:northwind:workspace';

// new: says who has signed in, and gives where the browser goes from here.
async function complete(externalAuthId, account) {
  const user = { id: account.id, email: account.email, firstName: account.firstName, lastName: account.lastName };
  const option = { claim: CLAIM, type: 'enum', label: 'Workspace' };
  const choices = (workspaces) => Object.entries(workspaces).map(([value, label]) => ({ value, label }));
  const companies = Object.entries(account.workspaces);
  try {
    if (companies.length === 1) {
      const userConsentOptions = [{ ...option, choices: choices(companies[0][1]) }];
      return (await workos.connect.completeOAuth2({ externalAuthId, user, userConsentOptions })).redirectUri;
    }
    // The SDK's own method leaves groups out, so that this goes as it is on the wire.
    const groups = companies.map(([group, workspaces]) => ({ group, choices: choices(workspaces) }));
    const { data } = await workos.post('/authkit/oauth2/complete', {
      external_auth_id: externalAuthId,
      user: { id: user.id, email: user.email, first_name: user.firstName, last_name: user.lastName },
      user_consent_options: [{ ...option, choices: groups }],
    });
    return data.redirect_uri;
  } catch (error) {
    // A first-party client asks for no consent, so there is no page to choose on.
    if (error.code !== 'user_consent_options_not_supported') throw error;
    return (await workos.connect.completeOAuth2({ externalAuthId, user })).redirectUri;
  }
}

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (title, body) => `<!doctype html><html lang="en"><title>${title} · Northwind</title><h1>${title}</h1>${body}</html>`;

function loginPage(externalAuthId, problem = '') {
  return page('Log in to Northwind', `${problem && `<p role="alert">${problem}</p>`}
<form method="post" action="/login">
<input type="hidden" name="external_auth_id" value="${escape(externalAuthId)}">
<p><label>Email <input name="email" type="email" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<button>Log in</button>
</form>`);
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Referrer-Policy': 'no-referrer', ...headers });
  response.end(body);
}

async function goOn(response, externalAuthId, account, headers = {}) {
  if (!externalAuthId) return send(response, 303, '', { Location: '/', ...headers });
  // new
  try {
    return send(response, 303, '', { Location: await complete(externalAuthId, account), ...headers });
  } catch (error) {
    console.error(`not completed: ${error.status} ${error.code ?? ''} ${error.message}`);
    const late = error.status === 404 || error.code === 'external_auth_session_already_completed';
    const what = late ? 'This took too long, or was done before. Go back to where you came from and try again.' : 'Please try again later.';
    return send(response, late ? 400 : 502, page('That did not work', `<p>${what}</p>`), headers);
  }
}

async function form(request) {
  let body = '';
  for await (const part of request) {
    body += part;
    if (body.length > 10_000) throw new Error('too long');
  }
  return new URLSearchParams(body);
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, `http://localhost:${PORT}`);
  if (pathname === '/login' && request.method === 'GET') {
    const account = currentAccount(request);
    // new: who is signed in already is not asked again.
    const externalAuthId = searchParams.get('external_auth_id') ?? '';
    return account ? goOn(response, externalAuthId, account) : send(response, 200, loginPage(externalAuthId));
  }
  if (pathname === '/login' && request.method === 'POST') {
    const fields = await form(request);
    const account = checkPassword(fields.get('email'), fields.get('password'));
    if (!account) return send(response, 422, loginPage(fields.get('external_auth_id') ?? '', 'Email or password is wrong.'));
    const value = randomBytes(24).toString('base64url');
    sessions.set(value, account);
    const secure = request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
    const cookie = { 'Set-Cookie': `app_session=${value}; Path=/; HttpOnly; SameSite=Lax${secure}` };
    return goOn(response, fields.get('external_auth_id'), account, cookie);
  }
  if (pathname === '/') {
    const account = currentAccount(request);
    return send(response, 200, page(account ? `Hello, ${account.firstName}` : 'Nobody is logged in', '<p><a href="/login">Log in</a></p>'));
  }
  return send(response, 404, page('Not found', ''));
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) send(response, 500, page('Something went wrong', ''));
  });
}).listen(Number(PORT), 'localhost', () => console.log(`listening on http://localhost:${PORT}`));
