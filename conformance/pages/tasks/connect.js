// Connect, redirects and origins, without any script.
import { strict as assert } from "node:assert";
import { within } from "./world.js";

const DOCUMENT = "https://client.example/oauth/metadata.json";

// A developer whose browser runs no scripts, and who is signed in from before.
async function scriptless(world) {
  world.developer ??= await (await world.staff("Developer")).context.storageState();
  const person = await world.visitor({ javaScriptEnabled: false, storageState: world.developer });
  await person.open(world.at(""));
  return person;
}

export const tasks = {
  "without scripts: resources are added, one is the default, and the code to paste names it": async (world) => {
    const person = await scriptless(world);
    await person.section("Connect");
    const resources = person.part("Resources");
    for (const uri of ["https://mcp.example.com/mcp", "https://api.example.com/"]) {
      await person.type("Add a resource", uri);
      await person.press("Add", resources);
    }
    await person.press("Make default: https://api.example.com/");
    await person.reads("Default", person.row("https://api.example.com/"));
    await person.reads(/"resource": "https:\/\/api.example.com\/"/);
    assert.equal(await person.page.getByRole("button", { name: /^Copy/ }).count(), 0, "no button that does nothing");
    await person.type("Add a resource", "not a uri");
    await person.press("Add", resources);
    await person.page.getByRole("alert").waitFor();
    assert.equal(await person.field("Add a resource").inputValue(), "not a uri");
    // A token is for the resource from now on, where a client asks for it.
    const client = await world.partner("MCP client");
    const customer = await world.organization("Resourceful");
    await world.user("resource@example.com", customer.id);
    const visitor = await world.visitor();
    const { url, verifier } = world.authorize(client.client_id, { resource: "https://mcp.example.com/mcp" });
    await visitor.open(url);
    await visitor.signsIn("resource@example.com");
    await visitor.press("Allow");
    await visitor.heading("Back at the application");
    const { access_token } = await world.redeem(client.client_id, world.receiver.takeCode(), verifier);
    assert.equal(JSON.parse(Buffer.from(access_token.split(".")[1], "base64url")).aud, "https://mcp.example.com/mcp");
    for (const uri of ["https://mcp.example.com/mcp", "https://api.example.com/"]) {
      await person.insists("Delete", "No more tokens are issued for it.", "Delete this resource", person.row(uri));
    }
    await person.reads("No resources: access tokens are for your product as a whole.");
  },

  "without scripts: clients may register themselves while it is switched on": async (world) => {
    const person = await scriptless(world);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ client_name: "Editor", redirect_uris: ["http://127.0.0.1/cb"], token_endpoint_auth_method: "none" });
    const register = async () => (await world.call(`${world.base}/oauth2/register`, { method: "POST", headers, body })).status;
    assert.ok((await register()) >= 400);
    await person.section("Connect");
    const clients = person.part("Clients that introduce themselves");
    await person.tick("Clients may register themselves");
    await person.press("Save", clients);
    await person.reads("Saved.");
    assert.equal(await register(), 201);
    await person.section("Applications");
    await person.follow("Registered by themselves");
    await person.reads("Editor");
    await person.section("Connect");
    await person.tick("Clients may register themselves", false);
    await person.press("Save", clients);
    assert.ok((await register()) >= 400);
  },

  "without scripts: a client's document that waits is allowed, then refused": async (world) => {
    const person = await scriptless(world);
    const discovery = async () => (await world.call(`${world.base}/.well-known/oauth-authorization-server`)).json().client_id_metadata_document_supported;
    await person.section("Connect");
    assert.equal(await discovery(), undefined);
    await person.choose("Ask");
    await person.press("Save", person.part("Clients that introduce themselves"));
    assert.equal(await discovery(), true);
    const visitor = await world.visitor();
    await visitor.open(world.authorize(DOCUMENT, { redirect_uri: "http://127.0.0.1/cb" }).url);
    await person.page.reload();
    const row = person.row(DOCUMENT);
    await row.getByText("Waiting for you").waitFor();
    await person.press(`Allow ${DOCUMENT}`);
    await row.getByText("Allowed", { exact: true }).waitFor();
    await person.insists("Refuse", "The access that users gave it ends at once", "Refuse this client", row);
    await row.getByText("Refused", { exact: true }).waitFor();
    await person.choose("Off");
    await person.press("Save", person.part("Clients that introduce themselves"));
    assert.equal(await discovery(), undefined);
  },

  "without scripts: people sign in at the company's own login, as soon as one is set": async (world) => {
    const person = await scriptless(world);
    const client = await world.partner("Own login");
    await person.section("Connect");
    const part = person.part("Sign-in at your own login");
    await person.type("Login URI", `${world.receiver.base}/login`, part);
    await person.press("Save", part);
    await person.reads("Saved.");
    const visitor = await world.visitor();
    await visitor.open(world.authorize(client.client_id).url);
    await visitor.heading("Back at the application");
    const came = world.receiver.came.pop();
    assert.equal(came.pathname, "/login");
    assert.ok(came.searchParams.get("external_auth_id"));
    await person.type("Login URI", "", part);
    await person.press("Save", part);
    await visitor.open(world.authorize(client.client_id).url);
    await visitor.page.getByLabel("Email address").waitFor();
  },

  "without scripts: claims of tokens are previewed, saved, and in the next token": async (world) => {
    const person = await scriptless(world);
    const organization = await world.organization("Claims Office");
    const client = await world.partner("Claims");
    await world.user("claims@example.com", organization.id);
    await person.section("Connect");
    await person.follow("Edit the template");
    await person.type("Template", '{"mail": {{ user.email }');
    await person.press("Preview");
    await person.page.getByRole("alert").waitFor();
    await person.type("Template", '{"https://example.com/mail": {{ user.email }}}');
    await person.type("Show it for", "claims@example.com");
    await person.press("Preview");
    await person.reads(/"https:\/\/example.com\/mail": "claims@example.com"/);
    await person.press("Save");
    await person.reads("Saved.");
    const token = await world.lets(await world.visitor(), client, "claims@example.com");
    assert.equal(JSON.parse(Buffer.from(token.split(".")[1], "base64url"))["https://example.com/mail"], "claims@example.com");
    await person.type("Template", "");
    await person.press("Save");
    await person.reads("Removed. This took effect at once, on every node.");
    await person.reads("No template: tokens have the usual claims only.");
  },

  "without scripts: a redirect URI of our own product is added, is the default, and is deleted": async (world) => {
    const person = await scriptless(world);
    const { client_id } = await world.environment();
    const asked = (redirect_uri) =>
      world.call(`${world.base}/user_management/authorize?${new URLSearchParams({ client_id, redirect_uri, response_type: "code", provider: "authkit" })}`);
    const [one, two] = [`${world.receiver.base}/one`, `${world.receiver.base}/two`];
    await person.section("Redirects");
    const part = person.part("After signing in");
    await person.reads("nobody can sign in to your own product");
    assert.equal((await asked(one)).status, 400);
    for (const uri of [one, two]) {
      await person.type("Add an address", uri, part);
      await person.press("Add", part);
    }
    assert.ok((await asked(one)).status < 400);
    await person.press(`Make default: ${two}`);
    await person.insists("Delete", "A sign-in already in progress ends with an error", "Delete this address", person.row(one));
    assert.equal((await asked(one)).status, 400);
    assert.ok((await asked(two)).status < 400);
    await person.reads("Cannot be removed while it is the default", person.row(two));
  },

  "without scripts: a website may call from the browser while its origin is listed": async (world) => {
    const person = await scriptless(world);
    const origin = "https://app.example.com";
    const allowed = async () => {
      const headers = { origin, "access-control-request-method": "POST" };
      return (await world.call(`${world.base}/user_management/authenticate`, { method: "OPTIONS", headers })).headers["access-control-allow-origin"];
    };
    assert.equal(await allowed(), undefined);
    await person.section("Redirects");
    const part = person.part("Origins of browser pages");
    await person.type("Add an origin", `${origin}/path`);
    await person.press("Add", part);
    await person.page.getByRole("alert").waitFor();
    await person.type("Add an origin", origin);
    await person.press("Add", part);
    await within(1_000, "the origin is allowed", async () => (await allowed()) === origin);
    await person.insists("Delete", "pages of this website cannot read responses", "Delete this origin", person.row(origin));
    await within(1_000, "the origin is not allowed", async () => (await allowed()) === undefined);
  },
};
