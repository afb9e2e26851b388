// Approval: what a rule holds waits, a second person decides, and then there is a file.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { ADMINISTRATOR, PASSWORD, Site, enter, signIn } from "../site.js";

const SECOND = "bea@example.com";
let site;
test.beforeAll(async () => {
  site = await Site.withPeople();
  site.run(["operators", "add", SECOND, "--role", "administrator"]);
  site.run(["operators", "password", SECOND], PASSWORD);
});
test.afterAll(() => site.end());

// Somebody in a browser of their own.
async function person(browser, email) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, site, email);
  await page.locator(".app").waitFor();
  return page;
}

test("what is asked for waits, a second person approves it, and there is a file", async ({ browser }) => {
  const ada = await person(browser, ADMINISTRATOR);
  await ada.goto(`${site.base}/sg-admin/approvals/rules`);
  await ada.getByLabel("Name").fill("Every order");
  await ada.getByLabel("Subject").selectOption("orders");
  await ada.getByRole("button", { name: "Add the rule" }).click();
  await expect(ada.getByText("The rules are changed", { exact: true })).toBeVisible();
  await expect(ada.getByRole("row").filter({ hasText: "Every order" })).toContainText("waits 24 hours");

  // It is said before it is asked for, and after.
  await ada.goto(`${site.base}/sg-admin/exports/new/review?subject=orders&format=csv&reason=OPS-7`);
  await expect(ada.getByText("It waits for a second person.")).toBeVisible();
  await ada.getByRole("button", { name: "Start the export" }).click();
  await expect(ada).toHaveURL(/\/sg-admin\/exports\/\d+$/);
  await expect(ada.getByText("waits for approval", { exact: false }).first()).toBeVisible();
  const id = Number(ada.url().split("/").at(-1));
  await expect(ada.getByRole("main")).toContainText("Awaiting approval");
  await ada.goto(`${site.base}/sg-admin/approvals/${id}`);
  await expect(ada.getByText("This is your own export.")).toBeVisible();
  await expect(ada.getByRole("button", { name: "Approve" })).toHaveCount(0);

  const bea = await person(browser, SECOND);
  await expect(bea.getByRole("link", { name: "Approvals 1 waiting" })).toBeVisible();
  await bea.goto(`${site.base}/sg-admin/approvals`);
  await bea.getByRole("link", { name: `#${id}` }).click();
  await expect(bea.getByRole("main")).toContainText("OPS-7");
  await expect(bea.getByRole("region", { name: "Table of first rows" })).toContainText("10.50");
  for (const [name, shape] of Object.entries(SHAPES)) {
    await bea.setViewportSize(shape);
    await judge(bea, `approval-decide-${name}`);
  }
  await bea.setViewportSize(SHAPES.wide);
  // To refuse takes a word.
  await bea.getByRole("button", { name: "Refuse" }).click();
  await expect(bea.getByRole("alert")).toContainText("Say why");
  await bea.getByLabel("What you say of it").fill("Agreed");
  await bea.getByRole("button", { name: "Approve" }).click();
  await expect(bea.getByText(`Export #${id} is approved`)).toBeVisible();

  await ada.goto(`${site.base}/sg-admin/exports/${id}`);
  await expect(ada.getByRole("button", { name: "Download" }).first()).toBeVisible();
  await expect(ada.getByRole("main")).not.toContainText("Awaiting approval");
});

test("what is refused has no file, and says why", async ({ browser }) => {
  const ada = await person(browser, ADMINISTRATOR);
  const headers = { origin: site.base };
  const rules = { rules: [{ name: "Every order", subject: "orders" }] };
  await ada.request.put(`${site.base}/api/v1/approvals/rules`, { headers, data: rules });
  const made = await ada.request.post(`${site.base}/api/v1/exports`, { headers, data: { subject: "orders", format: "csv" } });
  const { id } = await made.json();
  const bea = await person(browser, SECOND);
  await bea.goto(`${site.base}/sg-admin/approvals/${id}`);
  await bea.getByLabel("What you say of it").fill("Nobody needs this");
  await bea.getByRole("button", { name: "Refuse" }).click();
  await expect(bea.getByText(`Export #${id} is refused`)).toBeVisible();
  await ada.goto(`${site.base}/sg-admin/exports/${id}`);
  await expect(ada.getByRole("main")).toContainText("Nobody needs this");
});

test("what is released alone is reviewed by somebody else", async ({ browser }) => {
  const ada = await person(browser, ADMINISTRATOR);
  const headers = { origin: site.base };
  const rules = { rules: [{ name: "Every order", subject: "orders" }], break_glass: true };
  await ada.request.put(`${site.base}/api/v1/approvals/rules`, { headers, data: rules });
  const made = await ada.request.post(`${site.base}/api/v1/exports`, { headers, data: { subject: "orders", format: "csv" } });
  const { id } = await made.json();
  await ada.goto(`${site.base}/sg-admin/approvals/${id}`);
  await ada.getByLabel("Why it cannot wait").fill("It burns");
  await ada.getByRole("button", { name: "Release without a second person" }).click();
  await expect(ada.getByText(`Export #${id} is released without a second person`)).toBeVisible();
  const bea = await person(browser, SECOND);
  await bea.goto(`${site.base}/sg-admin/approvals`);
  const reviews = bea.getByRole("region", { name: "Releases to be reviewed" });
  await reviews.getByRole("link", { name: `#${id}` }).click();
  await bea.getByLabel("What you found").fill("I have looked at it");
  await bea.getByRole("button", { name: "Reviewed" }).click();
  await expect(bea.getByText(`The release of export #${id} is reviewed`)).toBeVisible();
  await expect(reviews).toHaveCount(0);
});

test("a budget says what is left before it bites", async ({ page }) => {
  await enter(page, site);
  const headers = { origin: site.base };
  await page.request.put(`${site.base}/api/v1/approvals/rules`, { headers, data: {} });
  await page.goto(`${site.base}/sg-admin/budgets`);
  await page.getByLabel("Name").fill("Rows of a day");
  await page.getByLabel("Rows a day").fill("5");
  await page.getByRole("button", { name: "Add the budget" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Rows of a day" })).toContainText("of 5 rows");
  await page.goto(`${site.base}/sg-admin/exports/new/review?subject=orders&format=csv`);
  await expect(page.getByRole("main")).toContainText("left today (Rows of a day)");
  for (;;) {
    const asked = await page.request.post(`${site.base}/api/v1/exports`, { headers, data: { subject: "orders", format: "csv" } });
    if (asked.status() === 429) {
      expect((await asked.json()).type).toBe("urn:tidegate:problem:budget-exceeded");
      break;
    }
  }
  await page.goto(`${site.base}/sg-admin/exports/new/review?subject=orders&format=csv`);
  await expect(page.getByText("This is more than a budget has left.")).toBeVisible();
});
