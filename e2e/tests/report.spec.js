// Who took what: the log narrowed down by a field, and the signed report of it.
import { execFileSync } from "node:child_process";
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { Site, enter } from "../site.js";

let site;
test.beforeAll(async () => {
  site = await Site.withPeople();
  await site.exportByToken({ subject: "orders", format: "csv", fields: ["id", "total"] });
  await site.exportByToken({ subject: "orders", format: "csv", fields: ["id"] });
});
test.afterAll(() => site.end());

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled });

    test("who took a field is one filter, and one report that verifies", async ({ page }) => {
      await enter(page, site);
      await page.waitForURL(/exports/);
      await page.goto(`${site.base}/sg-admin/activity`);
      await page.getByText("Add filter").click();
      await page.getByLabel("Field").fill("total");
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await expect(page).toHaveURL(/field=total/);
      await expect(page.locator("table.log").getByText("Asked for an export")).toHaveCount(1);
      const taken = page.waitForEvent("download");
      await page.getByRole("button", { name: "Report of exports" }).click();
      const download = await taken;
      expect(download.suggestedFilename()).toMatch(/^activity-exports-\d{8}T\d{6}Z\.zip$/);
      const file = await download.path();
      const folder = `${site.folder}/report-${javaScriptEnabled}`;
      execFileSync("python3", ["-m", "zipfile", "-e", file, folder]);
      const [csv] = execFileSync("ls", [folder], { encoding: "utf8" }).split("\n");
      const text = execFileSync("cat", [`${folder}/${csv}`], { encoding: "utf8" });
      expect(text.trim().split("\r\n")).toHaveLength(2);
      const said = site.run(["manifest", "verify", `${folder}/${csv}.manifest.json`, `${folder}/${csv}`]);
      expect(said).toContain("is that file");
      await page.goto(`${site.base}/sg-admin/activity?action=activity.exported`);
      await expect(page.locator("table.log").getByText("Took a report of the log").first()).toBeVisible();
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test(`the log with a field, ${colorScheme}, ${shape}`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme, viewport });
      const page = await context.newPage();
      await enter(page, site);
      await page.waitForURL(/exports/);
      await page.goto(`${site.base}/sg-admin/activity?field=total`);
      await judge(page, `activity-field-${colorScheme}-${shape}`);
      await context.close();
    });
  }
}
