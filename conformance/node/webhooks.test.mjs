// Webhooks: the SDK's verifiers, the one of Standard Webhooks, and a receiver that is a program of its own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as newest from '@workos-inc/node';
import { Webhook } from 'standardwebhooks';
import * as eighth from 'workos-node-8';
import { freePort, serving } from './child.mjs';
import { apiKey, baseUrl, manage, unique } from './server.mjs';

const { hostname, port, protocol } = new URL(baseUrl);
const options = { apiHostname: hostname, port: Number(port), https: protocol === 'https:' };
const workos = new newest.WorkOS(apiKey, options);

/** What has arrived at this script. */
const arrived = [];
let server;
let home;

before(async () => {
  server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    arrived.push({ path: request.url, headers: request.headers, payload: Buffer.concat(chunks).toString() });
    response.writeHead(200).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  home = `http://localhost:${server.address().port}`;
});

after(() => server.close());

/** The first request to a path whose payload has this text. */
async function arrival(path, text) {
  for (let began = Date.now(); Date.now() - began < 20_000; await pause(20)) {
    const found = arrived.find((request) => request.path === path && request.payload.includes(text));
    if (found) return found;
  }
  throw new Error(`nothing arrived at ${path}`);
}

describe('webhooks', () => {
  test('the SDK makes, lists, changes and deletes endpoints', async () => {
    const url = `https://example.com/${unique('hook')}`;
    const made = await workos.webhooks.createWebhookEndpoint({ endpointUrl: url, events: ['user.created', 'dsync.user.created'] });
    assert.equal(made.object, 'webhook_endpoint');
    assert.equal(made.status, 'enabled');
    assert.match(made.secret, /^whsec_/);
    const listed = [];
    for await (const endpoint of await (await workos.webhooks.listWebhookEndpoints()).autoPagination()) listed.push(endpoint);
    assert.ok(listed.some(({ id, secret }) => id === made.id && secret === made.secret));
    const changed = await workos.webhooks.updateWebhookEndpoint({ id: made.id, status: 'disabled', events: ['user.deleted'] });
    assert.deepEqual([changed.status, changed.events, changed.endpointUrl], ['disabled', ['user.deleted'], url]);
    const again = { endpointUrl: url, events: ['user.created'] };
    await assert.rejects(workos.webhooks.createWebhookEndpoint(again), { name: 'ConflictException', status: 409 });
    const unknown = { endpointUrl: `${url}/2`, events: ['user.renamed'] };
    await assert.rejects(workos.webhooks.createWebhookEndpoint(unknown), { name: 'UnprocessableEntityException', status: 422 });
    await workos.webhooks.deleteWebhookEndpoint({ id: made.id });
    await assert.rejects(workos.webhooks.deleteWebhookEndpoint({ id: made.id }), { name: 'NotFoundException', status: 404 });
  });

  test('unmodified verifiers accept what arrives, and nothing else', async () => {
    const made = await workos.webhooks.createWebhookEndpoint({ endpointUrl: `${home}/verified`, events: ['organization.created'] });
    const name = unique('Žluťoučký kůň / "quoted" \\ ☃');
    const organization = await workos.organizations.createOrganization({ name, metadata: { z: '1', a: 'é' } });
    const { payload, headers } = await arrival('/verified', organization.id);
    const sigHeader = headers['workos-signature'];
    assert.match(sigHeader, /^t=\d{13}, v1=[0-9a-f]{64}$/);
    for (const sdk of [newest, eighth]) {
      const { webhooks } = new sdk.WorkOS('sk_not_needed');
      // As it came; and parsed, which the SDK writes again: all that version 8 can do.
      const parsed = JSON.parse(payload);
      for (const given of sdk === newest ? [payload, Buffer.from(payload), parsed] : [parsed]) {
        const event = await webhooks.constructEvent({ payload: given, sigHeader, secret: made.secret });
        assert.deepEqual([event.event, event.data.id, event.data.name], ['organization.created', organization.id, name]);
      }
      const wrong = [
        { payload: { ...parsed, id: 'event_other' }, sigHeader, secret: made.secret },
        { payload: parsed, sigHeader, secret: `${made.secret}x` },
        { payload: parsed, sigHeader: sigHeader.replace(/t=\d+/, `t=${Date.now() + 5}`), secret: made.secret },
      ];
      for (const bad of wrong) await assert.rejects(webhooks.constructEvent(bad), { name: 'SignatureVerificationException' });
    }
    const standard = new Webhook(made.secret);
    assert.equal(standard.verify(payload, headers).id, JSON.parse(payload).id);
    assert.equal(headers['webhook-id'], JSON.parse(payload).id);
    assert.throws(() => standard.verify(`${payload} `, headers));
    await workos.webhooks.deleteWebhookEndpoint({ id: made.id });
  });

  test('while a secret is replaced, receivers with either can verify', async () => {
    const made = await workos.webhooks.createWebhookEndpoint({ endpointUrl: `${home}/rotating`, events: ['organization.created'] });
    const path = `/webhook_endpoints/${made.id}`;
    const { next_secret: next } = await manage('POST', `${path}/rotate_secret`, {}, 200);
    const check = async (workosSecret) => {
      const { id } = await workos.organizations.createOrganization({ name: unique('Rotating') });
      const { payload, headers } = await arrival('/rotating', id);
      for (const secret of [made.secret, next]) assert.ok(new Webhook(secret).verify(payload, headers));
      const sigHeader = headers['workos-signature'];
      assert.ok(await workos.webhooks.constructEvent({ payload, sigHeader, secret: workosSecret }));
    };
    await check(made.secret);
    await manage('POST', `${path}/complete_rotation`, {}, 200);
    await check(next);
    await workos.webhooks.deleteWebhookEndpoint({ id: made.id });
  });

  test('a receiver takes events, and refuses those of others', async () => {
    const PORT = await freePort();
    const made = await workos.webhooks.createWebhookEndpoint({
      endpointUrl: `http://localhost:${PORT}/webhooks`,
      events: ['organization.created'],
    });
    const env = { WEBHOOK_SECRETS: `whsec_another,${made.secret}` };
    const receiver = await serving(PORT, process.execPath, ['webhook-receiver.mjs'], { env });
    try {
      const says = async (text) => {
        for (let began = Date.now(); !receiver.said.includes(text); await pause(20)) {
          assert.ok(Date.now() - began < 20_000, receiver.said);
        }
      };
      const { id } = await workos.organizations.createOrganization({ name: unique('Received') });
      await says(`organization.created ${id}`);
      // An event that the SDK does not know.
      const tested = await manage('POST', `/webhook_endpoints/${made.id}/test`, {}, 200);
      assert.equal(tested.response?.status, 204, JSON.stringify(tested));
      await says(`webhook_endpoint.tested ${made.id}`);
      const forged = await fetch(`http://localhost:${PORT}/webhooks`, { method: 'POST', body: '{"id":"event_1"}' });
      assert.equal(forged.status, 400);
      await says('refused: ');
    } finally {
      await receiver.stop();
      await workos.webhooks.deleteWebhookEndpoint({ id: made.id });
    }
  });
});
