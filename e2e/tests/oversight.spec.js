// Whoever oversees the site: the activity log, operators, roles, settings and one's own account.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { ADMINISTRATOR, PASSWORD, Site, enter, signIn } from "../site.js";

const PAGES = {
  activity: "/sg-admin/activity",
  "activity-filtered": "/sg-admin/activity?subject=orders&outcome=done&export=1&from=2026-01-01",
  "activity-none": "/sg-admin/activity?actor=nobody@example.com",
  "activity-fault": "/sg-admin/activity?export=many",
  entry: "/sg-admin/activity/1",
  operators: "/sg-admin/operators",
  "operator-invite": "/sg-admin/operators/invite",
  operator: "/sg-admin/operators/2",
  "operator-disable": "/sg-admin/operators/2/disable",
  account: "/sg-admin/account",
  roles: "/sg-admin/roles",
  "role-new": "/sg-admin/roles/new-role",
  role: "/sg-admin/roles/editor",
  "role-remove": "/sg-admin/roles/viewer/remove",
  access: "/sg-admin/access",
  settings: "/sg-admin/settings",
};

let site;
test.beforeAll(async () => {
  site = await Site.withPeople();
  await site.exportByToken({ subject: "orders", format: "csv" });
});
test.afterAll(() => site.end());

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test(`pages, ${colorScheme}, ${shape}`, async ({ browser }) => {
      test.setTimeout(600_000);
      const context = await browser.newContext({ colorScheme, viewport });
      const page = await context.newPage();
      await enter(page, site);
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(site.base + path);
        await judge(page, `${name}-${colorScheme}-${shape}`);
      }
      await context.close();
    });
  }
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled });

    test("the log is narrowed down by chips, and by a question", async ({ page }) => {
      await enter(page, site);
      await page.goto(`${site.base}/sg-admin/activity`);
      const all = await page.locator("table.log tbody tr:not(.day)").count();
      await page.getByText("Add filter").click();
      await page.getByLabel("Subject").selectOption("orders");
      await page.getByLabel("Action", { exact: true }).selectOption("export.created");
      await page.getByRole("button", { name: "Filter" }).click();
      await expect(page).toHaveURL(/subject=orders/);
      const rows = page.locator("table.log tbody tr:not(.day)");
      await expect(rows).toHaveCount(1);
      await expect(rows.first()).toContainText("Asked for an export");
      await page.getByRole("link", { name: /Remove filter: Action/ }).click();
      await expect(page).not.toHaveURL(/export\.created/);
      await page.getByRole("link", { name: /Remove filter: Subject/ }).click();
      await expect(page).not.toHaveURL(/subject=/);
      await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(Math.min(all, 25) - 1);
      await page.getByRole("link", { name: "Who took Orders" }).click();
      await expect(page).toHaveURL(/\?subject=orders$/);
      await page.getByRole("link", { name: /^Entry / }).first().click();
      await expect(page.getByText("The hash is that of the text")).toBeVisible();
    });

    test("an operator is invited, and sets a password elsewhere", async ({ page, browser }) => {
      const email = `new-${javaScriptEnabled}@example.com`;
      await enter(page, site);
      await page.goto(`${site.base}/sg-admin/operators`);
      await page.getByRole("link", { name: "Invite operator" }).click();
      await page.getByLabel("Mail address").fill(ADMINISTRATOR);
      await page.getByLabel("Role").selectOption("viewer");
      await page.getByRole("button", { name: "Make the invitation" }).click();
      await expect(page.getByText("There is an operator of that address already.").first()).toBeVisible();
      await page.getByLabel("Mail address").fill(email);
      await page.getByRole("button", { name: "Make the invitation" }).click();
      const link = await page.locator("#secret").textContent();

      const elsewhere = await browser.newPage({ javaScriptEnabled });
      await elsewhere.goto(link);
      await elsewhere.getByLabel("Password").fill("a quite new password");
      await elsewhere.getByRole("button").click();
      await expect(elsewhere).toHaveURL(/sg-admin\/exports/);
      await elsewhere.goto(`${site.base}/sg-admin/operators`);
      await expect(elsewhere.getByText("operators.manage")).toBeVisible();
      await elsewhere.close();

      await page.getByRole("link", { name: "To the operator" }).click();
      await page.getByRole("button", { name: "End" }).click();
      await expect(page.getByText("The session has ended")).toBeVisible();
      await expect(page.getByText("Not signed in anywhere.")).toBeVisible();
    });

    test("a role that is changed takes effect at once", async ({ page, browser }) => {
      const slug = `clerk_${javaScriptEnabled}`;
      const email = `${slug}@example.com`;
      await enter(page, site);
      await page.goto(`${site.base}/sg-admin/roles/new-role`);
      await page.getByLabel("Short name").fill(slug);
      await page.getByLabel("Name", { exact: true }).fill(slug);
      await page.getByRole("button", { name: "Add the role" }).click();
      await expect(page.getByLabel(`${slug}: read the activity log`)).toBeVisible();
      site.run(["operators", "add", email, "--role", slug]);
      site.run(["operators", "password", email], PASSWORD);
      const theirs = await browser.newPage({ javaScriptEnabled });
      await signIn(theirs, site, email);
      await theirs.locator(".app").waitFor();
      expect((await theirs.goto(`${site.base}/sg-admin/activity`)).status()).toBe(403);

      await page.getByLabel(`${slug}: read the activity log`).check();
      await page.getByRole("button", { name: "Save roles" }).click();
      await expect(page.getByText(`${slug} changed`)).toBeVisible();
      expect((await theirs.goto(`${site.base}/sg-admin/activity`)).status()).toBe(200);
      await theirs.close();
    });

    test("a setting that is none is told at its field", async ({ page }) => {
      await enter(page, site);
      await page.goto(`${site.base}/sg-admin/settings`);
      await page.getByLabel("A download link lives").evaluate((it) => (it.type = "text"));
      await page.getByLabel("A download link lives").fill("2000");
      await page.locator("form#settings").evaluate((it) => (it.noValidate = true));
      await page.getByRole("button", { name: "Save settings" }).click();
      await expect(page.locator("#link_minutes-fault")).toContainText("from 1 to 1,440");
      await page.getByLabel("A download link lives").fill("20");
      await page.getByRole("button", { name: "Save settings" }).click();
      await expect(page.getByText("The settings are changed")).toBeVisible();
      await expect(page.getByLabel("A download link lives")).toHaveValue("20");
    });
  });
}
