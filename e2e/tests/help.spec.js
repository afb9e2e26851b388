// The help page: its walks are read from the page and done, word by word, by everybody in the demo.
import { expect, test } from "@playwright/test";
import { Demo } from "../demo.js";
import { signIn } from "../site.js";

// A step that names what is not there is told soon.
test.use({ actionTimeout: 15_000 });

let demo;
test.beforeAll(async () => {
  test.setTimeout(240_000);
  demo = await Demo.begin({ hasPast: false });
});
test.afterAll(() => demo?.end());

// What each kind of step is, done by the names that stand in its sentence.
const DEEDS = {
  menu: (page, [name]) => menu(page).getByRole("link", { name, exact: true }).click(),
  open: (page, [name]) => named(page, "link", name).click(),
  press: (page, [name]) => named(page, "button", name).click(),
  row: async (page, [dots, name]) => {
    expect(dots).toBe("⋯");
    await main(page).locator("tbody [data-menu]").first().click();
    await page.locator(".menu:popover-open").getByRole("link", { name }).click();
  },
  choose: async (page, [field, option]) => {
    const select = main(page).getByLabel(field, { exact: true });
    await select.selectOption({ label: option });
    await page.waitForLoadState();
    await expect(select.locator("option:checked")).toHaveText(option);
  },
  write: (page, [field, text]) => main(page).getByLabel(field, { exact: true }).fill(text),
  see: (page, [words]) =>
    expect(main(page).getByText(words, { exact: true }).first()).toBeVisible({ timeout: 20_000 }),
  look: (page, [name]) => expect(main(page).getByText(name, { exact: true }).first()).toBeVisible(),
  take: async (page, [name]) => {
    const saved = page.waitForEvent("download");
    await named(page, "button", name).click();
    expect((await saved).suggestedFilename()).toMatch(/\.\w+$/);
  },
};
const main = (page) => page.getByRole("main");
const menu = (page) => page.getByRole("navigation", { name: "Main" });
// By the words that one sees: an accessible name may say more.
const named = (page, role, words) => main(page).getByRole(role).filter({ hasText: words, visible: true }).first();

async function walks(page) {
  await menu(page).getByRole("link", { name: "Help" }).click();
  return main(page).locator("section:has(ol.walk)").evaluateAll((sections) =>
    sections.map((section) => ({
      title: section.querySelector("h2").textContent,
      steps: [...section.querySelectorAll("li")].map((step) => ({
        act: step.dataset.act,
        names: [...step.querySelectorAll("b")].map((name) => name.textContent),
        words: step.innerText,
      })),
    })),
  );
}

for (const role of ["administrator", "editor", "viewer"]) {
  test(`what the help tells a person who is ${role} can be done as it says`, async ({ page }) => {
    test.setTimeout(240_000);
    await signIn(page, demo, demo.people[role], demo.password);
    const told = await walks(page);
    expect(told.length).toBe(3);
    for (const { title, steps } of told) {
      expect(steps.length, title).toBeGreaterThan(3);
      for (const { act, names, words } of steps) {
        await test.step(`${title}: ${words}`, () => DEEDS[act](page, names));
      }
    }
  });
}

test("the help is a key away, and says what each state and right is", async ({ page }) => {
  await signIn(page, demo, demo.people.viewer, demo.password);
  await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
  // The keys are heard once the script is there.
  await page.waitForLoadState();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByRole("link", { name: "Help" }).click();
  for (const state of ["Pending", "Building", "Ready", "Failed", "Cancelled", "Expired", "Deleted"]) {
    await expect(page.locator("#states dt", { hasText: state })).toBeVisible();
  }
  const right = (words) => page.locator("#rights li", { hasText: words });
  await expect(right("exports.list.own")).toContainText("You may see the exports one has made");
  await expect(right("settings.manage")).toContainText("You may not change settings");
  // What one may not see is not named here either.
  await expect(page.locator("#rights")).not.toContainText("users");
});
