// Makes the first owner's account from the link of a first start, and then follows every link of the dashboard, one page of
// each kind: photographs it on a phone and on a desk, in light and in dark, asks axe about it, and fails when the browser finds
// something against the Content Security Policy, or a page is wider than a small phone.
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
  const path = pathname.replace(/\/[a-z_]+_[0-9A-HJKMNP-TV-Z]{26}/g, "/one").replace(/^\/dashboard\/?/, "").replace(/^env\/[^/]+/, "env");
  const asked = [...searchParams.keys()].filter((name) => !["after", "before", "token", "flow"].includes(name)).sort();
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

const seen = new Set([kind(link)]);
const ahead = [page.url()];
let count = 1;
while (ahead.length > 0) {
  const address = ahead.shift();
  const name = kind(address);
  if (seen.has(name) || /sign-out|download/.test(name)) continue;
  seen.add(name);
  const answer = await page.goto(address);
  if (!answer.ok()) {
    complain(name, `${address} is ${answer.status()}`);
    continue;
  }
  if (!(answer.headers()["content-type"] ?? "").startsWith("text/html")) continue;
  const links = await page.evaluate(() => [...document.querySelectorAll('a[href^="/dashboard"]')].map((one) => one.href));
  ahead.push(...links);
  if (only.length > 0 && !only.some((part) => name.includes(part))) continue;
  await photograph(name);
  count += 1;
}
await browser.close();
console.log(`${count} pages, ${wrong} complaints`);
process.exit(wrong === 0 ? 0 : 1);
