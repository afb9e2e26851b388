// What people come for, from the first click to the opened file, in the demo: every file is held
// against what the site's own database answers.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { Demo } from "../demo.js";
import { csv, records, sheet } from "../files.js";
import { enter } from "../site.js";

const PHONE = { width: 390, height: 844 };
// Each row looks for all views of its visit, and no index helps.
const SLOW = { subject: "analytics", format: "csv", fields: ["id", "visit"] };

let demo;
test.beforeAll(async () => {
  test.setTimeout(240_000);
  demo = await Demo.begin({ rows: 20_000, hasPast: false });
});
test.afterAll(() => demo?.end());

const main = (page) => page.getByRole("main");
// What an export is: the steps below name what comes next, too.
const pill = (page) => main(page).getByRole("region", { name: "State" });
const state = (page, word) => expect(pill(page).getByText(word, { exact: true }).first()).toBeVisible({ timeout: 20_000 });
const numberOf = (page) => Number(page.url().match(/exports\/(\d+)/)[1]);

const become = (page, role = "administrator") => enter(page, demo, demo.people[role], demo.password);

// Opens a place of the menu, which is a drawer on a phone.
async function open(page, name) {
  const drawer = page.getByRole("button", { name: "Menu", exact: true });
  if (await drawer.isVisible()) await drawer.click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
}

// On to the export: over the review, where there is one.
async function start(page) {
  await expect(page).toHaveURL(/exports\/(new\/review|\d+)/);
  if (page.url().includes("review")) await page.getByRole("button", { name: "Start the export" }).click();
  await expect(page).toHaveURL(/\/exports\/\d+/);
}

async function take(page) {
  await state(page, "Ready");
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).first().click();
  const path = join(demo.folder, `taken-${numberOf(page)}`);
  await (await saved).saveAs(path);
  return path;
}

// Asks for an export by the page's cookie; gives its number.
async function ask(page, request) {
  const options = { data: request, headers: { origin: demo.base } };
  const answer = await page.request.post(`${demo.base}/api/v1/exports`, options);
  expect(answer.status()).toBe(202);
  return (await answer.json()).id;
}

// Files that the service keeps of an export.
function kept(job) {
  const folder = join(demo.folder, "site", "artifacts", String(job));
  return existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()) : [];
}

