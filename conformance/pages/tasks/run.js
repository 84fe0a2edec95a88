// Does what people do in the dashboard and on an organization's own page, one task after the other, in a real browser, and looks
// at what they then see and at what programs then get. Ends with 1 when anything is otherwise.
//
//   node run.js PROGRAM DATA BASE_URL OWNERS_LINK API_KEY [GROUP...]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Person } from "./person.js";
import { Receiver } from "./receiver.js";
import { World } from "./world.js";
import * as applications from "./applications.js";
import * as branding from "./branding.js";
import * as connect from "./connect.js";
import * as environments from "./environments.js";
import * as keys from "./keys.js";
import * as people from "./people.js";
import * as portal from "./portal.js";
import * as staff from "./staff.js";
import * as watch from "./watch.js";

const GROUPS = { staff, environments, applications, people, connect, branding, watch, keys, portal };
const [program, data, base, link, key, ...only] = process.argv.slice(2);
if (!key || only.some((name) => !GROUPS[name])) {
  console.error(`usage: node run.js PROGRAM DATA BASE_URL OWNERS_LINK API_KEY [GROUP...], of ${Object.keys(GROUPS).join(", ")}`);
  process.exit(2);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const world = new World({ program, data, base, key, browser, receiver: await Receiver.open() });
const groups = Object.entries(GROUPS).filter(([name]) => only.length === 0 || only.includes(name));
let [count, failed] = [0, 0];
async function perform(group, what, task) {
  const begin = Date.now();
  const known = Person.complaints.length;
  try {
    await task(world);
    if (Person.complaints.length > known) throw new Error(Person.complaints.slice(known).join("\n"));
    console.log(`${String(Date.now() - begin).padStart(6)} ms  ${group}: ${what}`);
  } catch (error) {
    failed += 1;
    console.error(`FAILED: ${group}: ${what}\n${error.stack}`);
    await tell(failed);
  }
  for (const person of [...Person.present]) if (person !== world.owner) await person.leave();
  count += 1;
}
// Where everybody is, and what they see.
async function tell(failure) {
  const folder = process.env.WALK_PHOTOGRAPHS;
  if (folder) mkdirSync(folder, { recursive: true });
  let number = 0;
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    number += 1;
    console.error(`-- ${page.url()}\n${(await page.locator("body").innerText().catch(() => "")).slice(0, 3000)}`);
    if (folder) await page.screenshot({ path: join(folder, `${failure}-${number}.png`), fullPage: true });
  }
}

await perform("staff", "the first owner comes in by the link that the first start prints", async () => {
  world.owner = await world.visitor();
  world.link = link;
  await world.owner.isWelcomed(link, "ada@company.example");
  await world.owner.heading("default");
});
for (const [name, { tasks }] of groups) {
  for (const [what, task] of Object.entries(tasks)) await perform(name, what, task);
}
await browser.close();
world.receiver.server.close();
console.log(`${count} tasks in ${Math.round(performance.now() / 1000)} s, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
