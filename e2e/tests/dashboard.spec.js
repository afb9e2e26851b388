// What went out: the figures are those of the lists they lead to, whoever looks and however.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { PASSWORD, Site, VIEWER, enter } from "../site.js";

const MORE = `
[[subjects]]
slug = "content"
source = "shop"
table = "content"
`;
const SCHEMA = `
create table content (id integer primary key, title text);
insert into content values (1, 'Welcome'), (2, 'Terms'), (3, 'Imprint');
`;
const PATH = "/sg-admin/dashboard";
const PAGES = {
  dashboard: "",
  "dashboard-files": "?show=files&by=person&days=7",
  "dashboard-rows": "?show=rows&days=90",
  "dashboard-quiet": "?until=2020-01-01",
};

let site;
let none;
let sent = 0;
test.beforeAll(async ({ browser }) => {
  none = await Site.withPeople();
  site = await Site.withPeople(MORE, SCHEMA);
  site.run(["operators", "password", VIEWER], PASSWORD);
  const page = await browser.newPage();
  await enter(page, site);
  for (const request of [
    { subject: "orders" },
    { subject: "content", format: "xlsx" },
    { subject: "content", format: "ndjson" },
    { subject: "orders", format: "xlsx", scope: { filter: { field: "id", op: "eq", value: 1 } } },
  ]) {
    const { id } = await site.export(page, request);
    const made = await page.request.post(`${site.base}/api/v1/exports/${id}/downloads`, {
      data: {},
      headers: { origin: site.base },
    });
    const { url } = await made.json();
    sent += (await (await page.request.get(url)).body()).length;
  }
  const theirs = await browser.newPage();
  await enter(theirs, site, VIEWER);
  await site.export(theirs, { subject: "content" });
  // The end of a download is noted once it was sent.
  await expect.poll(async () => (await site.read(page, "/api/v1/egress")).total.all.downloads).toBe(4);
  await page.close();
  await theirs.close();
});
test.afterAll(() => Promise.all([site.end(), none.end()]));

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test(`pages, ${colorScheme}, ${shape}`, async ({ browser }) => {
      test.setTimeout(240_000);
      const context = await browser.newContext({ colorScheme, viewport });
      const page = await context.newPage();
      await enter(page, site);
      for (const [name, query] of Object.entries(PAGES)) {
        await page.goto(site.base + PATH + query);
        const table = page.getByText("Show as a table");
        if (await table.count()) await table.click();
        await judge(page, `${name}-${colorScheme}-${shape}`);
      }
      await page.goto(`${site.base}/sg-admin/exports?from=2026-01-01&hour=mon-09&to=2026-02-01&pii=no`);
      await judge(page, `exports-narrowed-${colorScheme}-${shape}`);
      await enter(page, none);
      await page.goto(none.base + PATH);
      await expect(page.getByText("Nothing has gone out yet")).toBeVisible();
      await judge(page, `dashboard-first-${colorScheme}-${shape}`);
      await context.close();
    });
  }
}

