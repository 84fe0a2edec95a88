// The official MCP client, unmodified, connects to an MCP server (examples/mcp-server): it learns from the server's 401 where
// tokens come from, registers itself or comes with its metadata document, and a person signs in and agrees in a browser.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { freshPage, launch, person, signIn } from './browser.mjs';
import { freePort, serving } from './child.mjs';
import { baseUrl, manage } from './server.mjs';

// Where this client's own metadata document is; its codes go to 127.0.0.1, whatever the port.
const documentUrl = process.env.MCP_CLIENT_METADATA_URL;
const documentName = process.env.MCP_CLIENT_NAME;

let browser;
let program;
let server;
let callback;
const arrived = [];

before(async () => {
  browser = await launch();
  const port = await freePort();
  server = `http://localhost:${port}/mcp`;
  await manage('POST', '/user_management/authkit_oauth_resources', { uri: server, default: false }, 201);
  const example = new URL('../../examples/mcp-server/', import.meta.url).pathname;
  program = await serving(port, 'node', ['server.mjs'], { cwd: example, env: { ISSUER: baseUrl } });
  callback = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
    // Browsers also ask for an icon.
    if (pathname === '/callback') arrived.push(searchParams);
    response.end('You can go back to the program.');
  }).listen(0, '127.0.0.1');
  await once(callback, 'listening');
});
after(async () => {
  callback?.close();
  await program?.stop();
  await browser?.close();
});

/** What the SDK asks of a program: to remember, and to open a browser. */
class Program {
  constructor(name, clientMetadataUrl) {
    this.name = name;
    this.clientMetadataUrl = clientMetadataUrl;
  }
  get redirectUrl() {
    return `http://127.0.0.1:${callback.address().port}/callback`;
  }
  get clientMetadata() {
    return {
      client_name: this.name,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    };
  }
  state() {
    return 's-1';
  }
  clientInformation() {
    return this.client;
  }
  saveClientInformation(client) {
    this.client = client;
  }
  tokens() {
    return this.kept;
  }
  saveTokens(tokens) {
    this.kept = tokens;
  }
  codeVerifier() {
    return this.verifier;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  invalidateCredentials(what) {
    if (what === 'tokens' || what === 'all') this.kept = undefined;
    if (what === 'client' || what === 'all') this.client = undefined;
  }
  redirectToAuthorization(url) {
    this.opened = url;
  }
}

const connect = async (authProvider) => {
  const client = new Client({ name: 'conformance', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    return { transport };
  }
  return { client, transport };
};

/** Goes through everything; gives what the server says of the caller, and the text of the consent page. */
async function journey(authProvider) {
  const { transport, client: connected } = await connect(authProvider);
  assert.equal(connected, undefined, 'nobody has signed in yet');
  const user = await person();
  const { page, errors } = await freshPage(browser);
  await page.goto(String(authProvider.opened));
  await signIn(page, user.email);
  await page.getByRole('button', { name: 'Allow' }).waitFor();
  const asked = await page.locator('main').innerText();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('You can go back to the program.').waitFor();
  assert.deepEqual(errors, []);
  const answer = arrived.pop();
  assert.equal(answer.get('state'), 's-1');
  assert.equal(answer.get('iss'), baseUrl);
  await transport.finishAuth(answer.get('code'));
  const { client } = await connect(authProvider);
  const said = await client.callTool({ name: 'whoami' });
  await client.close();
  const caller = JSON.parse(said.content[0].text);
  assert.equal(caller.sub, user.id);
  assert.equal(caller.client_id, authProvider.client.client_id);
  return { asked, caller, user };
}

describe('the MCP client', () => {
  test('registers itself', async () => {
    const authProvider = new Program('A program that registers itself');
    const { asked, caller } = await journey(authProvider);
    assert.match(caller.client_id, /^client_[0-9A-Z]{26}$/);
    for (const words of ['A program that registers itself asks for access', 'nobody here has verified it', server, 'any program here could have asked']) {
      assert.ok(asked.includes(words), `${words}: ${asked}`);
    }
    const made = await manage('GET', `/connect/applications/${caller.client_id}`, undefined, 200);
    assert.equal(made.was_dynamically_registered, true);
  });

  test('comes with its metadata document', async () => {
    const authProvider = new Program('Not what the document says', documentUrl);
    const { asked, caller } = await journey(authProvider);
    assert.equal(caller.client_id, documentUrl);
    for (const words of [`${documentName} asks for access`, new URL(documentUrl).host, server]) {
      assert.ok(asked.includes(words), `${words}: ${asked}`);
    }
    assert.ok(!asked.includes('Not what the document says'));
  });

  test('goes on with a refresh token, until the person takes it back', async () => {
    const authProvider = new Program('A program that stays');
    const { user, caller } = await journey(authProvider);
    assert.ok(authProvider.kept.refresh_token, 'the SDK asks for what the server says');
    const before = authProvider.kept.access_token;
    authProvider.kept = { ...authProvider.kept, access_token: 'spoilt' };
    const { client } = await connect(authProvider);
    await client.callTool({ name: 'whoami' });
    await client.close();
    assert.notEqual(authProvider.kept.access_token, before);
    const grant = `/user_management/users/${user.id}/authorized_applications/${caller.client_id}`;
    await manage('DELETE', grant, undefined, 204);
    authProvider.kept = { ...authProvider.kept, access_token: 'spoilt' };
    authProvider.opened = undefined;
    const { client: again } = await connect(authProvider);
    assert.equal(again, undefined);
    assert.ok(authProvider.opened, 'the person is asked anew');
  });

  test('a token for another API is refused by the server', async () => {
    const answer = await fetch(server, { method: 'POST', headers: { Authorization: 'Bearer nonsense' } });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate'), /resource_metadata="[^"]+oauth-protected-resource\/mcp"/);
  });
});
