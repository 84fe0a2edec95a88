// What has happened: events as they happen, webhooks, the audit log.
import { strict as assert } from "node:assert";
import { within } from "./world.js";

export const tasks = {
  "events appear without a reload, and a filter keeps to what was asked": async (world) => {
    const { owner } = world;
    await world.organization("Before");
    await owner.section("Events");
    await owner.page.evaluate(() => (window.loadedOnce = true));
    const rows = owner.page.getByRole("listitem").filter({ has: owner.page.locator("time") });
    const made = await world.organization("Happening now");
    await rows.first().getByText("Happening now", { exact: true }).waitFor();
    assert.ok(await owner.page.evaluate(() => window.loadedOnce), "the page is the one that was opened");
    await rows.first().locator("summary").click();
    await owner.reads(made.id, rows.first());
    const copied = JSON.parse(await owner.copies(/^Copy event/, rows.first()));
    assert.deepEqual([copied.event, copied.data.id], ["organization.created", made.id]);
    await owner.field("Organization").fill(made.id);
    await owner.press("Show");
    await owner.reads("Happening now");
    await owner.readsNothingOf("Before");
    await owner.follow("Clear");
    await owner.page.getByLabel("Event", { exact: true }).selectOption("organization.deleted");
    await owner.press("Show");
    await owner.readsNothingOf("Happening now");
  },

  "an endpoint is made and tested, gets events in order, and gets them again": async (world) => {
    const { owner, receiver } = world;
    await owner.section("Webhooks");
    await owner.reads("No endpoint yet");
    await owner.follow("New endpoint");
    await owner.type("URL", "ftp://nowhere");
    await owner.press("Create endpoint");
    await owner.page.getByRole("alert").waitFor();
    await owner.type("URL", `${receiver.base}/hooks`);
    await owner.choose("Those ticked below");
    for (const box of await owner.page.getByRole("checkbox").all()) await box.setChecked(false);
    await owner.tick("organization.created");
    await owner.tick("organization.updated");
    await owner.press("Create endpoint");
    await owner.press("Send a test");
    await owner.reads("The test event was delivered");
    await owner.follow("Deliveries");
    const organization = await world.organization("Told of");
    await world.manage("PUT", `/organizations/${organization.id}`, { name: "Told of again" });
    const sent = () => receiver.events("/hooks").filter((event) => event.data?.id === organization.id);
    await within(5_000, "both events", () => sent().length === 2);
    assert.deepEqual(sent().map(({ event }) => event), ["organization.created", "organization.updated"]);
    assert.ok(receiver.requests.at(-1).headers["workos-signature"]);
    // The log follows by itself.
    const row = owner.row(sent()[0].id);
    await row.getByText("Delivered").waitFor();
    await owner.follow("organization.created", row);
    await owner.reads("200 OK");
    await owner.press("Send again");
    await within(5_000, "the same event once more", () => sent().filter(({ id }) => id === sent()[0].id).length === 2);
    await owner.reads(/2\. /);
    await owner.follow(`${receiver.base}/hooks`);
    await owner.type("From this event", sent()[0].id);
    const before = sent().length;
    await owner.press("Send again", owner.page.locator("form").filter({ has: owner.field("From this event") }));
    await owner.reads("The events are being sent again.");
    await within(5_000, "both events once more", () => sent().length >= before + 2);
  },

  "a receiver that fails is seen in the log; the secret is replaced; the endpoint ends": async (world) => {
    const { owner, receiver } = world;
    receiver.answers = 500;
    await owner.section("Webhooks");
    await owner.follow(receiver.base);
    await owner.press("Send a test");
    await owner.reads("The test event was not delivered");
    await owner.follow("Deliveries");
    const organization = await world.organization("Not delivered");
    await owner.page.getByRole("row").filter({ hasText: "organization.created" }).first().getByText("Retrying").waitFor();
    receiver.answers = 200;
    await owner.follow("organization.created", owner.page.getByRole("row").nth(1));
    await owner.reads("Not delivered");
    await owner.press("Send again");
    const taken = () => receiver.events("/hooks").filter((event) => event.data?.id === organization.id).length;
    await within(5_000, "it is taken now", () => taken() >= 2);
    await owner.page.getByText("Delivered", { exact: true }).first().waitFor();
    await owner.follow(receiver.base);
    await owner.follow("Settings", owner.page.getByRole("navigation", { name: "Parts of this endpoint" }));
    const secret = await owner.copies("Copy secret");
    await owner.insists("Replace at once", "Your receiver refuses everything until it knows the new secret", "Replace the secret now");
    assert.notEqual(await owner.copies("Copy secret"), secret);
    await owner.follow("Settings", owner.page.getByRole("navigation", { name: "Parts of this endpoint" }));
    await owner.insists("Delete this endpoint", "its delivery log is deleted", "Delete it for good");
    await owner.reads("No endpoint yet");
    const count = receiver.requests.length;
    await world.organization("Told to nobody");
    await world.organization("Told to nobody either");
    assert.equal(receiver.requests.length, count);
  },

  "who did what is in the audit log, with their name; records of others are found by a filter": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Looked after");
    await owner.open(`${world.at("/organizations")}/${organization.id}`);
    await owner.type("External ID", "looked-after-1");
    await owner.press("Save");
    await owner.reads("Saved.");
    await owner.section("Audit log");
    await owner.type("To what", organization.id);
    await owner.press("Show");
    const records = owner.page.getByRole("listitem").filter({ has: owner.page.locator("time") });
    await records.filter({ hasText: "organization.updated" }).filter({ hasText: "ada@company.example" }).waitFor();
    await records.filter({ hasText: "organization.created" }).waitFor();
    await owner.type("Who", "ada@company.example");
    await owner.press("Show");
    assert.equal(await records.count(), 1, "the other was done with a key");
    await records.first().locator("summary").click();
    await owner.readsNothingOf("looked-after-1");
    await owner.follow("Chain");
    assert.match(await owner.copies("Copy hash of the head"), /^[0-9a-f]{64}$/);
  },

  "an organization's audit log is copied to a file, and kept longer": async (world) => {
    const { owner } = world;
    const organization = await world.organization("Audited");
    await world.manage("POST", "/audit_logs/actions/report.opened/schemas", { targets: [{ type: "report" }] });
    const event = {
      action: "report.opened", occurred_at: "2026-01-15T12:00:00Z", actor: { id: "user_1", type: "user", name: "Ada" },
      targets: [{ id: "report_1", type: "report" }], context: { location: "192.0.2.1" },
    };
    await world.manage("POST", "/audit_logs/events", { organization_id: organization.id, event });
    await owner.section("Audit log");
    await owner.follow("Organizations", owner.page.getByRole("navigation", { name: "Parts of the audit log" }));
    await owner.type("Search by name", "Audited");
    await owner.press("Search");
    await owner.follow("Audited");
    await owner.type("From", "2026-01-01T00:00");
    await owner.type("To", "2026-02-01T00:00");
    await owner.press("Make a copy");
    const download = owner.page.getByRole("link", { name: /^Download the copy/ });
    await download.waitFor();
    const [file] = await Promise.all([owner.page.waitForEvent("download"), download.click()]);
    const stream = await file.createReadStream();
    let text = "";
    for await (const chunk of stream) text += chunk;
    assert.match(text, /report\.opened/);
    const keep = owner.field("Keep for");
    await keep.selectOption({ index: (await keep.locator("option").count()) - 1 });
    await owner.press("Save", owner.part("How long events are kept"));
    await owner.reads("Saved.");
  },
};