// Bytes as the page says them: `1.9 kB`, `312 B`.
function said(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

// The files of a list, as the API tells them.
async function files(page, list) {
  const query = new URL(list).searchParams;
  const asked = new URLSearchParams({ limit: "200" });
  for (const name of ["subject", "from", "to"]) {
    const value = query.get(name);
    if (value) asked.set(name, name === "subject" ? value : `${value}T00:00:00Z`);
  }
  if (query.get("pii")) asked.set("has_pii", query.get("pii") === "yes");
  for (const status of (query.get("status") ?? "").split(",").filter(Boolean)) asked.append("status", status);
  const { items } = await site.read(page, `/api/v1/exports?${asked}`);
  return items;
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled, timezoneId: "UTC" });

    test("figures lead to lists of the same sum", async ({ page }) => {
      await enter(page, site);
      await page.goto(site.base + PATH);
      const figure = (label) => page.locator(".kpis > div").filter({ hasText: label });
      await expect(figure("Downloaded").locator("dd").first()).toHaveText(said(sent));

      // Bytes downloaded are those of the entries of the log.
      await figure("Downloaded").getByRole("link").click();
      await expect(page).toHaveURL(/activity\?action=download\.finished/);
      const sizes = page.locator("table.log td.k-size");
      await expect(sizes).toHaveCount(4);
      const sum = await site.read(page, `/api/v1/activity?action=download.finished`);
      const bytes = sum.items.reduce((all, { entry }) => all + entry.details.bytes, 0);
      expect(bytes).toBe(sent);

      // Exports, and rows in their files.
      await page.goto(site.base + PATH);
      await figure("Exports").getByRole("link").click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(5);
      await page.goto(`${site.base + PATH}?show=rows`);
      const rows = await figure("Rows in files").locator("dd").first().textContent();
      await figure("Rows in files").getByRole("link").click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(5);
      const listed = await files(page, page.url());
      expect(listed.reduce((all, one) => all + one.rows_done, 0)).toBe(Number(rows));

      // A subject in the legend, and a day of the table.
      await page.goto(`${site.base + PATH}?show=files`);
      const legend = page.locator(".legend a").filter({ hasText: "Content" });
      const total = await legend.locator("b").textContent();
      await legend.click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(3);
      const content = await files(page, page.url());
      expect(said(content.reduce((all, one) => all + one.size_bytes, 0))).toBe(total);
      await page.goBack();
      await page.getByText("Show as a table").click();
      const day = page.locator(".as-table tbody tr").filter({ has: page.getByRole("link") });
      await expect(day).toHaveCount(1);
      const ofDay = await day.locator("td").last().textContent();
      await day.getByRole("link").click();
      const all = await files(page, page.url());
      expect(said(all.reduce((sum, one) => sum + one.size_bytes, 0))).toBe(ofDay);

      // The busiest hour, and somebody.
      await page.goto(site.base + PATH);
      const busiest = page.locator(".heat-most a");
      const most = Number((await busiest.textContent()).match(/: (\d+) export/)[1]);
      await busiest.click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(most);
      await page.goto(`${site.base + PATH}?show=files`);
      await page.getByRole("row", { name: /vera/ }).getByRole("link").click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(1);
      await expect(page.getByLabel("Made by")).toContainText("vera");
    });

    test("a bar opens the exports of its day", async ({ page }) => {
      await enter(page, site);
      await page.goto(`${site.base + PATH}?show=files&days=7`);
      await page.locator(".plot a .hit").click();
      await expect(page.locator("table.ex tbody tr")).toHaveCount(5);
      await page.getByRole("link", { name: /Remove filter: Status/ }).click();
      await expect(page).toHaveURL(/from=/);
      await page.getByRole("link", { name: "Clear" }).click();
      await expect(page).toHaveURL(/exports$/);
    });

    test("days are chosen by links, and kept by the address", async ({ page }) => {
      await enter(page, site);
      await page.goto(site.base + PATH);
      await page.getByRole("link", { name: "7 days" }).click();
      await page.getByRole("link", { name: "Rows" }).click();
      await page.getByRole("link", { name: "By person" }).click();
      await expect(page).toHaveURL(/days=7&show=rows&by=person/);
      await expect(page.locator(".chart-x span")).toHaveCount(7);
      await page.getByRole("link", { name: "Earlier days" }).click();
      await expect(page.getByText("Nothing went out in these days")).toBeVisible();
      await page.getByRole("link", { name: "Later days" }).click();
      await expect(page).toHaveURL(/dashboard\?days=7&show=rows&by=person$/);
      await expect(page.locator(".legend")).toContainText("You");
    });

    test("whoever sees their own sees their own added up", async ({ page }) => {
      await enter(page, site, VIEWER);
      await page.getByRole("link", { name: "Dashboard" }).click();
      await expect(page.locator(".kpis > div").filter({ hasText: "Exports" })).toContainText("1");
      await expect(page.getByText("that you asked for")).toBeVisible();
      await expect(page.locator("main")).not.toContainText("Orders");
      await expect(page.locator("main")).not.toContainText("ada");
    });
  });
}
