// The list of exports and the page of one, in every state: with and without JavaScript.
import { expect, test } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SHAPES, judge } from "../judge.js";
import { Site, enter } from "../site.js";

// Long enough to be looked at while it is built, whatever the machine.
const LONG_ROWS = 3_000_000;
const MORE = `
[sources.slow]
url = "sqlite:shop.db"
[[subjects]]
slug = "readings"
label = "Sensor readings"
source = "slow"
query = "with recursive n(id) as (select 1 union all select id + 1 from n where id < ${LONG_ROWS}) select id, length(randomblob(40000)) as note from n"
fields = ["id", "note"]
[[subjects]]
slug = "customers"
source = "shop"
table = "customers"
pii = true
fields = ["id", { slug = "email", pii = "email" }]
[[subjects]]
slug = "broken"
source = "shop"
table = "broken"
fields = ["id", "amount"]
`;
const SCHEMA = `
create table customers (id integer primary key, email text not null);
insert into customers values (1, 'ann@example.com'), (2, 'bob@example.com'), (3, 'cem@example.com');
create table broken (id integer primary key, amount integer not null);
insert into broken values (1, 10), (2, 'ten');
`;

let site;
const jobs = {};
test.beforeAll(async ({ browser }) => {
  site = await Site.withPeople(MORE, SCHEMA);
  const page = await browser.newPage();
  await enter(page, site);
  jobs.ready = await site.export(page, {
    subject: "customers",
    scope: { filter: { field: "id", op: "lte", value: 2 } },
    fields: ["id", { slug: "email", as: "E-mail" }],
  });
  jobs.empty = await site.export(page, {
    subject: "orders",
    scope: { filter: { field: "total", op: "gt", value: "1000" } },
  });
  jobs.failed = await site.export(page, { subject: "broken" });
  jobs.deleted = await site.export(page, { subject: "orders", format: "xlsx" });
  const headers = { origin: site.base };
  await page.request.delete(`${site.base}/api/v1/exports/${jobs.deleted.id}/artifact`, { headers });
  const begun = (one) => one.rows_done > 0;
  jobs.expired = await site.export(page, { subject: "orders", format: "json" });
  // Its time is over.
  const past = `update jobs set expires_at = created_at where id = ${jobs.expired.id}`;
  execFileSync("sqlite3", ["-cmd", ".timeout 5000", join(site.folder, "control.db"), past]);
  jobs.cancelled = await site.export(page, { subject: "readings" }, begun);
  await page.request.post(`${site.base}/api/v1/exports/${jobs.cancelled.id}/cancel`, { headers });
  jobs.building = await site.export(page, { subject: "readings", reason: "a look" }, begun);
  await site.export(page, { subject: "readings", format: "json" }, begun);
  // Two at a time may read a source.
  jobs.pending = await site.export(page, { subject: "readings", format: "xml" }, () => true);
  // What a worker or upkeep ends, it ends by itself.
  for (const state of ["cancelled", "expired"]) {
    const status = async () => (await site.read(page, `/api/v1/exports/${jobs[state].id}`)).status;
    await expect.poll(status, { timeout: 60_000 }).toBe(state);
  }
  await page.close();
});
test.afterAll(() => site.end());

