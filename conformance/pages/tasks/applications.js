// Applications: making them, their credentials, code to paste, redirect URIs, logos, the end.
import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PASSWORD } from "./person.js";

const LOGO = fileURLToPath(new URL("../../../scripts/photograph-dashboard-logo.png", import.meta.url));

// The code of one snippet, as its copy button gives it.
async function snippet(person, label) {
  const summary = person.page.locator("details", { has: person.page.locator("summary", { hasText: label }) });
  if (!(await summary.locator("pre").isVisible())) await summary.locator("summary").click();
  return person.copies(`Copy the code for ${label}`);
}

async function begins(person, world, name) {
  await person.open(world.at(""));
  await person.section("Applications");
  await person.follow("New application");
  await person.type("Name", name);
}

export const tasks = {
  "a machine is made with the keyboard alone, and the command it shows gets a token": async (world) => {
    const { owner } = world;
    const { page } = owner;
    const organization = await world.organization("Keyboard Traders");
    await world.permission("reports:read", "Read reports");
    await owner.open(world.at(""));
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    const enter = () => owner.leads(() => page.keyboard.press("Enter"));
    await owner.tabsTo(page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: "Applications", exact: true }));
    await enter();
    await owner.tabsTo(page.getByRole("link", { name: "New application" }).first());
    await enter();
    await page.getByLabel("Name", { exact: true }).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Nightly export");
    await owner.tabsTo(page.getByRole("radio", { name: /^Web application/ }));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.ok(await page.getByRole("radio", { name: /^Machine/ }).isChecked());
    await owner.tabsTo(owner.field("Organization"));
    await page.keyboard.type(organization.id);
    await page.keyboard.press("Escape");
    await owner.tabsTo(page.getByRole("checkbox", { name: /^reports:read/ }));
    await page.keyboard.press("Space");
    await owner.tabsTo(page.getByRole("button", { name: "Create application" }));
    await enter();
    await owner.heading("Nightly export");
    await owner.reads("Machine of Keyboard Traders");
    await owner.tabsTo(page.getByRole("button", { name: "Copy client secret" }));
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Copy client secret" }).getByText("Copied").waitFor();
    const secret = await page.evaluate(() => navigator.clipboard.readText());
    const command = await snippet(owner, "curl");
    assert.ok(command.includes(secret) && command.includes("reports:read"), command);
    const token = JSON.parse(await world.shell(command));
    assert.equal((await world.introspect(token.access_token)).scope, "reports:read");
    // Seen once: whoever comes back finds its last letters.
    await owner.open(page.url().includes("/new") ? world.at("/applications") : page.url());
    if (owner.path().endsWith("/applications")) await owner.follow("Nightly export");
    assert.ok(!(await page.content()).includes(secret), "shown once");
    await owner.reads(`…${secret.slice(-6)}`);
  },

  "five credentials are the most; one that is deleted is dead within a second, with its tokens": async (world) => {
    const { owner } = world;
    const machine = await world.machine("Rotating");
    const page = world.at(`/applications/${machine.id}`);
    await owner.open(page);
    const stale = await owner.anotherTab();
    await stale.open(page);
    await owner.page.bringToFront();
    await owner.reads("Never", owner.row(machine.secret.slice(-6)));
    const { access_token: first } = await world.token(machine.client_id, machine.secret);
    const made = [];
    for (let number = 2; number <= 5; number += 1) {
      await owner.press("New secret");
      made.push(await owner.copies("Copy client secret"));
    }
    await owner.reads("at most 5 secrets");
    assert.equal(await owner.page.getByRole("button", { name: "New secret" }).count(), 0);
    await stale.press("New secret");
    await stale.reads(/5 (client )?secrets|at most|the most/i, stale.page.getByRole("alert"));
    await stale.page.close();
    const { access_token: second } = await world.token(machine.client_id, made[0]);
    await owner.open(page);
    const row = owner.row(`…${machine.secret.slice(-6)}`);
    await row.getByText("Never").waitFor({ state: "detached" });
    // Asked about in place; whoever closes the question has done nothing.
    const asked = await owner.considers("Delete", row);
    await asked.locator("summary").click();
    assert.ok(await world.isActive(first));
    await owner.insists("Delete", "Programs that use it stop working at once, and all tokens issued with it are revoked.", "Delete this secret", row);
    await world.dies(first, "the token of the deleted secret");
    await owner.reads("It no longer works");
    assert.equal((await world.token(machine.client_id, machine.secret)).error, "invalid_client");
    assert.ok(await world.isActive(second), "the tokens of other credentials live on");
    await owner.page.getByRole("button", { name: "New secret" }).waitFor();
  },

  "a partner's application is made in the wizard; somebody signs in to it, agrees, and the pasted command redeems the code": async (world) => {
    const { owner } = world;
    await world.organization("Summit Software GmbH");
    await world.permission("reports:read", "Read reports");
    const customer = await world.organization("Northwind");
    await world.user("grace@northwind.example", customer.id);
    await begins(owner, world, "Summit Reports");
    await owner.type("Redirect URIs", `${world.redirectUri}\n${world.receiver.base}/other`);
    await owner.tick("reports:read");
    await owner.press("Create application");
    await owner.reads("Choose the organization that the application belongs to");
    assert.equal(await owner.field("Name").inputValue(), "Summit Reports");
    assert.ok(await owner.page.getByRole("checkbox", { name: /^reports:read/ }).isChecked());
    await owner.type("Organization", "summit software gmbh");
    await owner.press("Create application");
    await owner.heading("Summit Reports");
    await owner.reads("Web application of Summit Software GmbH");
    const secret = await owner.copies("Copy client secret");
    const client_id = await owner.copies("Copy client ID");
    const labels = ["Node: openid-client", "Ruby: OmniAuth", "Go: go-oidc", "Python: Authlib", "curl"];
    const codes = {};
    for (const label of labels) {
      codes[label] = await snippet(owner, label);
      for (const value of [world.base, client_id, secret, world.redirectUri]) assert.ok(codes[label].includes(value), `${label} has ${value}`);
    }
    // What is pasted can at least be read by its language.
    const file = async (name, code) => {
      await writeFile(join(world.data, name), code);
      return join(world.data, name);
    };
    await world.run("node", ["--check", await file("snippet.mjs", codes["Node: openid-client"])]);
    await world.run("python3", ["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", await file("snippet.py", codes["Python: Authlib"])]);
    // The look at its sign-in, as people see it.
    const visitor = await world.visitor();
    await visitor.open(await owner.page.getByRole("link", { name: "Open its sign-in" }).getAttribute("href"));
    await visitor.signsIn("grace@northwind.example");
    await visitor.heading(/Summit Reports/);
    await visitor.reads("Read reports");
    await visitor.reads("Summit Software GmbH");
    await visitor.press("Deny");
    await visitor.heading("Back at the application");
    assert.equal(world.receiver.came.pop().searchParams.get("error"), "access_denied");
    // The application itself.
    const { url, verifier } = world.authorize(client_id, { scope: "openid email reports:read" });
    await visitor.open(url);
    await visitor.press("Allow");
    await visitor.heading("Back at the application");
    const answer = JSON.parse(await world.shell(codes.curl, { CODE: world.receiver.takeCode(), VERIFIER: verifier }));
    const known = await world.introspect(answer.access_token);
    assert.equal(known.active, true, JSON.stringify(known));
    assert.match(answer.scope, /reports:read/);
  },

  "what docs/dashboard.md promises: from an organization to the consent page, with a mailbox for who has no mail server": async (world) => {
    const { owner } = world;
    await owner.open(world.at(""));
    await owner.section("Organizations");
    await owner.follow("New organization");
    await owner.type("Name", "Partner Ltd");
    await owner.press("Create organization");
    await begins(owner, world, "My reports");
    await owner.type("Organization", "Partner Ltd");
    await owner.type("Redirect URIs", world.redirectUri);
    await owner.press("Create application");
    const visitor = await world.visitor();
    await visitor.open(await owner.page.getByRole("link", { name: "Open its sign-in" }).getAttribute("href"));
    await visitor.follow("Sign up");
    await visitor.type("Email address", "first@example.com");
    await visitor.type("Password", PASSWORD);
    await visitor.press("Create account");
    await visitor.heading("Check your email");
    const [page] = await Promise.all([visitor.context.waitForEvent("page"), visitor.page.getByRole("link", { name: "Open the mailbox" }).click()]);
    const letter = await page.getByRole("link").filter({ hasText: "first@example.com" }).first().textContent();
    await page.close();
    await visitor.type("6-digit code", letter.match(/\d{6}/)[0]);
    await visitor.press("Confirm");
    await visitor.heading(/My reports asks for access/);
    await visitor.reads("by Partner Ltd");
    await visitor.press("Allow");
    await visitor.heading("Back at the application");
    assert.ok(world.receiver.takeCode());
  },

  "another default redirect URI is saved; what is not listed is refused to the person, not sent on": async (world) => {
    const { owner } = world;
    const partner = await world.partner("Moving House");
    await owner.open(world.at(`/applications/${partner.id}`));
    await owner.type("Description", "What it was");
    await owner.type("Redirect URIs", `${world.receiver.base}/new\n${world.receiver.base}/spare`);
    await owner.press("Save");
    await owner.reads("Saved.");
    const known = await world.manage("GET", `/connect/applications/${partner.id}`);
    assert.deepEqual(known.redirect_uris.map(({ uri, default: first }) => [new URL(uri).pathname, first]), [["/new", true], ["/spare", false]]);
    const visitor = await world.visitor();
    const gone = await visitor.open(world.authorize(partner.client_id).url);
    assert.equal(gone.status(), 400);
    assert.equal(new URL(visitor.page.url()).origin, world.base);
    await visitor.open(world.authorize(partner.client_id, { redirect_uri: `${world.receiver.base}/spare` }).url);
    await visitor.page.getByLabel("Email address").waitFor();
    await owner.type("Description", "");
    await owner.type("Redirect URIs", "javascript:alert(1)");
    await owner.press("Save");
    await owner.page.getByRole("alert").waitFor();
    assert.equal(await owner.field("Redirect URIs").inputValue(), "javascript:alert(1)");
    assert.equal(await owner.field("Description").inputValue(), "", "what was emptied stays empty");
  },

  "a command line of our own keeps no secret, and its command begins a device sign-in": async (world) => {
    const { owner } = world;
    await begins(owner, world, "Our command line");
    await owner.choose("Browser, mobile, desktop or command line");
    await owner.choose("Our own");
    await owner.type("Redirect URIs", world.redirectUri);
    await owner.press("Create application");
    await owner.heading("Our command line");
    assert.equal(await owner.page.getByRole("heading", { name: "Credentials" }).count(), 0);
    const [first] = (await snippet(owner, "Command line: device flow")).split("\n\n");
    const begun = JSON.parse(await world.shell(first));
    const visitor = await world.visitor();
    await visitor.open(begun.verification_uri_complete);
    assert.equal(await visitor.field("Code").inputValue(), begun.user_code);
    await visitor.press("Continue");
    await visitor.reads("Our command line");
  },

  "logos, light and dark, are on the consent page, and removed again": async (world) => {
    const { owner } = world;
    const partner = await world.partner("With A Face");
    const customer = await world.organization("Face Customers");
    await world.user("face@example.com", customer.id);
    await owner.open(world.at(`/applications/${partner.id}`));
    const logo = owner.part("Logo");
    for (const field of await logo.locator("input[type=file]").all()) await field.setInputFiles(LOGO);
    await owner.press("Save logo");
    await owner.reads("Saved.");
    assert.equal(await logo.getByRole("img").count(), 2, "one for light, one for dark");
    const visitor = await world.visitor();
    await visitor.open(world.authorize(partner.client_id).url);
    await visitor.signsIn("face@example.com");
    await visitor.heading(/With A Face/);
    const shown = visitor.page.locator("h1").locator("xpath=..").locator("img");
    assert.ok(await shown.first().evaluate((image) => image.complete && image.naturalWidth > 0), "the picture is drawn");
    for (const remove of await owner.page.getByLabel("Remove it").all()) await remove.check();
    await owner.press("Save logo");
    await owner.reads("Saved.");
    assert.equal(await logo.getByRole("img").count(), 0);
  },

  "an application is deleted: its credentials, its tokens, its place in the list": async (world) => {
    const { owner } = world;
    const machine = await world.machine("Short-lived");
    const { access_token } = await world.token(machine.client_id, machine.secret);
    await owner.open(world.at("/applications"));
    await owner.follow("Short-lived");
    await owner.insists("Delete this application", "Its credentials, consents and tokens are deleted with it, at once.", "Delete it for good");
    await world.dies(access_token, "the token of the deleted application");
    await owner.reads("Deleted.");
    await owner.readsNothingOf("Short-lived");
    assert.equal((await world.token(machine.client_id, machine.secret)).error, "invalid_client");
  },
};
