// Somebody's own server: it takes webhooks, and people who come back from signing in.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";

export class Receiver {
  static async open() {
    const receiver = Object.assign(new Receiver(), { requests: [], came: [], answers: 200 });
    receiver.server = createServer(async (request, response) => {
      const url = new URL(request.url, "http://localhost");
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      if (request.method === "POST") {
        receiver.requests.push({ path: url.pathname, headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(receiver.answers, { "content-type": "text/plain" }).end("taken");
        return;
      }
      if (url.pathname !== "/favicon.ico") receiver.came.push(url);
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Back</title><h1>Back at the application</h1>");
    });
    await new Promise((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
    receiver.base = `http://localhost:${receiver.server.address().port}`;
    return receiver;
  }

  // The code with which somebody came last.
  takeCode() {
    const code = this.came.pop()?.searchParams.get("code");
    assert.ok(code, "nobody came back with a code");
    return code;
  }

  // The events that one endpoint was sent, in their order.
  events(path) {
    return this.requests.filter((one) => one.path === path).map((one) => JSON.parse(one.body));
  }
}
