// Organizations, their members, users, permissions and roles. A part of it on a phone.
import { strict as assert } from "node:assert";
import { PASSWORD } from "./person.js";

const PHONE = { width: 375, height: 720 };

export const tasks = {
  "on a phone, an organization is made, found by its name, given a domain, and deleted": async (world) => {
    const { owner } = world;
    await owner.page.setViewportSize(PHONE);
    await owner.open(world.at(""));
    const sections = owner.page.getByRole("navigation", { name: "Sections" });
    assert.ok(!(await sections.getByRole("link", { name: "Organizations" }).isVisible()), "the list of sections is folded");
    await owner.section("Organizations");
    await owner.follow("New organization");
    await owner.type("Name", "Contoso Pharmaceuticals");
    await owner.type("Domains", "contoso.example");
    await owner.press("Create organization");
    await owner.heading("Contoso Pharmaceuticals");
    await owner.reads("Pending");
    const record = await owner.copies("Copy TXT record");
    const id = await owner.copies("Copy organization ID");
    const known = await world.manage("GET", `/organizations/${id}`);
    assert.deepEqual(known.domains.map(({ domain, state }) => [domain, state]), [["contoso.example", "pending"]]);
    assert.ok(record.includes(known.domains[0].verification_token), record);
    await owner.type("Metadata", '{"plan": "gold"');
    await owner.press("Save");
    await owner.page.getByRole("alert").waitFor();
    assert.equal(await owner.field("Metadata").inputValue(), '{"plan": "gold"', "what was typed stays");
    await owner.type("Metadata", '{"plan": "gold"}');
    await owner.press("Save");
    await owner.reads("Saved.");
    assert.deepEqual((await world.manage("GET", `/organizations/${id}`)).metadata, { plan: "gold" });
    await owner.section("Organizations");
    await owner.page.getByRole("searchbox", { name: "Name" }).fill("no such name");
    await owner.press("Search");
    await owner.reads("No organization has “no such name” in its name.");
    await owner.page.getByRole("searchbox", { name: "Name" }).fill("pharma");
    await owner.press("Search");
    await owner.follow("Contoso Pharmaceuticals");
    const wide = await owner.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= PHONE.width, `${wide} pixels wide`);
    await owner.insists("Delete this organization", "Its members keep their accounts.", "Delete it for good");
    await owner.reads("Deleted.");
    const { data } = await world.manage("GET", "/organizations?limit=100");
    assert.ok(!data.some((one) => one.id === id));
    // Turned, or opened wide: the list of sections is there again.
    await owner.page.setViewportSize({ width: 1280, height: 860 });
    await sections.getByRole("link", { name: "Organizations" }).waitFor();
  },

  "a permission and a role that gives it are made; a member who gets the role has it in their token": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Role Players");
    await world.user("role@example.com", organization.id);
    await owner.section("Roles & permissions");
    await owner.follow("Permissions");
    await owner.follow("New permission");
    await owner.type("Name", "Pay invoices");
    await owner.type("Scope", "invoices:pay");
    await owner.type("Description", "Up to the limit of the account.");
    await owner.press("Create permission");
    await owner.reads("Pay invoices");
    await owner.section("Roles & permissions");
    await owner.follow("New role");
    await owner.type("Name", "Accountant");
    await owner.type("Slug", "accountant");
    await owner.tick("invoices:pay");
    await owner.press("Create role");
    await owner.reads("Accountant");
    await owner.section("Organizations");
    await owner.follow("Role Players");
    await owner.follow("People");
    await owner.follow("role@example.com");
    await owner.tick("member", false);
    await owner.tick("accountant");
    await owner.press("Save");
    await owner.reads("Saved.");
    const headers = { "content-type": "application/json" };
    const { client_id } = await world.environment();
    const body = JSON.stringify({ client_id, client_secret: world.key, grant_type: "password", email: "role@example.com", password: PASSWORD });
    const answer = (await world.call(`${world.base}/user_management/authenticate`, { method: "POST", headers, body })).json();
    const claims = JSON.parse(Buffer.from(answer.access_token.split(".")[1], "base64url"));
    assert.deepEqual([claims.role, claims.permissions], ["accountant", ["invoices:pay"]]);
    // Used, it is not deleted by mistake.
    await owner.section("Roles & permissions");
    await owner.follow("Accountant");
    await owner.insists("Delete this role", "A role can only be deleted when no member has it.", "Delete it for good");
    await owner.page.getByRole("alert").waitFor();
    await owner.section("Roles & permissions");
    await owner.reads("Accountant");
  },

  "a person is made, found by the address, and made a member": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Joiners");
    await owner.section("Users");
    await owner.follow("New user");
    await owner.type("Email address", "katherine@example.com");
    await owner.tick("The address is verified");
    await owner.type("First name", "Katherine");
    await owner.press("Create user");
    await owner.heading(/katherine@example.com|Katherine/);
    await owner.section("Users");
    const search = owner.page.getByRole("searchbox", { name: "Email address" });
    await search.fill("nobody@example.com");
    await owner.press("Search");
    await owner.reads("No address begins with “nobody@example.com”.");
    await search.fill("Kath");
    await owner.press("Search");
    await owner.reads("katherine@example.com");
    await owner.open(`${world.at("/organizations")}/${organization.id}/people`);
    await owner.reads("No members yet");
    await owner.type("Add a user who has an account", "nobody@example.com");
    await owner.press("Add member");
    await owner.page.getByRole("alert").waitFor();
    await owner.type("Add a user who has an account", "katherine@example.com");
    await owner.press("Add member");
    await owner.reads("Added.");
    const { data } = await world.manage("GET", `/user_management/organization_memberships?organization_id=${organization.id}`);
    assert.deepEqual(data.map(({ status }) => status), ["active"]);
    // Found among the members by a part of the name, and not by what nobody has.
    const member = owner.page.getByRole("searchbox", { name: "Find a member" });
    await member.fill("nobody");
    await owner.press("Search");
    await owner.reads("No member has “nobody” in their name or address.");
    await member.fill("kATHer");
    await owner.press("Search");
    // And taken out again, asked about first.
    await owner.follow("katherine@example.com");
    await owner.insists("Remove", "They are no longer a member", "Remove from the organization");
    await owner.reads("No members yet");
  },

  "who is invited by mail makes an account and is a member; an invitation that is taken back is worth nothing": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Inviting");
    await owner.open(`${world.at("/organizations")}/${organization.id}/people`);
    for (const email of ["mary@example.com", "late@example.com"]) {
      await owner.type("Invite by email", email);
      await owner.press("Send invitation");
      await owner.reads("The email is on its way");
    }
    await owner.press("Revoke", owner.row("late@example.com"));
    const letters = {};
    for (const email of ["mary@example.com", "late@example.com"]) {
      const guest = await world.visitor();
      letters[email] = guest;
      await guest.open(`${world.base}/dev/mailbox`);
      await guest.leads(() => guest.page.getByRole("link").filter({ hasText: email }).first().click());
      await guest.leads(() => guest.page.locator("pre a").first().click());
    }
    await letters["late@example.com"].reads(/no longer valid/);
    const mary = letters["mary@example.com"];
    await mary.heading(/Inviting/);
    await mary.press("Accept invitation");
    await mary.type("Password", PASSWORD);
    await mary.press("Create account");
    // Whoever has the link has not proven yet that the address is theirs.
    const letter = await mary.anotherTab();
    await letter.open(`${world.base}/dev/mailbox`);
    const subject = await letter.page.getByRole("link").filter({ hasText: "mary@example.com" }).filter({ hasText: "is your code" }).textContent();
    await mary.page.bringToFront();
    await mary.type("6-digit code", subject.match(/\d{6}/)[0]);
    await mary.press("Confirm");
    await owner.page.reload();
    await owner.reads("mary@example.com", owner.part("Members"));
    const { data } = await world.manage("GET", `/user_management/organization_memberships?organization_id=${organization.id}`);
    assert.equal(data.filter(({ status }) => status === "active").length, 1);
  },

  "a person's session and what they allowed an application are ended on their page, within a second": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Visitors");
    const partner = await world.partner("Nosy Reports");
    const person = await world.user("hedy@example.com", organization.id);
    const visitor = await world.visitor();
    const token = await world.lets(visitor, partner, "hedy@example.com");
    assert.ok(await world.isActive(token));
    await visitor.open(`${world.base}/account`);
    await visitor.heading("Your account");
    await owner.open(`${world.at("/users")}/${person.id}`);
    await owner.reads("Nosy Reports", owner.part("Connected applications"));
    await owner.insists("Revoke", "The application's access and its tokens end at once", "Revoke the access", owner.part("Connected applications"));
    await world.dies(token, "the token of the revoked application");
    await owner.reads("No connected applications.");
    await owner.press("Sign out", owner.part("Sessions").getByRole("row").nth(1));
    await owner.reads("Signed out.");
    await owner.reads("Not signed in anywhere.");
    await visitor.page.reload();
    await visitor.page.getByLabel("Email address").waitFor();
  },

  "an organization's API key is made, good, revoked and refused": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Key Holders");
    await world.permission("reports:read", "Read reports");
    await owner.open(`${world.at("/organizations")}/${organization.id}`);
    await owner.follow("Machines and API keys");
    await owner.reads("No API keys.");
    await owner.type("Name of another key", "Data warehouse");
    await owner.tick("reports:read");
    await owner.press("New API key");
    const value = await owner.copies("Copy API key");
    const check = async () => (await world.manage("POST", "/api_keys/validations", { value })).api_key;
    assert.deepEqual((await check()).permissions, ["reports:read"]);
    await owner.insists("Revoke", "Programs that use it are refused from now on.", "Revoke this key", owner.row("Data warehouse"));
    assert.equal(await check(), null);
    await owner.reads("No API keys.");
  },

  "deleting an account takes its consents and tokens with it": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Leavers");
    const partner = await world.partner("Leaver Reports");
    const person = await world.user("leaver@example.com", organization.id);
    const token = await world.lets(await world.visitor(), partner, "leaver@example.com");
    await owner.open(`${world.at("/users")}/${person.id}`);
    await owner.insists("Delete this account", "This cannot be undone.", "Delete it for good");
    await world.dies(token, "the token of who is gone");
    await owner.reads("Deleted.");
  },
};
