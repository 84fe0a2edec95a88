// Somebody at a browser: finds things by what they are called, waits for what they then read, and notes what no page may do.
import { strict as assert } from "node:assert";

export const PASSWORD = "violet-tractor-humming-42";
// How long anything may take on a busy machine before it counts as missing.
const PATIENCE = 30_000;
const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
// A label or a summary may go on with something in small print, but not with another letter.
const begins = (text) => (text instanceof RegExp ? text : new RegExp(`^\\s*${quoted(text)}(?![\\w])`));
// A button's name, behind which may stand what it is about, where there are several.
const called = (name) => (name instanceof RegExp ? name : new RegExp(`^${quoted(name)}(: |$)`));

export class Person {
  // Complaints of all of them: what the policy forbids, what a script stumbles over, what the server fails at.
  static complaints = [];
  static present = new Set();

  static async arrive(browser, { viewport = { width: 1280, height: 860 }, ...options } = {}) {
    const context = await browser.newContext({ reducedMotion: "reduce", locale: "en", viewport, ...options });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const complain = (what) => Person.complaints.push(`${page.url()}: ${what}`);
    page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && complain(message.text()));
    page.on("pageerror", complain);
    page.on("response", (response) => response.status() >= 500 && complain(`${response.status()} for ${response.url()}`));
    const person = new Person();
    Object.assign(person, { context, page });
    Person.present.add(person);
    return person;
  }

  async leave() {
    Person.present.delete(this);
    await this.context.close();
  }

  // Another tab of the same browser.
  async anotherTab() {
    const tab = Object.assign(new Person(), { context: this.context, page: await this.context.newPage() });
    tab.page.setDefaultTimeout(PATIENCE);
    return tab;
  }

  async open(address) {
    return this.page.goto(address);
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  // The region under a heading.
  part(heading) {
    return this.page.locator("section", { has: this.page.getByRole("heading", { name: heading, exact: true }) }).last();
  }

  row(...texts) {
    return texts.reduce((rows, text) => rows.filter({ hasText: text }), this.page.getByRole("row"));
  }

  field(label, within = this.page) {
    return within.getByLabel(begins(label));
  }

  async type(label, text, within = this.page) {
    await this.field(label, within).fill(text);
  }

  async choose(label, within = this.page) {
    await within.getByRole("radio", { name: begins(label) }).check();
  }

  async tick(label, on = true, within = this.page) {
    await within.getByRole("checkbox", { name: begins(label) }).setChecked(on);
  }

  // What leads to another page; comes back when that page is there.
  async leads(act) {
    const there = this.page.waitForEvent("framenavigated", (frame) => frame === this.page.mainFrame());
    await Promise.all([there, act()]);
    await this.page.waitForLoadState("domcontentloaded");
  }

  async press(name, within = this.page) {
    await this.leads(() => within.getByRole("button", { name: called(name) }).click());
  }

  async follow(name, within = this.page) {
    await this.leads(() => within.getByRole("link", { name: begins(name) }).first().click());
  }

  // A section of the dashboard; on a phone the list is folded.
  async section(name) {
    const sections = this.page.getByRole("navigation", { name: "Sections" });
    const link = sections.getByRole("link", { name, exact: true });
    if (!(await link.isVisible())) await sections.locator("summary").click();
    await this.leads(() => link.click());
  }

  // Opens the question that stands before what cannot be undone, without answering it.
  async considers(label, within = this.page) {
    const asked = within.locator("details").filter({ has: this.page.locator("summary", { hasText: begins(label) }) });
    await asked.locator("summary").click();
    return asked;
  }

  // Does what cannot be undone, having read what will happen.
  async insists(label, warning, confirm, within = this.page) {
    const asked = await this.considers(label, within);
    await asked.getByText(warning).waitFor();
    await this.press(confirm, asked);
  }

  async reads(text, within = this.page) {
    await within.getByText(text).first().waitFor();
  }

  async readsNothingOf(text, within = this.page) {
    assert.equal(await within.getByText(text).count(), 0, `“${text}” is read at ${this.page.url()}`);
  }

  async heading(name) {
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  // What a press of a copy button leaves on the clipboard.
  async copies(what, within = this.page) {
    await this.page.evaluate(() => navigator.clipboard.writeText("nothing"));
    const button = within.getByRole("button", { name: what, exact: typeof what === "string" });
    await button.click();
    await button.and(this.page.getByText(/^Copied$/)).waitFor();
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  // Presses Tab until something has the focus.
  async tabsTo(wanted) {
    for (let presses = 0; presses < 80; presses += 1) {
      await this.page.keyboard.press("Tab");
      if (await wanted.evaluate((element) => element === document.activeElement)) return;
    }
    assert.fail(`${wanted} cannot be reached with Tab at ${this.page.url()}`);
  }

  // The hosted pages: an address, then the password.
  async signsIn(email, password = PASSWORD) {
    await this.type("Email address", email);
    await this.press("Continue");
    await this.type("Password", password);
    await this.press("Sign in");
  }

  // Makes a staff account from a link.
  async isWelcomed(link, email, password = PASSWORD) {
    await this.open(link);
    await this.heading("Welcome");
    await this.type("Email address", email);
    await this.type("Password", password);
    await this.press("Make my account");
  }
}
