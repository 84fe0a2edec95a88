// Keys of the management API, and what tokens are signed with.
import { strict as assert } from "node:assert";
import { within } from "./world.js";

const signer = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;

async function published(world) {
  const { keys } = (await world.call(`${world.base}/oauth2/jwks`)).json();
  return keys.map(({ kid }) => kid);
}

export const tasks = {
  "an API key is made, copied, pasted into the command that stands there, and revoked": async (world) => {
    const { owner } = world;
    await owner.section("API keys");
    await owner.type("Name", "nightly job");
    await owner.press("New API key");
    const key = await owner.copies("Copy API key");
    const command = (await owner.copies("Copy the command")).replace("YOUR_API_KEY", key);
    assert.ok(Array.isArray(JSON.parse(await world.shell(command.replace("curl", "curl -sf"))).data));
    await owner.section("API keys");
    await owner.readsNothingOf(key);
    const row = owner.row("nightly job");
    await owner.insists("Revoke", "Programs that use it are refused at once, on every node.", "Revoke this key", row);
    await owner.reads("It no longer works");
    const headers = { authorization: `Bearer ${key}` };
    assert.equal((await world.call(`${world.base}/organizations`, { headers })).status, 401);
    assert.equal(await row.count(), 0);
  },

  "signing keys are rotated: the next are published first; at once, they sign": async (world) => {
    const { owner } = world;
    const machine = await world.machine("Signed");
    const old = signer((await world.token(machine.client_id, machine.secret)).access_token);
    const before = await published(world);
    await owner.section("Signing keys");
    await owner.press("Rotate the keys");
    await owner.reads("The next keys are published.");
    const after = await published(world);
    assert.ok(after.length > before.length && before.every((kid) => after.includes(kid)));
    assert.equal(signer((await world.token(machine.client_id, machine.secret)).access_token), old, "the old key signs still");
    await owner.choose("At once");
    await owner.press("Rotate the keys");
    await owner.reads("New keys sign from now on.");
    const { access_token } = await world.token(machine.client_id, machine.secret);
    assert.notEqual(signer(access_token), old);
    assert.ok((await published(world)).includes(signer(access_token)));
    assert.ok((await published(world)).includes(old), "tokens from before can be verified");
    await owner.reads(signer(access_token));
  },

  "a key that has leaked is burnt: what it signed is void within a second": async (world) => {
    const { owner } = world;
    const machine = await world.machine("Burnt");
    const { access_token } = await world.token(machine.client_id, machine.secret);
    assert.ok(await world.isActive(access_token));
    const kid = signer(access_token);
    await owner.section("Signing keys");
    await owner.insists("Burn", "Only for a key that has leaked.", "Revoke this key", owner.row(kid));
    await world.dies(access_token, "what the key signed");
    await owner.reads("The key was removed");
    assert.ok(!(await published(world)).includes(kid));
    const next = await world.token(machine.client_id, machine.secret);
    await within(1_000, "a new token is good", () => world.isActive(next.access_token));
  },
};
