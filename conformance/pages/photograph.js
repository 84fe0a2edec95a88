// Photographs every page of a preview, on a phone and on a desk, in light and in dark, and asks axe about each.
//
//   node photograph.js PREVIEW PHOTOGRAPHS [PART OF A NAME...]
import { readdirSync, readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [preview, photographs, ...only] = process.argv.slice(2);
if (!photographs) {
  console.error("usage: node photograph.js PREVIEW PHOTOGRAPHS [PART OF A NAME...]");
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const pages = readdirSync(preview)
  .filter((name) => name.endsWith(".html") && (only.length === 0 || only.some((part) => name.includes(part))))
  .sort();
if (pages.length === 0) throw new Error(`no pages in ${preview}`);
mkdirSync(photographs, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
let wrong = 0;
const complain = (name, what) => {
  wrong += 1;
  console.error(`${name}: ${what}`);
};
for (const width of [375, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({
      viewport: { width, height: width < 500 ? 720 : 860 },
      colorScheme,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    // A page that goes on by itself stays to be photographed: 204 leaves the browser where it is.
    let shown = "";
    await page.route("**/*", (route) =>
      route.request().isNavigationRequest() && route.request().url() !== shown ? route.fulfill({ status: 204 }) : route.continue(),
    );
    for (const file of pages) {
      const name = `${file.replace(/\.html$/, "")}-${width}-${colorScheme}`;
      shown = pathToFileURL(resolve(preview, file)).href;
      await page.goto(shown);
      await page.screenshot({ path: join(photographs, `${name}.png`), fullPage: true });
      // Mails are read in mail programs, which draw them their own way.
      if (file.startsWith("mail-")) continue;
      await page.evaluate(axe);
      const { violations } = await page.evaluate((rules) => window.axe.run({ runOnly: rules }), rules);
      for (const violation of violations) {
        for (const node of violation.nodes) complain(name, `${violation.id}: ${node.target} ${node.failureSummary}`);
      }
      // WCAG 1.4.10: at 320 pixels nothing is scrolled sideways.
      if (width < 500) {
        await page.setViewportSize({ width: 320, height: 720 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 320) complain(name, `is ${wide} pixels wide at 320`);
        await page.setViewportSize({ width, height: 720 });
      }
    }
    await context.close();
  }
}
await browser.close();
console.log(`${pages.length} pages, ${wrong} violations`);
process.exit(wrong === 0 ? 0 : 1);