const open = (page, path) => page.goto(`${site.base}${path}`);
const row = (page, job) => page.locator(`#export-${job.id}`);

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test.describe(`${colorScheme}, ${shape}`, () => {
      test.use({ colorScheme, viewport });
      test("the list and the page of every state can be used by everybody", async ({ page }) => {
        test.setTimeout(240_000);
        await enter(page, site);
        await expect(row(page, jobs.ready)).toContainText("Ready");
        await judge(page, `exports-${colorScheme}-${shape}`);
        await open(page, "/sg-admin/exports?q=nothing+like+it");
        await judge(page, `exports-none-${colorScheme}-${shape}`);
        for (const [state, job] of Object.entries(jobs)) {
          await open(page, `/sg-admin/exports/${job.id}`);
          await judge(page, `export-${state}-${colorScheme}-${shape}`);
        }
        await open(page, `/sg-admin/exports/${jobs.ready.id}/delete`);
        await judge(page, `export-delete-${colorScheme}-${shape}`);
        await open(page, "/sg-admin/exports/999");
        await judge(page, `export-nowhere-${colorScheme}-${shape}`);
      });
    });
  }
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled, acceptDownloads: true, viewport: SHAPES.wide });
    test.beforeEach(({ page }) => enter(page, site));

    test("a list says what each export is, and is filtered and sorted by its address", async ({ page }) => {
      await expect(row(page, jobs.ready)).toContainText(/2 rows · (not )?downloaded/);
      await expect(row(page, jobs.ready)).toContainText("Id up to 2");
      await expect(row(page, jobs.ready)).toContainText("PII");
      await expect(row(page, jobs.empty)).toContainText("No row matched");
      await expect(row(page, jobs.failed)).toContainText("Failed");
      await expect(row(page, jobs.deleted)).toContainText("File deleted · record kept");
      const states = page.getByRole("navigation", { name: "By status" });
      await states.getByRole("link", { name: "Failed 1" }).click();
      await expect(page).toHaveURL(/status=failed/);
      await expect(page.getByRole("rowheader")).toHaveCount(1);
      await states.getByRole("link", { name: /^All \d/ }).click();
      await page.getByRole("searchbox").fill("customers");
      await page.getByRole("searchbox").press("Enter");
      await expect(page).toHaveURL(/q=customers/);
      await expect(page.getByRole("rowheader")).toHaveCount(1);
      await page.getByRole("link", { name: "Clear" }).click();
      await page.getByRole("link", { name: "Size" }).click();
      await expect(page.getByRole("columnheader", { name: "Size" })).toHaveAttribute("aria-sort", "descending");
      await page.getByRole("link", { name: "Size" }).click();
      await expect(page.getByRole("columnheader", { name: "Size" })).toHaveAttribute("aria-sort", "ascending");
    });

    test("progress moves by itself", async ({ page }) => {
      test.setTimeout(240_000);
      const line = row(page, jobs.building).locator(".k-st .sub");
      const before = await line.innerText();
      await expect.poll(() => line.innerText(), { timeout: 20_000 }).not.toBe(before);
      await open(page, `/sg-admin/exports/${jobs.building.id}`);
      const rows = page.locator("dt", { hasText: "Rows written" }).locator("+ dd");
      const said = await rows.innerText();
      await expect.poll(() => rows.innerText(), { timeout: 20_000 }).not.toBe(said);
      await expect(page.getByText("Attempt 1 is building")).toBeVisible();
    });

    test("a file is downloaded, and the page says by whom", async ({ page }) => {
      const download = page.waitForEvent("download");
      await row(page, jobs.ready).getByRole("button", { name: `Download #${jobs.ready.id}` }).click();
      const path = join(site.folder, `taken-${javaScriptEnabled}.csv`);
      await (await download).saveAs(path);
      expect(readFileSync(path, "utf8").split("\r\n")[0]).toContain("E-mail");
      await open(page, `/sg-admin/exports/${jobs.ready.id}`);
      await expect(page.getByRole("region", { name: "Downloads" }).getByRole("row").nth(1)).toContainText("ada@example.com");
      await expect(page.getByText("signed", { exact: true })).toBeVisible();
      await expect(page.getByText(jobs.ready.sha256)).toBeVisible();
    });

    test("an export is cancelled, made again, and its file deleted", async ({ page }) => {
      const running = await site.export(page, { subject: "readings", format: "ndjson" }, () => true);
      await open(page, "/sg-admin/exports");
      await row(page, running).getByRole("button", { name: `Cancel #${running.id}` }).click();
      await expect(page.getByRole("status")).toContainText(`Export #${running.id}`);
      await expect(page).toHaveURL(`${site.base}/sg-admin/exports`);
      await row(page, jobs.deleted).getByRole("button", { name: `Re-run #${jobs.deleted.id}` }).click();
      await expect(page.getByRole("heading", { name: "Orders as XLSX" })).toBeVisible();
      await expect(page.getByRole("status")).toContainText(`It is #${jobs.deleted.id} again`);
      await expect(page.getByRole("link", { name: "Delete artifact" })).toBeVisible({ timeout: 20_000 });
      await page.getByRole("link", { name: "Delete artifact" }).click();
      await expect(page.getByRole("heading", { name: /^Delete the file of #/ })).toBeVisible();
      await page.getByRole("link", { name: "Keep it" }).click();
      await page.getByRole("link", { name: "Delete artifact" }).click();
      await page.getByRole("button", { name: "Delete the file" }).click();
      await expect(page.getByRole("status")).toContainText("was deleted");
      await expect(page.getByText("The file was deleted.")).toBeVisible();
    });

    test("what goes wrong is said in plain words, in the frame", async ({ page }) => {
      expect((await open(page, "/sg-admin/exports/999")).status()).toBe(404);
      await expect(page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
      await expect(page.getByRole("navigation", { name: "Main" })).toBeAttached();
      expect((await open(page, `/sg-admin/exports/${jobs.deleted.id}/delete`)).status()).toBe(410);
      await expect(page.getByRole("heading", { name: "The file is gone" })).toBeVisible();
      expect((await open(page, "/sg-admin/exports?status=lost")).status()).toBe(422);
    });
  });
}

test("keys go through the rows, and menus by arrows", async ({ page }) => {
  await enter(page, site);
  await expect(row(page, jobs.ready)).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").blur();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await expect(page.getByRole("row").nth(1).getByRole("link").first()).toBeFocused();
  await page.keyboard.press(".");
  const menu = page.locator(".menu:popover-open");
  await expect(menu.locator("a, button").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(menu.locator("a, button").nth(1)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toHaveCount(0);
  await page.keyboard.press("?");
  await expect(page.getByRole("heading", { name: "Keys" })).toBeVisible();
});

test("the theme is kept, and nothing inline is needed", async ({ page }) => {
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  await enter(page, site);
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await open(page, `/sg-admin/exports/${jobs.ready.id}`);
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(told).toEqual([]);
});
