// oidc-provider, set up for the flows that are measured: codes with PKCE for a client of one's own, nobody is asked for
// consent but with prompt=consent, everything in memory, and every password is right without being hashed. Writes
// "address=…" when it listens.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const key = (alg, type, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig' });
const client = (alg) => ({
  client_id: alg.toLowerCase(),
  client_secret: 'a-client-secret-of-more-than-thirty-two-characters',
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: ['https://app.example.com/callback'],
  grant_types: ['authorization_code'],
  id_token_signed_response_alg: alg,
});

const server = createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client('RS256'), client('EdDSA')],
    jwks: { keys: [key('RS256', 'rsa', { modulusLength: 2048 }), key('EdDSA', 'ed25519')] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'EdDSA'] },
    cookies: { keys: ['a key that signs cookies, long enough'] },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86_400, IdToken: 3600, Interaction: 3600, Session: 86_400 },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    // As its documentation says for clients of one's own.
    async loadExistingGrant({ oidc: { client, params, provider, result, session } }) {
      const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
      if (grantId) return provider.Grant.find(grantId);
      if (params.prompt) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    if (request.method === 'GET') {
      const { prompt } = await provider.interactionDetails(request, response);
      const fields = prompt.name === 'login' ? '<input name="email"><input name="password" type="password">' : '<button>Allow</button>';
      response.setHeader('content-type', 'text/html');
      return response.end(`<!doctype html><form method="post" action="${request.url}">${fields}</form>`);
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const email = new URLSearchParams(body).get('email');
    if (!email) {
      const { params, session } = await provider.interactionDetails(request, response);
      const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      const consent = { grantId: await grant.save() };
      return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    }
    const login = { accountId: email };
    return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  });
  process.stderr.write(`address=127.0.0.1:${port}\n`);
});
// It goes away with whoever holds its standard input.
process.stdin.on('end', () => process.exit()).resume();
