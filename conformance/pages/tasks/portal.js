// The page of an organization, as its administrators use it: by a link, and by signing in.
import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { within } from "./world.js";

// What the company allows administrators is declared in a file; a server that runs follows.
async function allowed(world, credentials) {
  await world.permission("reports:read", "Read reports");
  const file = join(world.data, "portal.toml");
  await writeFile(file, `[[environment]]\nname = "default"\nissuer = "${world.base}"\n\n[environment.portal]\ncredentials = "${credentials}"\npermissions = ["reports:read"]\n`);
  await world.run(world.program, ["apply", file, "--data", world.data]);
}

async function link(world, organization, more = {}) {
  return (await world.manage("POST", "/portal/generate_link", { organization, return_url: "https://app.example.com/settings", ...more })).link;
}

export const tasks = {
  "by a link: a revoked secret's token is dead within a second, and the page says when": async (world) => {
    const machine = await world.machine("Warehouse sync");
    const { access_token } = await world.token(machine.client_id, machine.secret);
    const visitor = await world.visitor();
    await visitor.open(await link(world, machine.organization_id, { intent: "api_credentials" }));
    await visitor.heading("Applications and credentials");
    assert.ok(!visitor.page.url().includes("token"), "the link is no longer in the address");
    await visitor.reads("Warehouse sync");
    assert.equal(await visitor.page.getByRole("link", { name: "New application" }).count(), 0, "nothing is made unless the company allows it");
    await visitor.insists("Revoke", "Programs that use it stop working at once, and all tokens issued with it are revoked.", "Revoke this secret", visitor.row(machine.secret.slice(-6)));
    await world.dies(access_token, "the token of the revoked secret");
    const told = await visitor.page.getByRole("status").textContent();
    assert.match(told, /was revoked on .*\d\d:\d\d/);
    assert.equal((await world.token(machine.client_id, machine.secret)).error, "invalid_client");
    await visitor.reads("No secrets: nobody can authenticate as this application.");
    await visitor.press("Leave");
    await visitor.reads("You have left");
    await visitor.open(`${world.base}/portal/machines`);
    await visitor.readsNothingOf("Warehouse sync");
  },

  "where the company allows it, applications, secrets and keys are made: five secrets, not six": async (world) => {
    await allowed(world, "create");
    const { id } = await world.organization("Self-service Ltd");
    const visitor = await world.visitor();
    await within(2_000, "the server follows the file", async () => {
      await visitor.open(await link(world, id));
      return (await visitor.page.getByRole("link", { name: "New application" }).count()) > 0;
    });
    await visitor.follow("New application");
    await visitor.type("Name", "Stock levels");
    await visitor.tick("Read reports");
    await visitor.press("Create application");
    const [client_id, secret] = [await visitor.copies("Copy: Client ID", visitor.page.getByRole("status")), await visitor.copies("Copy: Secret")];
    const { access_token } = await world.token(client_id, secret);
    const known = await world.introspect(access_token);
    assert.deepEqual([known.scope, known.org_id], ["reports:read", id]);
    for (let number = 2; number <= 5; number += 1) await visitor.press("New secret");
    await visitor.reads("at most 5 secrets");
    assert.equal(await visitor.page.getByRole("button", { name: "New secret" }).count(), 0);
    await visitor.follow("API keys");
    await visitor.follow("New API key");
    await visitor.type("Name", "Data warehouse");
    await visitor.press("Create key");
    const value = await visitor.copies("Copy: Key");
    const check = async () => (await world.manage("POST", "/api_keys/validations", { value })).api_key;
    assert.equal((await check()).name, "Data warehouse");
    await visitor.insists("Revoke", "Programs that use it are refused at once.", "Revoke this key");
    assert.equal(await check(), null);
    await visitor.reads("No API keys yet");
    await allowed(world, "revoke");
    await within(2_000, "what is no longer allowed is no longer offered", async () => {
      await visitor.open(`${world.base}/portal/api-keys`);
      return (await visitor.page.getByRole("link", { name: "New API key" }).count()) === 0;
    });
  },

  "a link opens one organization, once, and no part that it was not made for": async (world) => {
    const ours = await world.machine("Ours alone");
    const theirs = await world.machine("Theirs alone");
    const address = await link(world, ours.organization_id, { intent: "api_credentials" });
    const visitor = await world.visitor();
    await visitor.open(address);
    await visitor.reads("Ours alone");
    await visitor.readsNothingOf("Theirs alone");
    const csrf = await visitor.page.locator("input[name=csrf]").first().inputValue();
    // Neither with the form of the page that is open, nor with one of the other's.
    for (const [organization_id, status] of [[ours.organization_id, 404], [theirs.organization_id, 409]]) {
      const answer = await visitor.page.request.post(`${world.base}/portal/machines/${theirs.id}/revoke`, {
        form: { csrf, organization_id, secret_id: theirs.secret_id }, headers: { origin: world.base },
      });
      assert.equal(answer.status(), status);
    }
    assert.ok((await world.token(theirs.client_id, theirs.secret)).access_token, "theirs works");
    assert.equal(await visitor.page.getByRole("link", { name: "Domains" }).count(), 0);
    assert.equal((await visitor.open(`${world.base}/portal/domains`)).status(), 403);
    const second = await world.visitor();
    await second.open(address);
    await second.reads("This link no longer works");
    await second.readsNothingOf("Ours alone");
  },

  "by signing in: a member with the role sees and ends what was connected; one without is told kindly": async (world) => {
    const { id } = await world.organization("Member Admins");
    const partner = await world.partner("Connected Reports");
    await world.manage("POST", "/authorization/permissions", { slug: "widgets:api-keys:manage", name: "Manage credentials" });
    await world.manage("POST", "/authorization/roles", { slug: "it-admin", name: "IT administrator" });
    await world.manage("POST", "/authorization/roles/it-admin/permissions", { slug: "widgets:api-keys:manage" });
    const admin = await world.user("admin@members.example");
    await world.manage("POST", "/user_management/organization_memberships", { user_id: admin.id, organization_id: id, role_slug: "it-admin" });
    await world.user("colleague@members.example", id);
    const colleague = await world.visitor();
    const token = await world.lets(colleague, partner, "colleague@members.example");
    assert.ok(await world.isActive(token));
    await colleague.open(`${world.base}/portal`);
    await colleague.reads("You do not have access to this");
    const visitor = await world.visitor();
    await visitor.open(`${world.base}/portal`);
    await visitor.signsIn("admin@members.example");
    await visitor.heading("Applications and credentials");
    await visitor.reads("Signed in as admin@members.example");
    await visitor.follow("Connected by members");
    await visitor.reads("colleague@members.example");
    await visitor.insists("Disconnect", "Connected Reports loses the access that", "Disconnect", visitor.row("Connected Reports"));
    await world.dies(token, "the token of the disconnected application");
    assert.match(await visitor.page.getByRole("status").textContent(), /was disconnected from .* on .*\d\d:\d\d/);
    await visitor.reads("Nothing is connected");
  },

  "a domain is added on a phone, without scripts, and in German": async (world) => {
    const { id } = await world.organization("Domänen GmbH");
    const visitor = await world.visitor({ viewport: { width: 375, height: 720 }, javaScriptEnabled: false, locale: "de" });
    await visitor.open(await link(world, id, { intent: "domain_verification" }));
    await visitor.type("Domain", "domaenen.example");
    await visitor.press("Domain hinzufügen");
    await visitor.reads("domaenen.example wurde hinzugefügt.");
    const { domains } = await world.manage("GET", `/organizations/${id}`);
    await visitor.reads(domains[0].verification_token);
  },
};
