// The wizard, as people go through it: with and without JavaScript, by keyboard, on a phone, and
// whether everybody can use it.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { Site, enter } from "../site.js";

const MORE = `
[[subjects]]
slug = "people"
label = "People"
source = "shop"
table = "orders"
pii = true
fields = ["id", { slug = "total", pii = "other" }]
`;
const NEW = "/sg-admin/exports/new";
const STEPS = {
  begin: NEW,
  scope: `${NEW}?subject=orders&filter={"field":"id","op":"gt","value":0}`,
  fields: `${NEW}/fields?subject=people`,
  format: `${NEW}/format?subject=orders`,
  notify: `${NEW}/notify?subject=people`,
  review: `${NEW}/review?subject=people&format=csv`,
  table: `${NEW}/review?subject=orders&format=xlsx`,
  faults: `${NEW}/review?subject=orders&format=csv&time_zone=Europe/Berln&option.delimiter=xx`,
};

let site;
test.beforeAll(async () => (site = await Site.withPeople(MORE)));
test.afterAll(() => site.end());

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("from subject to started export, step by step and back", async ({ page }) => {
      await enter(page, site);
      await page.goto(site.base + NEW);
      await page.getByRole("link", { name: "Orders" }).last().click();
      await page.getByLabel("Field", { exact: true }).selectOption("id");
      await page.getByLabel("Condition", { exact: true }).selectOption("gte");
      await page.getByLabel("Value").fill("2");
      await page.getByRole("button", { name: "Add" }).click();
      await expect(page.getByRole("button", { name: /Remove condition: .* is at least 2/ })).toBeVisible();
      await page.getByRole("button", { name: "Next: Fields" }).click();
      await page.getByRole("button", { name: /Move .*total up/i }).click();
      await page.getByRole("textbox", { name: /Name of .*total/i }).fill("Sum, all");
      await page.getByRole("button", { name: "Next: Format" }).click();
      await page.getByRole("button", { name: /NDJSON/ }).click();
      await page.getByRole("button", { name: "Next: When and why" }).click();
      await page.getByLabel("Reason or ticket").fill("OPS-7");
      await page.getByRole("button", { name: "Back" }).click();
      await page.getByRole("button", { name: "Next: When and why" }).click();
      await expect(page.getByLabel("Reason or ticket")).toHaveValue("OPS-7");
      await page.getByRole("button", { name: "Next: Review" }).click();
      await expect(page.locator("#first")).toHaveText('{"Sum, all":20.00,"id":2}');
      await page.getByRole("navigation", { name: "Steps" }).getByRole("link", { name: /Fields/ }).click();
      await expect(page.getByRole("textbox", { name: /Name of .*total/i })).toHaveValue("Sum, all");
      await page.getByRole("button", { name: "Review" }).click();
      await page.getByRole("button", { name: "Start the export" }).click();
      await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+$/);
      await expect(page.getByRole("status")).toContainText("You can leave this page");
      const job = await site.read(page, new URL(page.url()).pathname.replace("/sg-admin", "/api/v1"));
      expect(job.reason).toBe("OPS-7");
      expect(job.fields).toEqual([{ slug: "total", as: "Sum, all" }, "id"]);
      expect(job.scope.filter).toEqual({ field: "id", op: "gte", value: 2 });
    });

    test("a fault is told where it is, and a second click makes no second export", async ({ page }) => {
      await enter(page, site);
      const answer = await page.goto(site.base + STEPS.faults);
      expect(answer.status()).toBe(422);
      await expect(page.getByRole("alert")).toContainText("2 things to put right");
      await page.getByRole("alert").getByRole("link", { name: /time zone/i }).click();
      await expect(page.getByLabel("Time zone")).toBeFocused();
      await page.getByLabel("Time zone").fill("Europe/Berlin");
      await page.getByLabel("Delimiter").fill(";");
      await page.getByRole("button", { name: "Review" }).click();
      const count = async () => (await site.read(page, "/api/v1/exports")).items.length;
      const before = await count();
      await page.getByRole("button", { name: "Start the export" }).dblclick();
      await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+$/);
      expect(await count()).toBe(before + 1);
    });
  });
}

test("the keyboard alone suffices", async ({ page }) => {
  await enter(page, site);
  await page.goto(`${site.base}${NEW}/notify?subject=orders`);
  await page.getByLabel("Reason or ticket").focus();
  await page.keyboard.type("OPS-8");
  const button = (name) => page.getByRole("button", { name, exact: true });
  // Between the reason and the buttons is when it is made.
  for (let fields = 0; fields < 20 && !(await button("Back").evaluate((it) => it.matches(":focus"))); fields += 1) {
    await page.keyboard.press("Tab");
  }
  for (const name of ["Back", "Review", "Next: Review"]) {
    if (name !== "Back") await page.keyboard.press("Tab");
    await expect(button(name)).toBeFocused();
  }
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/review.*OPS-8/);
});

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test.describe(`${colorScheme}, ${shape}`, () => {
      test.use({ colorScheme, viewport });
      test("every step is usable", async ({ page }) => {
        await enter(page, site);
        for (const [name, path] of Object.entries(STEPS)) {
          await page.goto(site.base + path);
          await judge(page, `wizard-${name}-${colorScheme}-${shape}`);
        }
      });
    });
  }
}
