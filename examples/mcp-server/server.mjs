// An MCP server whose clients get their tokens from Countersign: it says where they come from, refuses requests without a good
// one, and has a tool that tells who is calling.
//
//   ISSUER=http://localhost:8080 PORT=3000 npm start

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const issuer = process.env.ISSUER ?? 'http://localhost:8080';
const port = Number(process.env.PORT ?? 3000);
const origin = process.env.ORIGIN ?? `http://localhost:${port}`;
// What tokens have to be for: listed in the environment, byte for byte.
const resource = `${origin}/mcp`;
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`));

async function verifyAccessToken(token) {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: resource });
    const { sub, client_id, org_id, scope = '', exp } = payload;
    return { token, clientId: client_id, scopes: scope.split(' '), expiresAt: exp, extra: { sub, org_id } };
  } catch (error) {
    throw new InvalidTokenError(error.message);
  }
}

function server() {
  const server = new McpServer({ name: 'who-is-calling', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Tells who is calling' }, ({ authInfo }) => {
    const caller = { client_id: authInfo.clientId, ...authInfo.extra };
    return { content: [{ type: 'text', text: JSON.stringify(caller) }] };
  });
  return server;
}

const app = express();
const metadata = '/.well-known/oauth-protected-resource/mcp';
// RFC 9728: clients come here from the 401, and ask for these scopes.
const scopes_supported = ['openid', 'profile', 'offline_access'];
app.get(metadata, (request, response) => {
  response.set('Access-Control-Allow-Origin', '*').json({ resource, authorization_servers: [issuer], scopes_supported });
});
const authenticated = requireBearerAuth({ verifier: { verifyAccessToken }, resourceMetadataUrl: `${origin}${metadata}` });
app.post('/mcp', authenticated, express.json(), async (request, response) => {
  // Nothing is remembered from one request to the next.
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => transport.close());
  await server().connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.all('/mcp', authenticated, (request, response) => response.status(405).set('Allow', 'POST').end());
app.listen(port, () => console.log(`${resource} takes tokens of ${issuer}`));
