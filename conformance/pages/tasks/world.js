// What the tasks share: the server, the key that its first start printed, and what programs see of it from outside.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Person, PASSWORD } from "./person.js";

const encode = (fields) => new URLSearchParams(fields).toString();

// Asks again, with a pause, until it holds; fails when who asks later than that is still told otherwise. How long an answer takes
// on a busy machine is no matter.
export async function within(milliseconds, what, holds) {
  const begin = Date.now();
  for (;;) {
    const asked = Date.now() - begin;
    const found = await holds();
    if (found) return found;
    assert.ok(asked < milliseconds, `${what}: not within ${milliseconds} ms`);
    await pause(50);
  }
}

export class World {
  constructor(given) {
    Object.assign(this, given);
    this.redirectUri = `${this.receiver.base}/callback`;
  }

  // A request as any program makes it. Names below localhost are this machine, whatever its resolver says.
  call(url, { method = "GET", headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const lookup = (name, options, found) => (options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4));
      const asked = request(url, { method, headers, lookup }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) });
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  // The management API.
  async manage(method, path, body, key = this.key) {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await this.call(this.base + path, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text && answer.json();
  }

  form(path, fields, issuer = this.base) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return this.call(issuer + path, { method: "POST", headers, body: encode(fields) });
  }

  // A machine's token.
  async token(client_id, client_secret, issuer = this.base) {
    const answer = await this.form("/oauth2/token", { grant_type: "client_credentials", client_id, client_secret }, issuer);
    return { status: answer.status, ...answer.json() };
  }

  async introspect(token) {
    this.watcher ??= await this.machine("Watcher");
    const answer = await this.form("/oauth2/introspection", { token, client_id: this.watcher.client_id, client_secret: this.watcher.secret });
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  async isActive(token) {
    return (await this.introspect(token)).active;
  }

  // The token is dead at introspection within a second of now.
  async dies(token, what) {
    await within(1_000, `${what} is dead`, async () => !(await this.isActive(token)));
  }

  // What a task needs to be there before it begins: made by the API.
  organization(name) {
    return this.manage("POST", "/organizations", { name });
  }

  async permission(slug, name) {
    const { data } = await this.manage("GET", "/authorization/permissions?limit=100");
    return data.find((known) => known.slug === slug) ?? this.manage("POST", "/authorization/permissions", { slug, name });
  }

  async machine(name, scopes = [], organization) {
    const organization_id = organization ?? (await this.organization(`${name} Ltd`)).id;
    const made = await this.manage("POST", "/connect/applications", { name, application_type: "m2m", organization_id, scopes });
    const { id: secret_id, secret } = await this.manage("POST", `/connect/applications/${made.id}/client_secrets`, {});
    return { ...made, organization_id, secret_id, secret };
  }

  // A partner's application.
  async partner(name, scopes = []) {
    const publisher = await this.organization(`${name} GmbH`);
    return this.manage("POST", "/connect/applications", {
      name, application_type: "oauth", is_first_party: false, organization_id: publisher.id, uses_pkce: true, scopes,
      redirect_uris: [{ uri: this.redirectUri, default: true }],
    });
  }

  async user(email, ...organizations) {
    const made = await this.manage("POST", "/user_management/users", { email, first_name: email.split("@")[0], email_verified: true, password: PASSWORD });
    for (const organization_id of organizations) {
      await this.manage("POST", "/user_management/organization_memberships", { user_id: made.id, organization_id });
    }
    return made;
  }

  // The default environment, as programs know it: its own client, read from the page that says it.
  async environment() {
    if (!this.known) {
      const page = await this.owner.anotherTab();
      await page.open(this.at(""));
      const facts = await page.page.locator("dl.facts code").allTextContents();
      await page.page.close();
      this.known = { client_id: facts.find((fact) => fact.startsWith("client_")) };
    }
    return this.known;
  }

  // Where an application sends people, and what it keeps to redeem the code.
  authorize(client_id, fields = {}) {
    const verifier = randomBytes(32).toString("base64url");
    const code_challenge = createHash("sha256").update(verifier).digest("base64url");
    const asked = { response_type: "code", client_id, redirect_uri: this.redirectUri, scope: "openid email", code_challenge, code_challenge_method: "S256", ...fields };
    return { verifier, url: `${this.base}/oauth2/authorize?${encode(asked)}` };
  }

  async redeem(client_id, code, code_verifier, fields = {}) {
    const asked = { grant_type: "authorization_code", client_id, code, code_verifier, redirect_uri: this.redirectUri, ...fields };
    return (await this.form("/oauth2/token", asked)).json();
  }

  // Somebody lets a public application in; the token it gets.
  async lets(visitor, { client_id }, email, scope = "openid email") {
    const { url, verifier } = this.authorize(client_id, { scope });
    await visitor.open(url);
    if (email) await visitor.signsIn(email);
    await visitor.press("Allow");
    await visitor.heading("Back at the application");
    const { access_token } = await this.redeem(client_id, this.receiver.takeCode(), verifier);
    assert.ok(access_token);
    return access_token;
  }

  at(path, environment = "default") {
    return `${this.base}/dashboard/env/${environment}${path}`;
  }

  visitor(options) {
    return Person.arrive(this.browser, options);
  }

  // A member of staff with a role, made by the owner's link.
  async staff(role) {
    const owner = await this.owner.anotherTab();
    await owner.open(`${this.base}/dashboard/staff`);
    await owner.choose(role);
    await owner.press("Create a link to hand over");
    const link = await owner.page.getByRole("status").locator("code").textContent();
    await owner.page.close();
    const person = await this.visitor();
    this.count = (this.count ?? 0) + 1;
    person.email = `${role.toLowerCase().replace("-", ".")}${this.count}@company.example`;
    await person.isWelcomed(link, person.email);
    return Object.assign(person, { link });
  }

  // What is pasted into a shell.
  shell(script, env = {}) {
    return this.run("bash", ["-ec", script], env);
  }

  run(program, args, env = {}) {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { env: { ...process.env, ...env } });
      let [said, wrong] = ["", ""];
      child.stdout.on("data", (chunk) => (said += chunk));
      child.stderr.on("data", (chunk) => (wrong += chunk));
      child.on("error", reject);
      child.on("close", (code) => (code === 0 ? resolve(said) : reject(new Error(`${program} ended with ${code}: ${said}${wrong}`))));
      child.stdin.end();
    });
  }
}
