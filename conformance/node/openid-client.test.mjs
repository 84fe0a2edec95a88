// A certified OAuth client that takes nothing but the issuer: it reads the discovery document and refuses every answer
// that departs from the standards.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as oauth from 'openid-client';
import { assertDead, baseUrl, machine } from './server.mjs';

describe('openid-client', () => {
  let owner;

  before(async () => {
    owner = await machine();
  });

  // A server on this machine speaks plain HTTP, which the library takes only when told.
  const discover = (authentication, algorithm = 'oidc', secret = owner.secret.secret) =>
    oauth.discovery(new URL(baseUrl), owner.clientId, undefined, authentication(secret), {
      execute: baseUrl.startsWith('http:') ? [oauth.allowInsecureRequests] : [],
      algorithm,
    });

  test('finds the same server by both discovery documents', async () => {
    for (const algorithm of ['oidc', 'oauth2']) {
      const metadata = (await discover(oauth.ClientSecretBasic, algorithm)).serverMetadata();
      assert.equal(metadata.issuer, baseUrl);
      assert.equal(metadata.token_endpoint, `${baseUrl}/oauth2/token`);
      assert.equal(metadata.introspection_endpoint, `${baseUrl}/oauth2/introspection`);
      assert.equal(metadata.revocation_endpoint, `${baseUrl}/oauth2/revoke`);
    }
  });

  for (const [name, authentication] of [
    ['client_secret_basic', oauth.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost],
  ]) {
    test(`${name}: token, introspection, revocation`, async () => {
      const config = await discover(authentication);
      const granted = await oauth.clientCredentialsGrant(config);
      assert.equal(granted.token_type, 'bearer');
      assert.equal(granted.scope, owner.scope);
      assert.ok(granted.expires_in > 0);

      const seen = await oauth.tokenIntrospection(config, granted.access_token);
      assert.equal(seen.active, true);
      assert.equal(seen.client_id, owner.clientId);
      assert.equal(seen.iss, baseUrl);
      assert.equal(seen.org_id, owner.organization.id);

      await oauth.tokenRevocation(config, granted.access_token);
      await assertDead(() => oauth.tokenIntrospection(config, granted.access_token));
      await oauth.tokenRevocation(config, granted.access_token);
      await oauth.tokenRevocation(config, 'not a token');
      assert.deepEqual(await oauth.tokenIntrospection(config, 'not a token'), { active: false });
    });

    test(`${name}: a wrong secret is refused as the standard says`, async () => {
      const config = await discover(authentication, 'oidc', 'wrong');
      await assert.rejects(oauth.clientCredentialsGrant(config), (error) => {
        // With a challenge in the answer, the library reports the challenge.
        assert.ok(error instanceof oauth.WWWAuthenticateChallengeError || error instanceof oauth.ResponseBodyError);
        assert.equal(error.status, 401);
        return true;
      });
    });
  }

  test('a scope narrows, and an unknown one is refused', async () => {
    const config = await discover(oauth.ClientSecretBasic);
    const granted = await oauth.clientCredentialsGrant(config, { scope: owner.scope });
    assert.equal(granted.scope, owner.scope);
    await assert.rejects(oauth.clientCredentialsGrant(config, { scope: 'unheard-of' }), (error) => {
      assert.ok(error instanceof oauth.ResponseBodyError);
      assert.equal(error.error, 'invalid_scope');
      return true;
    });
  });
});
