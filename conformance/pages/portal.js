// Visits an organization's own page by a link, as a customer's administrator does, and photographs each part of it on a phone
// and on a desk, in light and in dark; asks axe about it, and fails when the browser finds something against the Content
// Security Policy, or a page is wider than a small phone.
//
//   node portal.js BASE_URL API_KEY PHOTOGRAPHS
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [base, key, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node portal.js BASE_URL API_KEY PHOTOGRAPHS");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PASSWORD = "violet-tractor-humming-42";

async function manage(method, path, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const { data: organizations } = await manage("GET", "/organizations?limit=100");
const organization = (name) => organizations.find((one) => one.name === name).id;
const [northwind, empty] = [organization("Northwind Traders"), organization("Contoso")];
const { data: applications } = await manage("GET", "/connect/applications?limit=100");
const application = (name) => applications.find((one) => one.name === name);
await manage("POST", `/connect/applications/${application("Nightly export").id}/client_secrets`, {});
await manage("POST", `/organizations/${northwind}/api_keys`, { name: "Data warehouse", permissions: ["reports:read"] });
await manage("POST", `/organizations/${northwind}/api_keys`, { name: "Trial", expires_at: "2027-06-30T12:00:00.000Z" });
const user = await manage("POST", "/user_management/users", { email: "ada@example.com", first_name: "Ada", email_verified: true, password: PASSWORD });
await manage("POST", "/user_management/organization_memberships", { user_id: user.id, organization_id: northwind });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
let wrong = 0;
let count = 0;
const complain = (name, what) => {
  wrong += 1;
  console.error(`${name}: ${what}`);
};

async function visitor(locale) {
  const context = await browser.newContext({ reducedMotion: "reduce", locale });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) complain(page.url(), message.text());
  });
  page.on("pageerror", (error) => complain(page.url(), error));
  return page;
}

async function photograph(page, name) {
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: width < 500 ? 720 : 860 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
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
  count += 1;
}

// Somebody of the customer's connects an application.
const member = await visitor("en");
await member.goto(
  `${base}/oauth2/authorize?response_type=code&client_id=${application("Summit Reports").client_id}&redirect_uri=${encodeURIComponent("http://localhost:9/cb")}` +
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=openid+email+reports:read",
);
await member.getByLabel("Email address").fill("ada@example.com");
await member.getByRole("button", { name: "Continue" }).click();
await member.getByLabel("Password").fill(PASSWORD);
await member.getByRole("button", { name: "Sign in" }).click();
await member.getByRole("button", { name: "Allow" }).click().catch(() => {});
await member.waitForURL(/localhost:9/).catch(() => {});

const open = async (page, organization, more = {}, asked = undefined) => {
  const { link } = await manage("POST", "/portal/generate_link", { organization, return_url: "https://alpenglow.example/settings", ...more });
  const answer = await page.goto(link);
  if (asked) {
    // Where the page of another organization is open, people say first that they want to leave it.
    await photograph(page, asked);
    await page.locator("form button.primary").click();
    await page.waitForURL((url) => url.href.startsWith(`${base}/portal/`) && !url.href.includes("open"));
  } else if (!answer.ok() || !page.url().startsWith(`${base}/portal/`) || page.url().includes("token")) {
    complain("open", `a browser is not let in at once: ${answer.status()} ${page.url()}`);
  }
  return link;
};

for (const locale of ["en", "de"]) {
  const page = await visitor(locale);
  const name = (text) => `${text}-${locale}`;
  await open(page, empty);
  await photograph(page, name("machines-none"));
  await page.goto(`${base}/portal/api-keys`);
  await photograph(page, name("keys-none"));
  await page.goto(`${base}/portal/connections`);
  await photograph(page, name("connections-none"));
  await page.goto(`${base}/portal/domains`);
  await photograph(page, name("domains-none"));

  const used = await open(page, northwind, { success_url: "https://alpenglow.example/done" }, name("open-another"));
  await page.goto(`${base}/portal/machines/new`);
  await page.locator("#name").fill(`Stock levels ${locale}`);
  await page.locator("[name='scope_reports:read']").check();
  await photograph(page, name("machine-new"));
  await page.locator("form.sheet button").click();
  await photograph(page, name("machine-made"));
  await page.goto(`${base}/portal/machines`);
  await page.locator(".danger summary").first().click();
  await photograph(page, name("machine-revoking"));
  await page.locator(".danger[open] button").click();
  await photograph(page, name("machine-revoked"));
  await page.goto(`${base}/portal/api-keys/new`);
  await page.locator("form.sheet").evaluate((form) => (form.noValidate = true));
  await page.locator("form.sheet button").click();
  await photograph(page, name("key-refused"));
  await page.locator("#name").fill(`Warehouse ${locale}`);
  await page.locator("form.sheet button").click();
  await photograph(page, name("key-made"));
  await page.goto(`${base}/portal/connections`);
  await photograph(page, name("connections"));
  await page.goto(`${base}/portal/domains`);
  await photograph(page, name("domains"));
  await page.locator(".bar form button").click();
  await photograph(page, name("left"));
  await page.goto(used);
  await photograph(page, name("used-link"));
}
// What a program that looks at links is shown, and an old browser.
const { link } = await manage("POST", "/portal/generate_link", { organization: empty });
const old = await visitor("en");
await old.route(/portal\/open/, async (route) => route.fulfill({ response: await old.request.get(link) }));
await old.goto(link);
await photograph(old, "open");
// A member whose role opens nothing of it; then one who has it in two organizations; and a link that never was one.
for (const locale of ["en", "de"]) {
  const page = await visitor(locale);
  const name = (text) => `${text}-${locale}`;
  const email = `grace-${locale}@example.com`;
  const grace = await manage("POST", "/user_management/users", { email, email_verified: true, password: PASSWORD });
  await manage("POST", "/user_management/organization_memberships", { user_id: grace.id, organization_id: northwind });
  await page.goto(`${base}/portal`);
  await page.locator("#email").fill(email);
  await page.locator("form:has(#email) button.primary").click();
  await page.locator("#password").fill(PASSWORD);
  await page.locator("form:has(#password) button.primary").click();
  await photograph(page, name("not-open"));
  await page.goto(`${base}/portal/open?token=gone`);
  await photograph(page, name("no-link"));
  if (locale === "en") {
    await manage("POST", "/authorization/permissions", { slug: "widgets:api-keys:manage", name: "Manage credentials" });
    await manage("POST", "/authorization/roles", { slug: "it-admin", name: "IT administrator" });
    await manage("POST", "/authorization/roles/it-admin/permissions", { slug: "widgets:api-keys:manage" });
  }
  for (const organization_id of [northwind, empty]) {
    const { data } = await manage("GET", `/user_management/organization_memberships?user_id=${grace.id}&organization_id=${organization_id}`);
    if (data.length > 0) await manage("PUT", `/user_management/organization_memberships/${data[0].id}`, { role_slug: "it-admin" });
    else await manage("POST", "/user_management/organization_memberships", { user_id: grace.id, organization_id, role_slug: "it-admin" });
  }
  await page.goto(`${base}/portal`);
  await photograph(page, name("choose"));
}
await browser.close();
console.log(`${count} pages, ${wrong} complaints`);
process.exit(wrong === 0 ? 0 : 1);
