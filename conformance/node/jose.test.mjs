// What an API does with an access token: jose fetches the keys by itself and checks signature, issuer and audience.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { baseUrl, clientId, machine, token } from './server.mjs';

describe('jose', () => {
  const expected = { issuer: baseUrl, audience: clientId };
  let owner;
  let accessToken;

  before(async () => {
    owner = await machine();
    accessToken = await token(owner);
  });

  for (const path of ['/oauth2/jwks', `/sso/jwks/${clientId}`]) {
    test(`verifies with ${path}`, async () => {
      const keys = createRemoteJWKSet(new URL(path, baseUrl));
      const { payload, protectedHeader } = await jwtVerify(accessToken, keys, {
        ...expected,
        subject: owner.clientId,
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'jti'],
      });
      assert.equal(protectedHeader.alg, 'RS256');
      assert.equal(payload.org_id, owner.organization.id);
      assert.equal(payload.client_id, owner.clientId);
      assert.equal(payload.scope, owner.scope);
      const again = await jwtVerify(await token(owner), keys, expected);
      assert.notEqual(again.payload.jti, payload.jti);
    });
  }

  test('discovery names the same keys', async () => {
    const response = await fetch(new URL('/.well-known/openid-configuration', baseUrl));
    const { issuer, jwks_uri } = await response.json();
    assert.equal(issuer, baseUrl);
    await jwtVerify(accessToken, createRemoteJWKSet(new URL(jwks_uri)), expected);
  });

  test('the published keys say what they are', async () => {
    const { keys } = await (await fetch(new URL('/oauth2/jwks', baseUrl))).json();
    const used = keys.find(({ kid }) => kid === decodeProtectedHeader(accessToken).kid);
    assert.equal(used.use, 'sig');
    assert.equal(used.alg, 'RS256');
    assert.ok(Array.isArray(used.x5c));
    for (const key of keys) for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(secret in key));
  });

  test('rejects another audience, another issuer and an altered token', async () => {
    const keys = createRemoteJWKSet(new URL('/oauth2/jwks', baseUrl));
    const claim = (name) => (error) => error instanceof errors.JWTClaimValidationFailed && error.claim === name;
    await assert.rejects(jwtVerify(accessToken, keys, { ...expected, audience: 'client_another' }), claim('aud'));
    await assert.rejects(jwtVerify(accessToken, keys, { ...expected, issuer: `${baseUrl}/` }), claim('iss'));
    const [header, payload, signature] = accessToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url'));
    const altered = Buffer.from(JSON.stringify({ ...claims, org_id: 'org_another' })).toString('base64url');
    const forged = jwtVerify(`${header}.${altered}.${signature}`, keys, expected);
    await assert.rejects(forged, errors.JWSSignatureVerificationFailed);
  });
});
