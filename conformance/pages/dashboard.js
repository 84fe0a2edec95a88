// Makes the first owner's account from the link of a first start, and then follows every link of the dashboard, one page of
// each kind: photographs it on a phone and on a desk, in light and in dark, asks axe about it, and fails when the browser finds
// something against the Content Security Policy, or a page is wider than a small phone. Then does things on some of them, and
// photographs what comes of it: what is shown once, what is said after an act, what is refused, what is asked first.
//
//   node dashboard.js LINK PHOTOGRAPHS [PART OF A NAME...]
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [link, folder, ...only] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node dashboard.js LINK PHOTOGRAPHS [PART OF A NAME...]");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const base = new URL(link).origin;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const context = await browser.newContext({ reducedMotion: "reduce", locale: "en" });
const page = await context.newPage();
let wrong = 0;
const complain = (name, what) => {
  wrong += 1;
  console.error(`${name}: ${what}`);
};
page.on("console", (message) => {
  if (/Content Security Policy|Refused to/.test(message.text())) complain(page.url(), message.text());
});
page.on("pageerror", (error) => complain(page.url(), error));

// What a page is called: its path without identifiers, and what its query asks for.
const kind = (address) => {
  const { pathname, searchParams } = new URL(address, base);
  const path = pathname.replace(/\/[a-z_]+_[0-9A-HJKMNP-TV-Z]{26}/g, "/one").replace(/^\/dashboard\/?/, "").replace(/^env\/[^/]+/, "env").replace(/edit\/[^/]+/, "edit/one");
  const asked = [...searchParams.keys()].filter((name) => !/(^|_)(after|before)$/.test(name) && !["token", "flow"].includes(name)).sort();
  return [path || "home", ...asked].join("-").replaceAll("/", "-");
};

async function photograph(name) {
  // A label names the first element of its id: with two of them it may name nothing.
  const ids = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((one) => one.id));
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) complain(name, `two elements are called ${id}`);
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: width < 500 ? 720 : 860 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // What the script folds, it folds when the page opens.
      await page.evaluate((open) => document.querySelectorAll("details.sections-menu").forEach((menu) => (menu.open = open)), width > 896);
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      await page.evaluate(axe);
      const { violations } = await page.evaluate((rules) => window.axe.run({ runOnly: rules }), rules);
      for (const violation of violations) {
        for (const node of violation.nodes) complain(`${name} ${width} ${colorScheme}`, `${violation.id}: ${node.target} ${node.failureSummary}`);
      }
    }
  }
  await page.setViewportSize({ width: 320, height: 720 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 320) complain(name, `is ${wide} pixels wide at 320`);
}

await page.goto(link);
await photograph("welcome");
await page.getByLabel("Email address").fill("ada@example.com");
await page.getByLabel("Password").fill("violet-tractor-humming-42");
await page.getByRole("button", { name: "Make my account" }).click();
await page.waitForURL(`${base}/dashboard/env/**`);

const places = new Map();
const seen = new Set([kind(link)]);
const ahead = [{ address: page.url(), besides: "" }];
let count = 1;
while (ahead.length > 0) {
  const { address, besides } = ahead.shift();
  const name = kind(address) + besides;
  if (seen.has(name) || /sign-out|download/.test(name)) continue;
  seen.add(name);
  const answer = await page.goto(address);
  if (!answer.ok()) {
    complain(name, `${address} is ${answer.status()}`);
    continue;
  }
  if (!(answer.headers()["content-type"] ?? "").startsWith("text/html")) continue;
  places.set(name, address);
  // Of several in a list one of each kind is looked at, where the list says of which kind they are.
  const links = await page.evaluate(() =>
    [...document.querySelectorAll('a[href^="/dashboard"]')].map((one) => {
      const kind = one.closest("th")?.parentElement.querySelector('td[data-label="Kind"]')?.textContent ?? "";
      return { address: one.href, besides: kind && `-${kind.toLowerCase().replace(/[^a-z]+/g, "-")}` };
    }),
  );
  ahead.push(...links);
  if (only.length > 0 && !only.some((part) => name.includes(part))) continue;
  await photograph(name);
  count += 1;
}

