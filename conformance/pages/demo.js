// Walks through a running demo as a visitor does: signs in at the partner, agrees, opens the forum without any page, takes the
// consent back, makes a dashboard account, revokes the machine's credential and watches its calls turn red. With a folder,
// photographs the demo's own pages on a phone and on a desk, in light and in dark, and asks axe about them.
//
//   node demo.js START [PHOTOGRAPHS]
import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [start, folder] = process.argv.slice(2);
if (!start) {
  console.error("usage: node demo.js START [PHOTOGRAPHS]");
  process.exit(2);
}
if (folder) mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const axe = folder && readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const context = await browser.newContext({ reducedMotion: "reduce", locale: "en", bypassCSP: Boolean(folder) });
const page = await context.newPage();
let wrong = 0;
page.on("console", (message) => {
  if (/Content Security Policy|Refused to/.test(message.text())) {
    wrong += 1;
    console.error(`${page.url()}: ${message.text()}`);
  }
});
async function photograph(name) {
  if (!folder) return;
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: width < 500 ? 720 : 860 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: join(folder, `demo-${name}-${width}-${colorScheme}.png`), fullPage: true });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      for (const violation of violations) {
        wrong += 1;
        console.error(`${name}: ${violation.id} ${violation.nodes.map((node) => node.target)}`);
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}
// Behind the name may stand what the button is about, where there are several.
const press = (name) => page.getByRole("button", { name: new RegExp(`^${name}(: |$)`) }).click();
const href = (name) => page.getByRole("link", { name }).first().getAttribute("href");

await page.goto(start);
await photograph("start");
const [email, password] = await page.locator("aside code").allTextContents();
const partner = await href("Open Summit Reports");
const forum = await href("Open the forum");
const account = await href("Your account at Acme");
const dashboard = await href("1. Create a dashboard account");
const machine = await href("2. Open the nightly export");

// A partner: sign in, agree.
await page.goto(partner);
await photograph("partner");
await page.getByRole("link", { name: "Sign in with Acme" }).click();
await page.getByLabel("Email address").fill(email);
await press("Continue");
await page.getByLabel("Password").fill(password);
await press("Sign in");
await page.getByText("Read your reports").waitFor();
await press("Allow");
await page.getByRole("heading", { name: "Hello, Ada Lovelace" }).waitFor();
assert.match(await page.locator("pre").first().textContent(), /^200/);
await photograph("partner-signed-in");
await page.goto(`${partner}/login`);
assert.equal(new URL(page.url()).origin, new URL(partner).origin, "agreed to once, not asked again");

// The company's own forum: no page at all.
const visited = [];
page.on("framenavigated", (frame) => visited.push(new URL(frame.url())));
await page.goto(forum);
await page.getByRole("heading", { name: "Hello, Ada Lovelace" }).waitFor();
assert.deepEqual([...new Set(visited.map((url) => url.origin))], [new URL(forum).origin], "no page of Acme's was shown");
await photograph("forum");

// The consent is taken back: the token that the partner holds is dead.
await page.goto(account);
await page.getByRole("button", { name: /Remove access of Summit Reports|Remove access/ }).first().click();
await page.goto(partner);
assert.match(await page.locator("pre").first().textContent(), /^401/);

// The machine: green, revoked, red; another credential, green.
const calls = () => page.frameLocator("iframe").locator("li").first();
await page.goto(start);
await page.frameLocator("iframe").locator("li.good").first().waitFor();
await page.goto(dashboard);
await page.getByLabel("Email address").fill("staff@acme.example");
await page.getByLabel("Password").fill("quiet-lighthouse-walking-7");
await press("Make my account");
await page.goto(machine);
await page.locator("details.danger summary", { hasText: /^Delete$/ }).click();
await press("Delete this secret");
await page.getByText("It no longer works").waitFor();
const revoked = Date.now();
await page.goto(start);
await page.frameLocator("iframe").locator("li:first-child.bad").waitFor();
const red = Date.now() - revoked;
assert.match(await calls().textContent(), /401 Unauthorized|No token/);
await photograph("machine-revoked");
await press("Give it a new credential");
await page.frameLocator("iframe").locator("li:first-child.good").waitFor();
await browser.close();
console.log(`walked; red after ${red} ms; ${wrong} complaints`);
process.exit(wrong === 0 ? 0 : 1);
