// The pause: a switch that holds everything back, and says why to whoever is held back.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { Site, enter } from "../site.js";

let site;
test.beforeAll(async ({ browser }) => {
  site = await Site.withPeople();
  const page = await browser.newPage();
  await enter(page, site);
  await site.export(page, { subject: "orders" });
  await page.close();
});
test.afterAll(() => site.end());

test("what is paused is held back with its reason until somebody ends it", async ({ page }) => {
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/pause`);
  await page.getByLabel("What to hold").selectOption("orders");
  await page.getByLabel("Reason").fill("We look into a leak");
  await page.getByRole("button", { name: "Pause egress" }).click();
  const banner = page.getByRole("status").filter({ hasText: "Egress of Orders is paused." });
  await expect(banner).toContainText("We look into a leak");
  await expect(banner).toContainText("ada@example.com");
  await expect(page.getByText("Orders is paused", { exact: true })).toBeVisible();
  for (const [name, shape] of Object.entries(SHAPES)) {
    await page.setViewportSize(shape);
    await judge(page, `pause-held-${name}`);
  }
  await page.setViewportSize(SHAPES.wide);

  // Whoever wants the file reads why they do not get it.
  await page.goto(`${site.base}/sg-admin/exports/1`);
  await page.getByRole("button", { name: "Download" }).first().click();
  await expect(page.getByRole("main")).toContainText("Egress of “orders” is paused: We look into a leak");
  await page.goto(`${site.base}/sg-admin/exports/new/review?subject=orders&format=csv`);
  await expect(page.getByRole("status").filter({ hasText: "We look into a leak" })).toBeVisible();
  await page.getByRole("button", { name: "Start the export" }).click();
  await expect(page.getByRole("main")).toContainText("We look into a leak");

  await page.goto(`${site.base}/sg-admin/pause`);
  await page.getByRole("button", { name: "End the pause of Orders" }).click();
  await expect(page.getByText("Orders goes on")).toBeVisible();
  await expect(banner).toHaveCount(0);
  await page.goto(`${site.base}/sg-admin/activity`);
  await expect(page.getByRole("main")).toContainText("Ended a pause of egress");
});

test("a pause says why", async ({ page }) => {
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/pause`);
  await page.getByLabel("Reason").evaluate((field) => field.removeAttribute("required"));
  await page.getByRole("button", { name: "Pause egress" }).click();
  await expect(page.getByRole("alert")).toContainText("Say why: whoever is held back reads it.");
});
