// Staff: the way in, roles, and the way out.
import { strict as assert } from "node:assert";
import { PASSWORD } from "./person.js";

// Posts what a page's own form would, as somebody who keeps an old page or writes the request by hand.
async function post(person, address, fields) {
  const csrf = await person.page.locator("input[name=csrf]").first().getAttribute("value").catch(() => "");
  const form = { csrf: csrf ?? "", ...fields };
  return person.page.request.post(address, { form, headers: { origin: new URL(address).origin }, maxRedirects: 0 });
}

export const tasks = {
  "the owner's link works once: afterwards it says so kindly": async (world) => {
    const stranger = await world.visitor();
    const answer = await stranger.open(world.link);
    assert.equal(answer.status(), 400);
    await stranger.reads("This link is no longer valid");
    assert.equal(await stranger.page.getByRole("textbox").count(), 0, "nothing to type");
    const inside = await stranger.open(world.at(""));
    assert.match(inside.url(), /\/dashboard\/sign-in/);
  },

  "who has signed out signs in again, and is where they wanted to be": async (world) => {
    const { owner } = world;
    await owner.open(world.at(""));
    await owner.page.getByLabel(/^Your account/).click();
    await owner.follow("Sign out");
    await owner.press("Sign out");
    await owner.open(world.at("/applications"));
    await owner.signsIn("ada@company.example");
    await owner.heading("Applications");
  },

  "who may only read sees no forms and is refused, whatever they send": async (world) => {
    const reader = await world.staff("Read-only");
    const machine = await world.machine("Read me");
    const pages = ["/applications", `/applications/${machine.id}`, "/organizations", `/organizations/${machine.organization_id}`,
      `/organizations/${machine.organization_id}/access`, `/organizations/${machine.organization_id}/people`, "/users", "/roles", "/roles/permissions",
      "/connect", "/connect/claims", "/redirects", "/branding", "/webhooks", "/events", "/audit-log", "/api-keys", "/signing-keys", "/settings"];
    for (const path of pages) {
      const answer = await reader.open(world.at(path));
      assert.equal(answer.status(), 200, path);
      const usable = await reader.page.evaluate(() => {
        const within = [...document.querySelectorAll("form[method=post]")].flatMap((form) => [...form.elements, ...form.querySelectorAll("button")]);
        return [...within, ...document.querySelectorAll("details.danger")].filter((one) => one.type !== "hidden" && one.tagName !== "FIELDSET" && !one.matches(":disabled")).length;
      });
      assert.equal(usable, 0, `${path}: nothing can be typed, ticked or pressed`);
    }
    for (const path of ["/applications/new", "/organizations/new", "/users/new", "/webhooks/new"]) {
      const answer = await reader.open(world.at(path));
      assert.equal(answer.status(), 403, path);
      await reader.reads(/needs? the role|Your role/i);
    }
    await reader.open(world.at(`/applications/${machine.id}`));
    for (const path of ["/secrets", "/delete", ""]) {
      const answer = await post(reader, world.at(`/applications/${machine.id}${path}`), { name: "Mine now" });
      assert.equal(answer.status(), 403, path);
    }
    const { name } = await world.manage("GET", `/connect/applications/${machine.id}`);
    assert.equal(name, "Read me");
  },

  "a developer is let in by a link, becomes an admin, and is dismissed": async (world) => {
    const { owner } = world;
    const developer = await world.staff("Developer");
    assert.equal((await developer.open(`${world.base}/dashboard/environments/new`)).status(), 403);
    await owner.section("Staff");
    await owner.follow(developer.email);
    await owner.choose("Admin");
    await owner.press("Save");
    await owner.reads("Saved.");
    assert.equal((await developer.open(`${world.base}/dashboard/environments/new`)).status(), 200, "with the next request");
    await owner.insists("Dismiss from the staff", "They are signed out everywhere at once", "Dismiss");
    await owner.readsNothingOf(developer.email);
    await developer.open(world.at(""));
    assert.ok(!developer.path().startsWith("/dashboard/env"), developer.page.url());
    await developer.readsNothingOf("Applications");
    const late = await world.visitor();
    assert.equal((await late.open(developer.link)).status(), 400, "their link is used");
  },

  "who is invited by mail is let in with the role they were given, once the address is theirs": async (world) => {
    const { owner } = world;
    await owner.section("Staff");
    await owner.type("Email address", "grace@company.example");
    await owner.choose("Read-only");
    await owner.press("Send invitation");
    await owner.reads("Invited. The email is on its way.");
    await owner.reads("grace@company.example", owner.part("Invited"));
    const guest = await world.visitor();
    const mailbox = async (subject) => {
      await guest.open(`${world.base}/dashboard/dev/mailbox`);
      return guest.page.getByRole("link").filter({ hasText: "grace@company.example" }).filter({ hasText: subject });
    };
    const invitation = await mailbox("Invitation");
    await guest.leads(() => invitation.click());
    await guest.leads(() => guest.page.locator("pre a").first().click());
    await guest.press("Accept invitation");
    await guest.type("Password", PASSWORD);
    await guest.press("Create account");
    await guest.page.getByRole("link", { name: "Open the mailbox" }).waitFor();
    const waiting = guest.page.url();
    const letter = await (await mailbox("is your code")).textContent();
    await guest.open(waiting);
    await guest.type("6-digit code", letter.match(/\d{6}/)[0]);
    await guest.press("Confirm");
    await guest.open(world.at(""));
    await guest.page.getByLabel(/^Your account/).click();
    await guest.reads("Read-only");
    assert.equal((await guest.open(world.at("/applications/new"))).status(), 403);
  },

  "nobody changes their own role": async (world) => {
    const { owner } = world;
    await owner.section("Staff");
    await owner.follow("ada@company.example");
    await owner.reads("You cannot change your own role");
    assert.equal(await owner.page.getByRole("radio").count(), 0);
    assert.equal(await owner.page.locator("details.danger").count(), 0);
  },
};
