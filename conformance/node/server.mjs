// What every script here needs: where the server is, and machine credentials made with plain HTTP, so that a script
// about one library does not depend on another.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

function variable(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

export const baseUrl = variable('COUNTERSIGN_BASE_URL');
export const apiKey = variable('COUNTERSIGN_API_KEY');
export const clientId = variable('COUNTERSIGN_CLIENT_ID');

/** A name that no other test uses, so that the scripts can run again on the same server. */
export function unique(prefix) {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** A management request; the answer must have this status. */
export async function manage(method, path, body, status) {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : null;
}

/** An organization with a machine application that has one scope and one secret. */
export async function machine() {
  const organization = await manage('POST', '/organizations', { name: unique('Machine owner') }, 201);
  const scope = unique('reports:read');
  await manage('POST', '/authorization/permissions', { slug: scope, name: scope }, 201);
  const application = await manage(
    'POST',
    '/connect/applications',
    { name: 'Machine', application_type: 'm2m', organization_id: organization.id, scopes: [scope] },
    201,
  );
  const secret = await manage('POST', `/connect/applications/${application.id}/client_secrets`, {}, 201);
  return { organization, scope, application, clientId: application.client_id, secret };
}

/** An access token, asked for with nothing but fetch. */
export async function token(machine) {
  const response = await fetch(`${baseUrl}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: machine.clientId,
      client_secret: machine.secret.secret,
    }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).access_token;
}

/** An application that people sign in to, with a secret unless it is public: the product's own, or its publisher's. */
export async function application({ name, redirect_uris, ...more }) {
  const uris = redirect_uris.map((uri, index) => ({ uri, default: index === 0 }));
  const made = await manage(
    'POST',
    '/connect/applications',
    { name, application_type: 'oauth', is_first_party: !more.organization_id, redirect_uris: uris, ...more },
    201,
  );
  if (more.uses_pkce) return made;
  const { secret } = await manage('POST', `/connect/applications/${made.id}/client_secrets`, {}, 201);
  return { ...made, secret };
}

/** What introspection says, asked for with nothing but fetch. */
export async function introspected({ client_id, secret }, token) {
  const response = await fetch(`${baseUrl}/oauth2/introspection`, {
    method: 'POST',
    body: new URLSearchParams({ client_id, client_secret: secret, token }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** Fails unless a token is dead within a second, on every node that may answer. */
export async function assertDead(introspect) {
  const began = Date.now();
  for (let dead = 0; dead < 4; ) {
    const seen = await introspect();
    dead = seen.active ? 0 : dead + 1;
    if (dead) assert.deepEqual(seen, { active: false });
    assert.ok(dead || Date.now() - began < 1000, 'a token that was ended is active after a second');
  }
}
