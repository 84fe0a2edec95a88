// A command line program that signs a person in without a browser of its own, with the device functions of openid-client.

import * as oauth from 'openid-client';

const { ISSUER, CLIENT_ID } = process.env;
const config = await oauth.discovery(new URL(ISSUER), CLIENT_ID, undefined, oauth.None(), {
  // A server on this machine speaks plain http, which the library takes only when told.
  execute: ISSUER.startsWith('http:') ? [oauth.allowInsecureRequests] : [],
});

const device = await oauth.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' });
console.log(`Open ${device.verification_uri} and enter ${device.user_code}`);
try {
  const tokens = await oauth.pollDeviceAuthorizationGrant(config, device);
  const person = await oauth.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  const refreshed = await oauth.refreshTokenGrant(config, tokens.refresh_token);
  console.log(`Signed in as ${person.email}, and again without a person: ${refreshed.scope}`);
} catch (error) {
  console.log(`Not signed in: ${error.error}`);
  process.exitCode = 1;
}
