// Walks through the pages of a running, branded server as a person does, photographs each on a phone and on a desk, in light
// and in dark, and fails when a browser finds something against the Content Security Policy, a document is missing, or a
// page moves while it loads.
//
//   node branded.js draw FOLDER                        draws the logos that the server is branded with
//   node branded.js walk BASE_URL API_KEY PHOTOGRAPHS  walks
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [act, ...rest] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const svg = (box, content) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${box}">${content}</svg>`;
const mark = (ground, ink) =>
  `<rect width="48" height="48" rx="11" fill="${ground}"/><path d="M13 31 24 14l11 17M17.5 25.5h13" fill="none" stroke="${ink}" stroke-width="4.5" stroke-linecap="round" stroke-linejoin="round"/>`;
const word = (ink) =>
  `<text x="62" y="34" font-family="DejaVu Sans, sans-serif" font-weight="700" font-size="29" letter-spacing="-0.5" fill="${ink}">Alpenglow</text>`;
const drawings = {
  "logo.png": [960, 192, svg("240 48", mark("#7c2d92", "#fff") + word("#1c1424"))],
  "logo-dark.png": [960, 192, svg("240 48", mark("#d69be6", "#1c1424") + word("#f6effa"))],
  "icon.png": [256, 256, svg("48 48", mark("#7c2d92", "#fff"))],
  "partner.png": [256, 256, svg("48 48", `<circle cx="24" cy="24" r="24" fill="#0f766e"/><path d="M14 31v-7m7 7V15m7 16V20m7 11v-5" stroke="#fff" stroke-width="4.5" stroke-linecap="round"/>`)],
};

async function draw(folder) {
  const page = await browser.newPage();
  for (const [name, [width, height, drawing]] of Object.entries(drawings)) {
    await page.setViewportSize({ width, height });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw}</style>${drawing}`);
    writeFileSync(join(folder, name), await page.screenshot({ omitBackground: true }));
  }
}

const PASSWORD = "violet-tractor-humming-42";

async function manage(base, key, path, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function walk(base, key, folder) {
  mkdirSync(folder, { recursive: true });
  let wrong = 0;
  const { data: applications } = await manage(base, key, "/connect/applications");
  const client = applications.find((application) => application.name === "Summit Reports").client_id;
  const authorize = (email) =>
    `${base}/oauth2/authorize?response_type=code&client_id=${client}&redirect_uri=${encodeURIComponent("http://localhost:9/cb")}` +
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" +
    `&scope=openid+email+offline_access+reports:read&login_hint=${encodeURIComponent(email)}`;
  const northwind = await manage(base, key, "/organizations", { name: "Northwind Traders" });
  const contoso = await manage(base, key, "/organizations", { name: "Contoso" });
  for (const width of [375, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const email = `ada.${width}.${colorScheme}@example.com`;
      const user = await manage(base, key, "/user_management/users", {
        email, email_verified: true, first_name: "Ada", last_name: "Lovelace", password: PASSWORD,
      });
      for (const organization of [northwind, contoso]) {
        await manage(base, key, "/user_management/organization_memberships", { user_id: user.id, organization_id: organization.id });
      }
      const viewport = { width, height: width < 500 ? 720 : 800 };
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", locale: "en" });
      const page = await context.newPage();
      const complain = (what) => {
        wrong += 1;
        console.error(`${width} ${colorScheme} ${page.url().split("?")[0]}: ${what}`);
      };
      page.on("console", (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) complain(message.text());
      });
      page.on("response", (answer) => {
        if (/\/(branding|assets)\//.test(answer.url()) && !answer.ok()) complain(`${answer.url()} is ${answer.status()}`);
      });
      await page.addInitScript(() => {
        window.moved = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.moved += entry.value)))
          .observe({ type: "layout-shift", buffered: true });
      });
      // The application: that the browser is sent there is all that counts.
      await page.route("http://localhost:9/**", (route) => route.fulfill({ body: "There." }));
      const photograph = async (name) => {
        // The page between a form and what it leads to goes on by itself.
        await page.locator("meta[http-equiv=refresh]").waitFor({ state: "detached" });
        await page.waitForLoadState("load");
        const moved = await page.evaluate(() => window.moved);
        if (moved > 0) complain(`moved by ${moved} while loading`);
        const broken = await page.evaluate(() => [...document.images].filter((image) => image.naturalWidth === 0).length);
        if (broken > 0) complain(`${broken} broken pictures`);
        await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      };
      const press = (name) => page.getByRole("button", { name, exact: true }).click();

      await page.goto(authorize(email));
      await photograph("sign-in");
      await press("Continue");
      await photograph("password");
      await page.getByLabel("Password").fill("wrong");
      await press("Sign in");
      await photograph("password-wrong");
      await press("Email me a code instead");
      await photograph("code");
      await page.goto(authorize(email));
      await press("Continue");
      await page.getByLabel("Password").fill(PASSWORD);
      await press("Sign in");
      await photograph("consent");
      await page.getByLabel("Northwind Traders").check();
      await press("Allow");
      await page.waitForURL("http://localhost:9/**");
      await page.goto(`${base}/account`);
      await photograph("account");
      await page.goto(`${base}/device`);
      await photograph("device");
      const asked = await fetch(`${base}/oauth2/device_authorization`, {
        method: "POST",
        body: new URLSearchParams({ client_id: client, scope: "openid" }),
      });
      await page.goto((await asked.json()).verification_uri_complete);
      await press("Continue");
      await photograph("device-confirm");
      await press("Yes, continue");
      await photograph("device-organization");
      await page.goto(`${base}/sign-out`);
      await photograph("sign-out");
      await press("Sign out");
      await photograph("signed-out");
      await page.goto(`${base}/sign-up`);
      await photograph("sign-up");
      await page.goto(`${base}/forgot-password`);
      await photograph("forgot-password");
      await page.getByLabel("Email address").fill(email);
      await press("Send link");
      await photograph("forgot-password-sent");
      await page.goto(`${base}/oauth2/error`);
      await photograph("error");
      await page.goto(`${base}/dev/mailbox`);
      await photograph("mailbox");
      await page.getByRole("link", { name: "Choose a new password" }).first().click();
      await photograph("mailbox-message");
      await page.getByRole("link", { name: "/reset-password" }).click();
      await photograph("reset-password");
      await context.close();
    }
  }
  console.log(`walked, ${wrong} complaints`);
  return wrong === 0 ? 0 : 1;
}

let code = 0;
if (act === "draw" && rest.length === 1) await draw(rest[0]);
else if (act === "walk" && rest.length === 3) code = await walk(...rest);
else {
  console.error("usage: node branded.js draw FOLDER | walk BASE_URL API_KEY PHOTOGRAPHS");
  code = 2;
}
await browser.close();
process.exit(code);
