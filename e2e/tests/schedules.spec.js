// Schedules: made in the wizard, seen to fire, changed, paused and deleted, with the pages alone.
import { expect, test } from "@playwright/test";
import { Site, enter } from "../site.js";

let site;
test.beforeAll(async () => {
  site = await Site.withPeople();
});
test.afterAll(() => site?.end());

const main = (page) => page.getByRole("main");

test("an export is made once, at the moment that the wizard was told", async ({ page }) => {
  test.setTimeout(240_000);
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/exports/new/notify?subject=orders&format=csv`);
  await page.getByLabel("How often").selectOption("at");
  await page.getByLabel("Time zone").fill("UTC");
  // The next minute that is not about to begin before the wizard is through.
  const moment = new Date(Math.ceil((Date.now() + 30_000) / 60_000) * 60_000).toISOString().slice(0, 16);
  await page.getByLabel("Moment").fill(moment);
  await page.getByRole("button", { name: "Show the next times" }).click();
  await expect(main(page)).toContainText("Next times");
  await page.getByRole("button", { name: /^Next: Review/ }).click();
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await expect(main(page)).toContainText("Active");
  await expect(async () => {
    await page.reload();
    await expect(main(page).getByRole("region", { name: "Runs" }).getByRole("row")).toHaveCount(2, { timeout: 500 });
    await expect(main(page)).toContainText("Done", { timeout: 500 });
  }).toPass({ timeout: 150_000 });
  await page.getByRole("region", { name: "Runs" }).getByRole("link").click();
  await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+$/);
});

test("a schedule is made, changed, paused, resumed, run and deleted", async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/exports/new/notify?subject=orders&format=csv`);
  await page.getByLabel("How often").selectOption("weekly");
  await page.getByLabel("Time of day").fill("06:30");
  await page.getByLabel("Day of the week").selectOption("3");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: /^Next: Review/ }).click();
  await expect(main(page)).toContainText("every Wednesday at 06:30, Europe/Berlin");
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await expect(main(page)).toContainText("Every Wednesday at 06:30");
  await page.getByLabel("How often").selectOption("cron");
  await page.getByLabel("Cron expression").fill("every day");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("has 2 fields");
  await page.getByLabel("Cron expression").fill("0 7 L * *");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(main(page)).toContainText("The last day of every month at 07:00");
  await page.getByLabel("Reason").fill("the source moves");
  await page.getByRole("button", { name: "Pause the schedule" }).click();
  await expect(main(page)).toContainText("the source moves");
  await page.getByRole("button", { name: "Run now" }).click();
  await expect(main(page).getByRole("region", { name: "Runs" }).getByRole("row")).toHaveCount(2);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(main(page)).toContainText("Active");
  await page.getByRole("link", { name: "Change what it exports" }).click();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Save the schedule" }).click();
  await expect(main(page)).toContainText("The last day of every month at 07:00");
  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the schedule" }).click();
  await expect(page).toHaveURL(/\/sg-admin\/cron$/);
  await expect(main(page)).not.toContainText("The last day of every month");
});
