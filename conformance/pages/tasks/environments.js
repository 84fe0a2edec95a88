// Environments: making them, their keys, their settings; going from one to another.
import { strict as assert } from "node:assert";

async function make(world, name, kind) {
  const { owner } = world;
  const issuer = `http://${name}.localhost:${new URL(world.base).port}`;
  await owner.section("Environments");
  await owner.follow("New environment");
  await owner.type("Name", name);
  await owner.choose(kind);
  await owner.type("Issuer", issuer);
  await owner.press("Create environment");
  await owner.heading(`${name} is ready`);
  return issuer;
}

export const tasks = {
  "production and staging are made, each with an issuer and a key of its own": async (world) => {
    const { owner } = world;
    for (const [name, kind] of [["production", "Production"], ["staging", "Staging"]]) {
      const issuer = await make(world, name, kind);
      const key = await owner.copies("Copy API key");
      assert.equal(await owner.copies("Copy issuer"), issuer);
      const discovery = await world.call(`${issuer}/.well-known/openid-configuration`);
      assert.equal(discovery.json().issuer, issuer);
      // Its key opens it, and it alone.
      await world.manage("POST", "/organizations", { name: `Only in ${name}` }, key);
      await owner.follow(`Go to ${name}`);
      await owner.reads(kind === "Production" ? "Production: for real users" : "Staging: for trying things out");
      assert.equal(await owner.copies("Copy Issuer"), issuer);
      assert.equal(await owner.copies("Copy API base URL"), world.base);
      await owner.section("Organizations");
      await owner.reads(`Only in ${name}`);
      assert.equal(await owner.page.getByRole("row").count(), 2, "a heading and one organization");
      await owner.section("Environments");
      await owner.readsNothingOf(key);
    }
    const { data } = await world.manage("GET", "/organizations?limit=100");
    assert.ok(!data.some(({ name }) => name.startsWith("Only in")), "nothing in one is seen in another");
  },

  "a name that is taken is refused with words, and what was typed stays": async (world) => {
    const { owner } = world;
    await owner.section("Environments");
    await owner.follow("New environment");
    await owner.type("Name", "default");
    await owner.choose("Production");
    await owner.type("Issuer", "https://id.example.com");
    await owner.press("Create environment");
    await owner.reads("The name belongs to another environment");
    assert.equal(await owner.field("Issuer").inputValue(), "https://id.example.com");
    assert.ok(await owner.page.getByRole("radio", { name: /^Production/ }).isChecked());
  },

  "in the menu one goes from an environment to another; Escape closes it": async (world) => {
    const { owner } = world;
    await owner.open(world.at(""));
    const menu = owner.page.locator("summary", { hasText: "default" });
    await menu.click();
    await owner.page.getByRole("link", { name: /^staging/ }).waitFor();
    await owner.page.keyboard.press("Escape");
    await owner.page.getByRole("link", { name: /^staging/ }).waitFor({ state: "hidden" });
    assert.ok(await menu.evaluate((element) => element === document.activeElement), "the focus is where it was");
    await menu.click();
    await owner.follow("staging");
    await owner.heading("staging");
    assert.equal(owner.path(), "/dashboard/env/staging");
  },

  "settings count for the next token; what cannot be is refused with words": async (world) => {
    const { owner } = world;
    const machine = await world.machine("Settings");
    assert.equal((await world.token(machine.client_id, machine.secret)).expires_in, 300);
    await owner.section("Environments");
    await owner.leads(() => owner.page.getByRole("link", { name: "Settings of default" }).click());
    await owner.type("Access tokens are valid for", "soon");
    await owner.press("Save");
    await owner.reads("write a number and a unit");
    assert.equal(await owner.field("Access tokens are valid for").inputValue(), "soon");
    await owner.type("Access tokens are valid for", "10 minutes");
    await owner.press("Save");
    await owner.reads("Saved.");
    assert.equal((await world.token(machine.client_id, machine.secret)).expires_in, 600);
  },
};
