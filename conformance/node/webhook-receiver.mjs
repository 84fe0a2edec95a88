// Takes events. WEBHOOK_SECRETS: the endpoint's secret; two, with a comma, while it is replaced.

import { createServer } from 'node:http';
import { WorkOS } from '@workos-inc/node';

const { webhooks } = new WorkOS('sk_not_needed_to_verify');
const secrets = process.env.WEBHOOK_SECRETS.split(',');
const dealtWith = new Set(); // In your database: an event may come more than once.

async function verified(payload, sigHeader) {
  let why;
  for (const secret of secrets) {
    try {
      return await webhooks.constructEvent({ payload, sigHeader, secret });
    } catch (error) {
      why = error.message; // Perhaps the other one.
    }
  }
  console.error(`refused: ${why}`);
  return null;
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  // The body as it came: what was parsed and written again need not be the same bytes.
  const event = await verified(Buffer.concat(chunks).toString(), request.headers['workos-signature'] ?? '');
  if (!event) return response.writeHead(400).end();
  if (!dealtWith.has(event.id)) {
    dealtWith.add(event.id);
    console.log(`${event.event} ${event.data.id}`);
  }
  response.writeHead(204).end();
}).listen(Number(process.env.PORT));
