// What one is told of: the inbox with its count, what one chooses to be told of, the words of a mail
// with their preview, a webhook and what became of it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { Site, signIn } from "../site.js";

const MORE = `
[[subjects]]
slug = "customers"
source = "shop"
table = "customers"
pii = true
fields = ["id"]
[notify]
smtp_host = "127.0.0.1"
smtp_port = 9
smtp_security = "none"
from = "tidegate@example.com"
webhook_networks = ["127.0.0.0/8"]
`;
const SCHEMA = "create table customers (id integer primary key); insert into customers values (1);";
const PATH = "/sg-admin/notifications";

let site;
test.beforeAll(async () => (site = await Site.withPeople(MORE, SCHEMA)));
test.afterAll(() => site?.end());

test.beforeEach(async ({ page }) => {
  await signIn(page, site);
  await page.locator(".app").waitFor();
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled });

    test("what happened waits in the inbox until it is read", async ({ page }) => {
      const job = await site.export(page, { subject: "customers" });
      const inbox = page.getByRole("region", { name: "Notices" });
      const ready = inbox.getByRole("row", { name: "Export ready" }).filter({ hasText: `Export ${job.id}` });
      await expect(async () => {
        await page.goto(site.base + PATH);
        await expect(inbox.getByRole("row", { name: "Personal data leaves" }).first()).toContainText("new");
        await expect(inbox).toContainText(`Export ${job.id}`);
        await expect(ready).toContainText("new");
      }).toPass();
      const place = page.getByRole("link", { name: /^Notifications/ });
      await expect(place).toContainText("unread");
      await ready.getByRole("link", { name: "Export ready" }).click();
      await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+$/);
      await page.goto(site.base + PATH);
      await page.getByRole("button", { name: "Mark all as read" }).click();
      await expect(page.getByRole("status")).toContainText("marked as read");
      await expect(page.getByRole("button", { name: "Mark all as read" })).toHaveCount(0);
      await expect(inbox.getByText("new", { exact: true })).toHaveCount(0);
    });

    test("what one is told of is one's own choice", async ({ page }) => {
      await page.goto(site.base + PATH);
      const jobs = page.getByRole("group", { name: "Your exports" });
      await jobs.getByLabel("By mail").setChecked(true);
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(page.getByRole("status")).toContainText("Your choice is kept");
      await expect(jobs.getByLabel("By mail")).toBeChecked();
      await expect(jobs.getByLabel("On this page")).toBeChecked();
      await jobs.getByLabel("By mail").setChecked(false);
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(jobs.getByLabel("By mail")).not.toBeChecked();
    });

    test("the words of a mail are previewed, refused with their place, kept and given back", async ({ page }) => {
      await page.goto(`${site.base}${PATH}/templates`);
      await page.getByRole("link", { name: "Export ready" }).click();
      const preview = page.getByRole("region", { name: "Preview" });
      await expect(preview).toContainText("Export ready: orders, export 4711");
      const text = page.getByLabel("Text");
      await text.fill("Dear colleague,\n{{ export.password }}");
      await page.getByRole("button", { name: "Preview" }).click();
      await expect(page.getByRole("alert")).toContainText("One thing");
      await expect(page.locator("#body-fault")).toContainText("Line 2: there is no “export.password”");
      await text.fill("Dear colleague,\nexport {{ export.id }} is {{ export.status }}.");
      await page.getByRole("button", { name: "Preview" }).click();
      await expect(preview).toContainText("export 4711 is ready.");
      await page.getByRole("button", { name: "Save the words" }).click();
      await expect(page.getByRole("status")).toContainText("The words are kept");
      await expect(text).toHaveValue(/Dear colleague/);
      await page.getByRole("button", { name: "Use the program’s words" }).click();
      await expect(text).toHaveValue(/It leads to the sign-in first/);
    });

    test("a webhook is changed on its page, and what was given up on is sent again", async ({ page }) => {
      const url = `http://127.0.0.1:9/${javaScriptEnabled}`;
      const added = { data: { url, topics: ["export.ready"] }, headers: { origin: site.base } };
      const { id } = await (await page.request.post(`${site.base}/api/v1/webhooks`, added)).json();
      await page.goto(`${site.base}${PATH}/webhooks`);
      await page.getByRole("link", { name: url, exact: true }).click();
      await expect(page.getByLabel("Export ready")).toBeChecked();
      await page.getByLabel("Address").fill("http://example.com/hook");
      await page.getByLabel("Export ready").setChecked(false);
      await page.getByRole("button", { name: "Save the webhook" }).click();
      await expect(page.locator("#topics-fault")).toBeVisible();
      await page.getByLabel("Address").fill(`${url}/moved`);
      await page.getByLabel("All of jobs").setChecked(true);
      await page.getByLabel("Schedule held").setChecked(true);
      await page.getByRole("button", { name: "Save the webhook" }).click();
      await expect(page.getByRole("status")).toContainText("The webhook was changed");
      const row = page.getByRole("row", { name: `${url}/moved` });
      await expect(row).toContainText("jobs, schedule.held");

      await page.request.post(`${site.base}/api/v1/webhooks/${id}/test`, added);
      const control = ["-cmd", ".timeout 5000", join(site.folder, "control.db")];
      const give = `update deliveries set state = 'dead', ended_at = created_at, lease_token = null, lease_expires = null where webhook_id = ${id} and state = 'pending' and attempts > 0 returning id`;
      await expect(() => expect(execFileSync("sqlite3", [...control, give], { encoding: "utf8" })).not.toBe("")).toPass();
      await page.goto(`${site.base}${PATH}/deliveries?webhook=${id}&state=dead`);
      await page.getByRole("button", { name: "Send again" }).click();
      await expect(page.getByRole("status")).toContainText("on its way again");
      await page.goto(`${site.base}${PATH}/deliveries?webhook=${id}`);
      await expect(page.getByRole("button", { name: "Send again" })).toHaveCount(0);
      await expect(page.getByRole("region", { name: "Table of deliveries" })).toContainText("A test notice");
      await page.request.delete(`${site.base}/api/v1/webhooks/${id}`, { headers: added.headers });
    });

    test("a webhook shows its secret once, is tested, and is removed", async ({ page }) => {
      await page.goto(`${site.base}${PATH}/webhooks`);
      await page.getByLabel("Address").fill("http://127.0.0.1:9/hook");
      await page.getByLabel("Security").setChecked(true);
      await page.getByRole("button", { name: "Add the webhook" }).click();
      await expect(page.getByRole("textbox", { name: "Secret" })).toContainText("whsec_");
      await page.getByRole("link", { name: "To the webhooks" }).click();
      const row = page.getByRole("row", { name: "http://127.0.0.1:9/hook" });
      await expect(row).toContainText("security");
      if (javaScriptEnabled) {
        await row.getByRole("button", { name: "Webhook menu" }).click();
        await row.getByRole("button", { name: "Send a test" }).click();
        await page.getByRole("link", { name: "See what becomes of it" }).click();
        await expect(page.getByRole("region", { name: "Deliveries" })).toContainText("A test notice");
        await page.goto(`${site.base}${PATH}/webhooks`);
      }
      const menu = row.getByRole("link", { name: "Remove", includeHidden: true });
      await page.goto(site.base + (await menu.getAttribute("href")));
      await page.getByRole("button", { name: "Remove the webhook" }).click();
      await expect(page.getByRole("status")).toContainText("The webhook was removed");
    });
  });
}