const press = (name) => page.getByRole("button", { name, exact: true }).first().click();
const fill = (selector, value) => page.locator(selector).first().fill(value);
// What browsers refuse by themselves, others do not.
const unchecked = () => page.evaluate(() => document.querySelectorAll("form").forEach((form) => (form.noValidate = true)));
const ask = () => page.evaluate(() => document.querySelectorAll("details.danger").forEach((one) => (one.open = true)));
const STATES = [
  ["env-applications-one-machine", "secret-shown", () => press("New secret")],
  ["env-applications-one-machine", "asked", ask],
  ["env-applications-new", "refused", async () => (await fill("#name", "Reports"), await unchecked(), await press("Create application"))],
  ["env-api-keys", "key-shown", async () => (await fill("#name", "Nightly job"), await press("New API key"))],
  ["env-api-keys", "asked", ask],
  ["env-organizations-new", "refused", async () => (await fill("#name", "Another Northwind"), await fill("#external_id", "northwind"), await press("Create organization"))],
  ["env-organizations-one", "saved", () => press("Save")],
  ["env-organizations-one", "refused", async () => (await fill("#metadata", "gold"), await press("Save"))],
  ["env-organizations-one", "asked", ask],
  ["env-organizations-one-access", "key-shown", async () => (await fill("#name", "Ledger"), await press("New API key"))],
  ["env-organizations-one-people", "refused", async () => (await fill("#who", "nobody@example.com"), await press("Add member"))],
  ["env-organizations-one-people", "searched", async () => (await fill("#search", "nobody@example.com"), await press("Search"))],
  ["env-organizations-one-people-one", "asked", ask],
  ["env-portal", "saved", async () => (await page.locator("[value=create]").check(), await press("Save"))],
  ["env-users-one", "asked", ask],
  ["env-users-new", "refused", async () => (await fill("#email", "ada@example.com"), await press("Create user"))],
  ["env-redirects", "refused", async () => (await unchecked(), await fill("[name=uri]", "no address"), await press("Add"))],
  ["env-connect", "refused", async () => (await fill("#resource", "no resource"), await unchecked(), await press("Add"))],
  ["env-connect-claims", "previewed", () => press("Preview")],
  ["env-signing-keys", "asked", ask],
  ["env-webhooks-one", "tested", () => press("Send a test")],
  ["env-webhooks-one", "refused", () => press("Send again")],
  ["env-webhooks-new", "refused", async () => (await fill("#endpoint_url", "not a url"), await press("Create endpoint"))],
  ["env-settings", "refused", async () => (await fill("#access_token_lifetime", "a while"), await press("Save"))],
  ["environments-new", "refused", async () => (await fill("#name", "Not a slug"), await fill("#issuer", "https://id.example.org"), await press("Create environment"))],
  ["environments-new", "made", async () => (await fill("#name", "third"), await page.locator("[value=production]").check(), await fill("#issuer", "https://third.example.org"), await press("Create environment"))],
  ["staff", "link-shown", () => press("Create a link to hand over")],
  ["staff", "invited", async () => (await fill("#email", "grace@company.example"), await press("Send invitation"))],
  ["staff-one", "asked", ask],
  ["env-applications-one-nothing", "not-found", async () => {}],
];
places.set("env-applications-one-nothing", `${base}/dashboard/env/default/applications/nothing`);
for (const [name, state, act] of STATES) {
  const called = `${name}-${state}`;
  if (only.length > 0 && !only.some((part) => called.includes(part))) continue;
  const address = places.get(name);
  if (!address) {
    complain(called, "there is no such page");
    continue;
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.goto(address);
  try {
    await act();
    await page.waitForLoadState();
    await photograph(called);
    count += 1;
  } catch (error) {
    complain(called, String(error).split("\n")[0]);
  }
}
await browser.close();
console.log(`${count} pages, ${wrong} complaints`);
process.exit(wrong === 0 ? 0 : 1);
