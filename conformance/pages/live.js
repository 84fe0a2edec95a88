// What the dashboard does by itself where scripts run: events appear while nothing is open, and wait while something is; the
// preview follows what is typed, and nothing of it is kept.
//
//   node live.js BASE_URL API_KEY
import { chromium } from "playwright-core";
import { expect } from "./expect.js";

const [base, key] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const page = await (await browser.newContext({ locale: "en" })).newPage();
const complaints = [];
page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
const organization = async (name) => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(`${base}/organizations`, { method: "POST", headers, body: JSON.stringify({ name }) });
  expect(answer.status === 201, `an organization: ${answer.status}`);
};

await page.goto(`${base}/dashboard/env/default/events`);
await page.getByLabel("Email address").fill("ada@example.com");
await page.getByRole("button", { name: "Continue" }).click();
await page.getByLabel("Password", { exact: true }).fill("violet-tractor-humming-42");
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForURL(`${base}/dashboard/env/default/events`);

const first = page.locator(".log li").first();
const status = page.locator("[data-live-status]");
await organization("Appears");
await first.locator("summary").getByText("Appears").waitFor();
expect((await status.textContent()).includes("1 new event"), "it is told");
await first.locator("summary").click();
await organization("Waits");
await status.getByText("goes on when the open row is closed").waitFor();
expect((await first.locator("summary").textContent()).includes("Appears"), "nothing moves while a row is open");
await first.locator("summary").click();
await page.locator("h1").click();
await page.evaluate(() => document.activeElement.blur());
await first.locator("summary").getByText("Waits").waitFor();
await page.getByRole("link", { name: "Pause" }).click();
await page.getByText("Paused").waitFor();
expect((await page.locator("[data-live]").count()) === 0, "paused is paused");
await page.getByRole("link", { name: "Resume" }).click();
await page.locator("[data-live]").waitFor();

await page.goto(`${base}/dashboard/env/default/branding`);
const entries = await page.evaluate(() => history.length);
const shown = () => page.frameLocator('iframe:not(.waits)');
await page.getByLabel("Name of the product").fill("Typed & seen");
await page.getByLabel("Logo", { exact: true }).waitFor();
await page.getByLabel("Remove it").check();
await shown().getByText("Typed & seen").first().waitFor();
await page.getByLabel("Buttons", { exact: true }).fill("#ffe66d");
await page.getByText("is hard to see").first().waitFor();
await page.locator("#scheme").selectOption("dark");
await page.getByRole("button", { name: "Consent" }).click();
await shown().getByText("Read reports").waitFor();
const ground = await shown().locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
expect(ground !== "rgb(245, 245, 247)", `the preview is dark: ${ground}`);
const inside = await shown().locator("body").evaluate((body) => body.inert);
expect(inside === true, "nothing in it can be clicked");
await page.getByRole("button", { name: "Mail" }).click();
await shown().getByText("482913").first().waitFor();
expect((await page.evaluate(() => history.length)) === entries, "a preview leaves no steps to go back");
await page.reload();
expect((await page.getByLabel("Name of the product").inputValue()) === "Summit", "nothing of it is kept");
await browser.close();
expect(complaints.length === 0, complaints.join("\n"));
console.log("live: events and preview");