const fits = async (page) =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a list is filtered and sorted, rows are ticked, and the file holds those", async ({ page }) => {
      await become(page);
      await open(page, "Orders");
      await main(page).getByRole("link", { name: "paid", exact: true }).first().click();
      await expect(page).toHaveURL(/paid/);
      await main(page).getByRole("link", { name: "EUR", exact: true }).first().click();
      await expect(page).toHaveURL(/EUR/);
      await main(page).getByRole("link", { name: "Total", exact: true }).click();
      await expect(page.getByRole("columnheader", { name: "Total", exact: true })).toHaveAttribute("aria-sort", "ascending");
      const ticks = main(page).locator("tbody").getByRole("checkbox");
      for (const row of [0, 2, 5]) await ticks.nth(row).check();
      await page.getByRole("button", { name: "Export selected" }).click();
      await start(page);
      const cheap = "select * from orders where status = 'paid' and currency = 'EUR' order by total, id limit 6";
      const expected = [0, 2, 5].map((row) => demo.query(cheap)[row]);
      const path = await take(page);
      expect(kept(numberOf(page)).length).toBeGreaterThan(0);
      const taken = records(csv(path));
      const facts = ({ id, number, status, currency, total }) => [Number(id), number, status, currency, Number(total)];
      expect(taken.map(facts).sort()).toEqual(expected.map(facts).sort());
    });

    test("the wizard's file has the rows, names and order that were asked for", async ({ page }) => {
      await become(page);
      await open(page, "Exports");
      await page.getByRole("link", { name: "New export" }).first().click();
      await main(page).getByRole("link", { name: "Users" }).click();
      await page.getByLabel("Status is").fill("suspended");
      await page.getByRole("button", { name: "Next: Fields" }).click();
      await page.getByRole("textbox", { name: /Name of E-mail/ }).fill("Address");
      await page.getByRole("button", { name: "Next: Format" }).click();
      await page.getByRole("button", { name: "XLSX" }).click();
      await page.getByRole("button", { name: "Review" }).click();
      await expect(main(page)).toContainText("Personal data in this file");
      await start(page);
      const path = await take(page);
      const taken = records(sheet(path)).map(({ id, address, status }) => [Number(id), address, status]);
      const suspended = demo.query("select id, email, status from users where status = 'suspended' order by id");
      expect(suspended.length).toBeGreaterThan(3);
      expect(taken.sort(([one], [other]) => one - other)).toEqual(suspended.map(Object.values));
      const manifest = await (await page.request.get(`${demo.base}/api/v1/exports/${numberOf(page)}/manifest`)).json();
      expect(manifest.rows ?? manifest.artifact?.rows).toBe(suspended.length);
    });

    test("an export that is being built is stopped, and leaves no file", async ({ page }) => {
      await become(page);
      const job = await ask(page, SLOW);
      await page.goto(`${demo.base}/sg-admin/exports/${job}`);
      await state(page, "Building");
      await page.getByRole("button", { name: "Cancel export" }).click();
      await state(page, "Cancelled");
      await expect(page.getByRole("button", { name: "Download" })).toHaveCount(0);
      expect(kept(job)).toEqual([]);
      await open(page, "Exports");
      await page.getByRole("link", { name: /^Cancelled/ }).click();
      await expect(page.locator(`#export-${job}`)).toBeVisible();
    });

    test("a file whose days are over is gone, and is made again", async ({ page }) => {
      test.setTimeout(240_000);
      await become(page);
      const job = await ask(page, { subject: "content", kind: "pages", format: "csv" });
      await page.goto(`${demo.base}/sg-admin/exports/${job}`);
      await state(page, "Ready");
      await expect(main(page)).toContainText(/[67] days/);
      expect(kept(job).length).toBeGreaterThan(0);
      const over = `update jobs set expires_at = created_at where id = ${job}`;
      execFileSync("sqlite3", ["-cmd", ".timeout 5000", join(demo.folder, "site", "tidegate.db"), over]);
      await expect(async () => {
        await page.reload();
        await expect(main(page)).toContainText("The file was removed", { timeout: 500 });
      }).toPass({ timeout: 30_000 });
      await expect.poll(() => kept(job), { timeout: 20_000 }).toEqual([]);
      await expect(page.getByRole("button", { name: "Download" })).toHaveCount(0);
      await page.getByRole("button", { name: "Re-run" }).click();
      await expect(page).not.toHaveURL(new RegExp(`/${job}$`));
      const taken = records(csv(await take(page)));
      const pages = demo.query("select id, title from pages order by id");
      expect(taken.map(({ id, title }) => [Number(id), title])).toEqual(pages.map(Object.values));
    });

    test("a file that was deleted cannot be had by an older link either", async ({ page }) => {
      await become(page);
      const job = await ask(page, { subject: "content", kind: "pages", format: "json" });
      await page.goto(`${demo.base}/sg-admin/exports/${job}`);
      const whole = JSON.parse(readFileSync(await take(page), "utf8"));
      expect(whole).toHaveLength(demo.query("select count(*) as n from pages")[0].n);
      const headers = { origin: demo.base };
      const { url } = await (await page.request.post(`${demo.base}/api/v1/exports/${job}/downloads`, { headers })).json();
      expect((await page.request.get(new URL(url, demo.base).href)).status()).toBe(200);
      await open(page, "Exports");
      const row = page.locator(`#export-${job}`);
      await row.getByRole("button", { name: `More for #${job}` }).click();
      await row.getByRole("link", { name: "Delete artifact" }).click();
      await page.getByRole("button", { name: "Delete the file" }).click();
      await state(page, "Deleted");
      expect((await page.request.get(new URL(url, demo.base).href)).status()).toBe(404);
      await expect.poll(() => kept(job), { timeout: 20_000 }).toEqual([]);
    });

    test("to a viewer there are no users, by no way at all", async ({ page }) => {
      await become(page, "viewer");
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      const links = page.getByRole("navigation", { name: "Main" }).getByRole("link");
      await expect(links.filter({ hasText: "Content" })).toBeVisible();
      expect(await links.allInnerTexts()).not.toContain("Users");
      expect(await page.content()).not.toMatch(/users/i);
      await page.getByRole("link", { name: "New export" }).first().click();
      await expect(main(page).getByRole("link", { name: "Content" })).toBeVisible();
      expect(await page.content()).not.toMatch(/users/i);
      // What may not be seen answers as what never was, but for the name that was asked for.
      const plain = (text) => text.replaceAll("users", "SLUG").replaceAll("Users", "SLUG").replaceAll("unicorns", "SLUG").replaceAll("Unicorns", "SLUG");
      const body = async (answer) => [answer.status(), plain(await answer.text()).replace(/[0-9a-f-]{20,}/g, "ID")];
      const pages = ["/sg-admin/subjects/SLUG", "/sg-admin/exports/new?subject=SLUG", "/sg-admin/exports/new/review?subject=SLUG&format=csv", "/api/v1/subjects/SLUG", "/api/v1/subjects/SLUG/rows", "/sg-admin/exports?subject=SLUG"];
      for (const path of pages) {
        const look = async (slug) => body(await page.request.get(demo.base + path.replace("SLUG", slug)));
        const seen = await look("users");
        expect(seen, path).toEqual(await look("unicorns"));
        if (!path.includes("?")) expect(seen[0], path).toBe(404);
      }
      const post = async (subject) => {
        const options = { data: { subject, format: "csv" }, headers: { origin: demo.base } };
        return body(await page.request.post(`${demo.base}/api/v1/exports`, options));
      };
      expect(await post("users")).toEqual(await post("unicorns"));
      expect((await page.goto(`${demo.base}/sg-admin/subjects/users`)).status()).toBe(404);
      await expect(page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
    });
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: PHONE, hasTouch: true, isMobile: true });
  test("orders are filtered, taken and fetched", async ({ page }) => {
    await become(page);
    await open(page, "Orders");
    await fits(page);
    await main(page).getByRole("link", { name: "pending", exact: true }).first().click();
    await expect(page).toHaveURL(/pending/);
    await fits(page);
    await page.getByRole("link", { name: /Export what I’m looking at/ }).click();
    await expect(page).toHaveURL(/exports\/new\/review/);
    await fits(page);
    await start(page);
    await fits(page);
    const taken = records(csv(await take(page)));
    const pending = demo.query("select id from orders where status = 'pending' order by id");
    expect(taken.map(({ id }) => Number(id)).sort((one, other) => one - other)).toEqual(pending.map(({ id }) => id));
    await open(page, "Exports");
    await fits(page);
    const job = Number((await page.locator("[id^=export-]").first().getAttribute("id")).slice(7));
    await page.locator(`#export-${job}`).getByRole("button", { name: `More for #${job}` }).tap();
    await page.getByRole("link", { name: "Delete artifact" }).tap();
    await expect(page.getByRole("heading", { name: /^Delete the file of #/ })).toBeVisible();
    await fits(page);
    await page.getByRole("button", { name: "Delete the file" }).tap();
    await state(page, "Deleted");
  });
});
