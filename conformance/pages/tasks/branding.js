// Branding: what is typed is seen on the real pages before it is saved, and on the pages themselves afterwards.
import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";

const LOGO = fileURLToPath(new URL("../../../scripts/photograph-dashboard-logo.png", import.meta.url));
const ground = (locator) => locator.evaluate((element) => getComputedStyle(element).backgroundColor);

export const tasks = {
  "a colour, a name and a logo are seen in the preview, saved, and on the sign-in page": async (world) => {
    const { owner } = world;
    const partner = await world.partner("Looking");
    const visitor = await world.visitor({ colorScheme: "light" });
    const { url } = world.authorize(partner.client_id);
    const button = () => visitor.page.getByRole("button", { name: "Continue" });
    await visitor.open(url);
    const before = await ground(button());
    await owner.section("Branding");
    const preview = owner.page.frameLocator("iframe:not(.waits)");
    await owner.type("Name of the product", "Alpenglow & Co");
    await owner.page.getByLabel("Buttons", { exact: true }).fill("#7c2d92");
    await preview.getByText("Alpenglow & Co").first().waitFor();
    // A press shows the page anew, whatever came before it.
    await owner.page.getByRole("button", { name: "Sign-in", exact: true }).click();
    await preview.getByLabel("Email address").waitFor();
    const drawn = preview.getByRole("button", { name: "Continue", includeHidden: true });
    await drawn.waitFor();
    await owner.page.waitForFunction(() => !document.querySelector("iframe.waits"));
    assert.equal(await ground(drawn), "rgb(124, 45, 146)");
    await owner.page.getByRole("button", { name: "Consent", exact: true }).click();
    await preview.getByRole("button", { name: "Allow", includeHidden: true }).waitFor();
    await visitor.open(url);
    assert.equal(await ground(button()), before, "nothing is saved by looking");
    await owner.page.getByLabel("Logo", { exact: true }).setInputFiles(LOGO);
    await owner.press("Save");
    await owner.reads("Saved.");
    await visitor.open(url);
    assert.equal(await ground(button()), "rgb(124, 45, 146)");
    await visitor.page.getByRole("img", { name: "Alpenglow & Co" }).waitFor();
    assert.match(await visitor.page.title(), /Alpenglow & Co/);
  },

  "a colour that cannot be read is warned about; what is no colour is refused with words": async (world) => {
    const { owner } = world;
    await owner.section("Branding");
    await owner.page.getByLabel("Buttons", { exact: true }).fill("#fffde7");
    await owner.page.locator("[data-preview-warnings]").filter({ hasText: /./ }).waitFor();
    await owner.press("Save");
    await owner.reads("Some of it will look different from what you chose");
    await owner.page.locator("#branding").evaluate((form) => (form.noValidate = true));
    await owner.page.getByLabel("Buttons", { exact: true }).fill("red");
    await owner.press("Save");
    await owner.page.getByRole("alert").waitFor();
    assert.equal(await owner.page.getByLabel("Buttons", { exact: true }).inputValue(), "red");
    await owner.page.getByLabel("Buttons", { exact: true }).fill("");
    await owner.type("Name of the product", "");
    await owner.page.getByLabel("Remove it").first().check();
    await owner.press("Save");
    await owner.reads("Saved.");
    assert.equal(await owner.page.getByLabel("Remove it").count(), 0);
  },
};
