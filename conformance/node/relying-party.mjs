// An application that people sign in to, as openid-client makes one: it sends browsers out and takes them back.

import { createServer } from 'node:http';
import * as oauth from 'openid-client';
import { application, baseUrl } from './server.mjs';

/** What openid-client knows about the server when it was told nothing but the issuer. */
export function discover(clientId, authentication) {
  // A server on this machine speaks plain HTTP, which the library takes only when told.
  const execute = baseUrl.startsWith('http:') ? [oauth.allowInsecureRequests] : [];
  return oauth.discovery(new URL(baseUrl), clientId, undefined, authentication, { execute });
}

export const listen = (server) => new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server.address().port)));

/** Registers an application and serves what browsers come back to; `close` ends that. */
export async function relyingParty(name, more = {}) {
  const server = createServer((_, response) => response.end(`<!doctype html><title>back</title><h1>${name}</h1>`));
  const home = `http://localhost:${await listen(server)}/`;
  const redirect_uri = `${home}callback`;
  const made = await application({ name, redirect_uris: [redirect_uri, home], ...more });
  const authentication = made.secret ? oauth.ClientSecretBasic(made.secret) : oauth.None();
  const config = await discover(made.client_id, authentication);

  /** Sends a browser to the server, and gives what is to be checked when it comes back. */
  async function ask(page, parameters = {}) {
    const verifier = oauth.randomPKCECodeVerifier();
    const checks = { pkceCodeVerifier: verifier, expectedState: oauth.randomState(), expectedNonce: oauth.randomNonce() };
    const url = oauth.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: 'openid profile email offline_access',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      ...parameters,
    });
    await page.goto(url.href);
    return checks;
  }

  /** The tokens of a browser that has come back with a code. */
  async function arrived(page, checks) {
    await page.waitForURL(`${redirect_uri}*`);
    return oauth.authorizationCodeGrant(config, new URL(page.url()), checks);
  }

  const close = () => server.close();
  return { ...made, config, home, redirect_uri, ask, arrived, close };
}
