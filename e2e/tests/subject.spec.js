// The list of a subject: what is looked at, what is ticked, and the three ways to an export of it,
// with and without JavaScript.
import { expect, test } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SHAPES, judge } from "../judge.js";
import { PASSWORD, Site, enter } from "../site.js";

const LOOKER = "leo@example.com";
const MORE = `
[sources.slow]
url = "sqlite:shop.db"
statement_seconds_max = 1

[[subjects]]
slug = "notes"
source = "shop"
table = "notes"
key = "id"
search = ["title"]
sort = ["-written_at", "id"]
date_field = "written_at"
shorthands = ["status"]
fields = [
  "id", "title", "status", { slug = "written_at", label = "Written", type = "timestamptz" }, "price",
  { slug = "author.name", label = "Author", relation = "author", column = "name" },
  { slug = "is_open", type = "boolean", default = false },
  { slug = "doc", type = "json", default = false },
  { slug = "raw", type = "bytes", default = false },
  { slug = "=1+1", column = "odd", default = false },
  { slug = "author.email", relation = "author", column = "email", pii = "email", default = false },
]
[[subjects.relations]]
name = "author"
table = "authors"
on = { author_id = "id" }

[[subjects]]
slug = "people"
source = "shop"
table = "authors"
key = "id"
pii = true

[[subjects]]
slug = "pieces"
source = "shop"
key = "id"
[[subjects.kinds]]
slug = "pages"
table = "pages"
fields = ["id", "title", "path"]
[[subjects.kinds]]
slug = "posts"
table = "posts"
fields = ["id", "title", "category"]

[[subjects]]
slug = "hollow"
source = "shop"
table = "hollow"
fields = ["id"]

[[subjects]]
slug = "vast"
source = "slow"
query = "with recursive n(id) as (select 1 union all select id + 1 from n where id < 1000000000) select id, id || 'x' as word from n"
fields = ["id", "word"]

[[subjects]]
slug = "many"
source = "shop"
table = "many"
fields = ["id", "word"]

[[roles]]
slug = "looker"
capabilities = ["notes.list", "exports.list.own"]
[[roles.limits]]
subject = "notes"
where = { any = [{ field = "status", op = "eq", value = "open" }, { field = "id", op = "lte", value = 3 }] }
`;
// 130 rows; the first eight hold what is easily written wrong.
const SCHEMA = `
create table authors (id integer primary key, name text, email text);
insert into authors values (1, 'Ann', 'ann@example.com'), (2, 'Bob', 'bob@example.com');
create table notes (id integer primary key, title text, status text, written_at text, price decimal(12,2),
  author_id integer, is_open boolean, doc json, raw blob, odd text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 130)
insert into notes select n, 'Note ' || n, case n % 3 when 0 then 'open' when 1 then 'closed' else 'kept' end,
  strftime('%Y-%m-%dT%H:%M:%SZ', '2026-01-01', '+' || n || ' hours'), n * 10.25, 1 + n % 2, n % 2,
  '{"a": ' || n || '}', cast('raw' || n as blob), 'plain' from c;
update notes set title = '=cmd|'' /C calc''!A0', odd = '-1' where id = 1;
update notes set title = 'say "hi", please', odd = '+1' where id = 2;
update notes set title = 'two' || char(13) || char(10) || 'lines', doc = '{' || char(10) || '  "b": "<x> & y"' || char(10) || '}' where id = 3;
update notes set title = '', odd = '', raw = x'' where id = 4;
update notes set title = null, price = null, doc = null, raw = null, odd = null, written_at = null, author_id = null where id = 5;
update notes set title = char(9) || 'tab', odd = '@x', raw = x'fbff' where id = 6;
update notes set title = '＝full, width' || char(0) || 'end', price = -12.5, odd = char(13) where id = 7;
update notes set title = ' </td><b>& &amp; ü 名前 🦀', odd = '''quoted' where id = 8;
create index notes_written_at on notes (written_at, id);
create table pages (id integer primary key, title text, path text);
insert into pages values (1, 'Home', '/'), (2, 'About', '/about');
create table posts (id integer primary key, title text, category text);
insert into posts values (3, 'Tides', 'sea'), (4, 'Moon', 'sky');
create table hollow (id integer primary key);
create table many (id integer primary key, word text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 1000000) insert into many select n, 'w' from c;
`;
const LIST = "/sg-admin/subjects/notes";
const ALL_FIELDS = "fields=id,title,status,written_at,price,author.name,is_open,doc,raw,%3D1%2B1";

let site;
test.beforeAll(async () => {
  site = await Site.withPeople(MORE, SCHEMA);
  site.run(["operators", "add", LOOKER, "--role", "looker"]);
  site.run(["operators", "password", LOOKER], PASSWORD);
});
test.afterAll(() => site.end());

const open = (page, path) => page.goto(site.base + path);
// What the database itself says.
const asked = (sql) =>
  execFileSync("sqlite3", [join(site.folder, "shop.db"), sql], { encoding: "utf8" }).trim().split("\n").filter(Boolean);
const filter = (field, op, value) => `filter=${encodeURIComponent(JSON.stringify({ field, op, value }))}`;
const box = (page, id) => page.getByRole("checkbox", { name: `Select ${id}`, exact: true });
const ids = (page) => page.locator("tbody th").allInnerTexts();

// The file that comes by itself once it is built; without a script, by a button that comes.
async function file(page, hasScript, begin) {
  const coming = page.waitForEvent("download", { timeout: 20_000 });
  await begin();
  await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+/);
  if (!hasScript) await page.getByRole("button", { name: "Download" }).click({ timeout: 20_000 });
  const download = await coming;
  const path = join(site.folder, download.suggestedFilename());
  await download.saveAs(path);
  return { bytes: readFileSync(path), name: download.suggestedFilename() };
}
// First cells of a CSV whose first column never needs quotes.
const column = ({ bytes }) => {
  const plain = bytes.toString("utf8").replace(/"(?:[^"]|"")*"/g, "");
  return plain.split("\r\n").slice(1, -1).map((line) => line.split(",")[0]);
};

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled, acceptDownloads: true, viewport: SHAPES.wide });
    test.beforeEach(({ page }) => enter(page, site));

    test("filters are chips that the address has, and can be taken off", async ({ page }) => {
      await open(page, LIST);
      await expect(page.locator(".head-note")).toContainText("130 rows");
      await page.getByRole("link", { name: "Add filter" }).click();
      await page.getByLabel("Field").selectOption("status");
      if (!javaScriptEnabled) await page.getByRole("button", { name: "Choose" }).click();
      await page.getByLabel("Is", { exact: true }).selectOption("in");
      await page.getByLabel("Value").fill("open, closed");
      await page.getByRole("button", { name: "Add filter" }).click();
      await expect(page.locator(".chip")).toHaveText(/Status.*is one of.*open or closed/s);
      await expect(page.locator(".head-note")).toContainText("87 match");
      await page.getByRole("searchbox").fill("note 12");
      await page.getByRole("searchbox").press("Enter");
      const right = "select id from notes where status in ('open', 'closed') and title like '%note%' and title like '%12%' order by written_at desc, id";
      await expect(page.locator("tbody th")).toHaveText(asked(right));
      expect(new URL(page.url()).searchParams.get("q")).toBe("note 12");
      await page.reload();
      await expect(page.locator("tbody th")).toHaveText(asked(right));
      await page.getByRole("link", { name: /^Remove filter: Status is one of/ }).click();
      await expect(page.locator("tbody th")).toHaveText(asked(right.replace("status in ('open', 'closed')", "true")));
      await page.getByRole("link", { name: "Clear" }).click();
      await expect(page.locator(".head-note")).toContainText("130 rows");
      // One click of what is on the page, or of a span of time.
      await page.getByRole("link", { name: "Add filter" }).click();
      await page.locator(".offers").getByRole("link", { name: "open" }).click();
      await expect(page.locator(".head-note")).toContainText("43 match");
    });

    test("columns sort, pages go both ways, and are as large as one likes", async ({ page }) => {
      await open(page, LIST);
      const head = (name) => page.getByRole("columnheader", { name });
      await expect(head("Written")).toHaveAttribute("aria-sort", "descending");
      const order = asked("select id from notes order by written_at is null, written_at desc, id");
      expect(await ids(page)).toEqual(order.slice(0, 25));
      await page.getByRole("link", { name: "Next" }).click();
      await expect(page.locator("tbody th").first()).toHaveText(order[25]);
      expect(await ids(page)).toEqual(order.slice(25, 50));
      await page.getByRole("link", { name: "Last" }).click();
      await expect(page.locator(".tbl-foot")).toContainText("106–130 of 130");
      expect(await ids(page)).toEqual(order.slice(-25));
      await page.getByRole("link", { name: "Previous" }).click();
      await expect(page.locator("tbody th").first()).toHaveText(order[80]);
      await page.getByRole("link", { name: "First" }).click();
      await expect(page.locator(".tbl-foot")).toContainText("1–25 of 130");
      await page.getByRole("link", { name: "Price" }).click();
      await expect(head("Price")).toHaveAttribute("aria-sort", "ascending");
      await expect(page.locator("[aria-sort]")).toHaveCount(1);
      expect((await ids(page)).slice(0, 2)).toEqual(["7", "1"]);
      await page.getByRole("link", { name: "Price" }).click();
      await expect(head("Price")).toHaveAttribute("aria-sort", "descending");
      await page.getByLabel("Per page").selectOption("100");
      if (!javaScriptEnabled) await page.getByRole("button", { name: "Show" }).click();
      await expect(page).toHaveURL(/limit=100/);
      await expect(page.locator("tbody th")).toHaveCount(100);
      await expect(head("Price")).toHaveAttribute("aria-sort", "descending");
    });

    test("columns are chosen, and shown as what they are", async ({ page }) => {
      await open(page, LIST);
      await page.getByRole("link", { name: "Columns" }).click();
      await page.getByRole("checkbox", { name: "Status" }).uncheck();
      await page.getByRole("checkbox", { name: "Doc" }).check();
      await page.getByRole("button", { name: "Show these" }).click();
      const heads = page.locator("thead th:not(.check)");
      await expect(heads).toHaveText(["Id", "Title", "Written", "Price", "Author", "Doc"]);
      await open(page, `${LIST}?${ALL_FIELDS}&sort=id`);
      const cells = async (id) => {
        const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: id, exact: true }) });
        return (await row.locator("td:not(.check)").allInnerTexts()).map((text) => text.trim());
      };
      const first = await cells("2");
      expect(first.slice(0, 6)).toEqual(['say "hi", please', "kept", first[2], "20.50", "Ann", "No"]);
      expect(first[2]).toMatch(/^1 Jan, \d\d:00$/);
      expect((await cells("5")).map((text) => text.split(/\s/)[0])).toEqual(["–", "kept", "–", "–", "–", "Yes", "–", "–", "–"]);
      expect((await cells("4"))[0]).toBe("");
      expect((await cells("7"))[3]).toBe("−12.50");
    });

    test("what is ticked is exported, and comes by itself", async ({ page }) => {
      await open(page, `${LIST}?${filter("status", "eq", "open")}`);
      for (const id of ["129", "126", "120"]) await box(page, id).check();
      const one = await file(page, javaScriptEnabled, () =>
        page.getByRole("button", { name: "Export selected" }).click());
      expect(one.name).toMatch(/^notes-.*\.csv$/);
      expect([...one.bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
      expect(column(one)).toEqual(["129", "126", "120"]);
    });

    test("all that match are exported as they are looked at", async ({ page }) => {
      await open(page, `${LIST}?${filter("status", "eq", "open")}&fields=id,title&sort=id`);
      if (javaScriptEnabled) await page.getByLabel("Select this page").check();
      const one = await file(page, javaScriptEnabled, () =>
        page.getByRole("button", { name: "Export all 43 that match" }).click());
      expect(column(one)).toEqual(asked("select id from notes where status = 'open' order by id"));
      expect(one.bytes.toString("utf8").slice(1).split("\r\n")[0]).toBe("id,title");
    });

    test("what is looked at goes to the wizard as it is", async ({ page }) => {
      await open(page, `${LIST}?${filter("status", "eq", "kept")}&q=note&fields=title,id&sort=-price`);
      await page.getByRole("link", { name: "Export what I’m looking at" }).click();
      await expect(page.locator("#first")).toContainText("title,id\nNote 128,128\nNote 125,125\n");
      await expect(page.locator("main dl.pairs")).toContainText("Status is kept");
      await expect(page.locator("main dl.pairs")).toContainText("Search finds “note”");
      const one = await file(page, false, () => page.getByRole("button", { name: "Start the export" }).click());
      const right = "select 'Note ' || id || ',' || id from notes where status = 'kept' and title like '%note%' order by price desc";
      expect(one.bytes.toString("utf8").split("\r\n").slice(1, -1)).toEqual(asked(right));
    });

    test("what takes a while is asked about first", async ({ page }) => {
      await open(page, "/sg-admin/subjects/many");
      if (javaScriptEnabled) await page.getByLabel("Select this page").check();
      await page.getByRole("button", { name: "Export all 1,000,000 rows" }).click();
      await expect(page).toHaveURL(/\/sg-admin\/exports\/new\/review\?subject=many/);
      await expect(page.getByRole("button", { name: "Start the export" })).toBeVisible();
    });

    test("kinds are switched, with what they share", async ({ page }) => {
      await open(page, `/sg-admin/subjects/pieces?${filter("title", "ne", "Home")}`);
      const kinds = page.getByRole("navigation", { name: /^Kinds/ });
      await expect(kinds.getByRole("link", { name: "All" })).toHaveAttribute("aria-current", "page");
      await kinds.getByRole("link", { name: "Posts" }).click();
      await expect(kinds.getByRole("link", { name: "Posts" })).toHaveAttribute("aria-current", "page");
      await expect(page.locator("thead th:not(.check)")).toHaveText(["Id", "Title", "Category"]);
      await expect(page.locator(".chip")).toHaveCount(1);
      await open(page, `/sg-admin/subjects/pieces?kind=posts&${filter("category", "eq", "sea")}`);
      await kinds.getByRole("link", { name: "Pages" }).click();
      await expect(page.locator(".chip")).toHaveCount(0);
      expect(await ids(page)).toEqual(["1", "2"]);
    });

    test("nothing, no match and what cannot be shown are told apart", async ({ page }) => {
      await open(page, "/sg-admin/subjects/hollow");
      await expect(page.getByText("Nothing here yet")).toBeVisible();
      await open(page, `${LIST}?q=nothing+like+it`);
      await expect(page.getByText("Nothing matches")).toBeVisible();
      await page.getByRole("link", { name: "Clear the filters" }).click();
      await expect(page.locator("tbody th")).toHaveCount(25);
      const answer = await open(page, `${LIST}?${filter("price", "gt", "much")}`);
      expect(answer.status()).toBe(422);
      await expect(page.getByRole("alert")).toContainText("No rows can be shown.");
      await page.getByRole("link", { name: /^Remove filter/ }).click();
      await expect(page.locator("tbody th")).toHaveCount(25);
    });
  });
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, acceptDownloads: true });
  test("all but what is ticked, and nothing ticked is nothing", async ({ page }) => {
    await enter(page, site);
    await open(page, `${LIST}?${filter("status", "eq", "open")}`);
    await page.getByRole("button", { name: "Export selected" }).click();
    await expect(page.getByRole("status")).toContainText("No row is selected");
    await expect(page.locator(".chip")).toHaveCount(1);
    for (const id of ["129", "120"]) await box(page, id).check();
    const one = await file(page, false, () => page.getByRole("button", { name: "All but the selected" }).click());
    const right = asked("select id from notes where status = 'open' and id not in (129, 120) order by written_at desc, id");
    expect(column(one)).toEqual(right);
  });
});

test.describe("with JavaScript", () => {
  test.use({ acceptDownloads: true, viewport: SHAPES.wide });
  test.beforeEach(({ page }) => enter(page, site));
  const bulk = (page) => page.getByRole("region", { name: "Export rows" });
  const all = (page) => page.getByLabel("Select this page");
  const isMixed = (page) => all(page).evaluate((it) => it.indeterminate);

  test("ticks survive pages and sorts, and belong to their question", async ({ page }) => {
    await open(page, LIST);
    await expect(bulk(page)).toBeHidden();
    await box(page, "130").check();
    await expect(bulk(page)).toContainText("1 selected");
    expect(await isMixed(page)).toBe(true);
    await page.getByRole("link", { name: "Next" }).click();
    await all(page).check();
    await expect(bulk(page)).toContainText("26 selected");
    await page.getByRole("link", { name: "Previous" }).click();
    await expect(box(page, "130")).toBeChecked();
    await expect(box(page, "129")).not.toBeChecked();
    await page.getByRole("link", { name: "Price" }).click();
    await expect(bulk(page)).toContainText("26 selected");
    await open(page, `${LIST}?${filter("status", "eq", "open")}`);
    await expect(bulk(page)).toBeHidden();
    await open(page, LIST);
    const one = await file(page, true, () => page.getByRole("button", { name: "Export selected" }).click());
    expect(column(one)).toEqual(["130", ...asked("select id from notes order by written_at is null, written_at desc, id limit 25 offset 25")]);
  });

  test("all that match but some are selected and exported", async ({ page }) => {
    await open(page, `${LIST}?${filter("status", "eq", "open")}`);
    await all(page).check();
    const sel = page.locator("#sel");
    await expect(sel).toContainText("All 25 on this page are selected.");
    await sel.getByRole("button", { name: "Select all 43 that match" }).click();
    await expect(sel).toContainText("All 43 that match are selected.");
    await expect(sel.getByRole("button", { name: "Back to these 25" })).toBeVisible();
    await expect(bulk(page)).toContainText("43 selected");
    await expect(bulk(page).getByRole("button", { name: /^Export all/ })).toBeHidden();
    await page.getByRole("link", { name: "Next" }).click();
    await expect(box(page, "3")).toBeChecked();
    await box(page, "3").uncheck();
    await box(page, "6").uncheck();
    await expect(bulk(page)).toContainText("41 selected: all that match, except 2");
    expect(await isMixed(page)).toBe(true);
    await bulk(page).getByLabel("Format").selectOption("ndjson");
    const one = await file(page, true, () => page.getByRole("button", { name: "Export selected" }).click());
    const made = one.bytes.toString("utf8").trim().split("\n").map((line) => String(JSON.parse(line).id));
    expect(made).toEqual(asked("select id from notes where status = 'open' and id not in (3, 6) order by written_at desc, id"));
    await page.goBack();
    await expect(bulk(page)).toContainText("41 selected");
    await sel.getByRole("button", { name: /^Back to these/ }).click();
    await expect(bulk(page)).toContainText("18 selected");
  });

  test("the keyboard goes through the rows, ticks them and takes it back", async ({ page }) => {
    await open(page, LIST);
    for (const key of ["j", "x", "j", "j", "x", "k", "x"]) await page.keyboard.press(key);
    await expect(bulk(page)).toContainText("3 selected");
    for (const id of ["130", "129", "128"]) await expect(box(page, id)).toBeChecked();
    await page.keyboard.press("x");
    await expect(bulk(page)).toContainText("2 selected");
    await page.keyboard.press("Escape");
    await expect(bulk(page)).toBeHidden();
    await box(page, "130").click();
    await box(page, "126").click({ modifiers: ["Shift"] });
    await expect(bulk(page)).toContainText("5 selected");
    await page.reload();
    await expect(bulk(page)).toContainText("5 selected");
    await bulk(page).getByRole("button", { name: "Clear" }).click();
    await page.keyboard.press("e");
    await expect(page).toHaveURL(/exports\/new\/review/);
  });

  test("in six clicks, without typing, there is a filtered workbook", async ({ page }) => {
    const clicks = [
      page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Notes" }),
      page.getByRole("link", { name: "Add filter" }),
      page.locator(".offers").getByRole("link", { name: "kept" }),
      page.getByLabel("Select this page"),
    ];
    for (const one of clicks) await one.click();
    await page.getByLabel("Format").selectOption("xlsx");
    const one = await file(page, true, () => page.getByRole("button", { name: /^Export all \d+ that match/ }).click());
    expect(one.name).toMatch(/^notes-.*\.xlsx$/);
    const rows = execFileSync("unzip", ["-p", join(site.folder, one.name), "xl/worksheets/sheet1.xml"], { encoding: "utf8" });
    expect(rows.match(/<row[ >]/g)).toHaveLength(asked("select id from notes where status = 'kept'").length + 1);
  });

  test("a second click makes no second export", async ({ page }) => {
    await open(page, LIST);
    const count = async () => (await site.read(page, "/api/v1/exports")).total;
    const before = await count();
    await box(page, "130").check();
    await page.getByRole("button", { name: "Export selected" }).dblclick();
    await expect(page).toHaveURL(/\/sg-admin\/exports\/\d+/);
    expect(await count()).toBe(before + 1);
  });

  test("a file made in the browser is, byte for byte, the one that the service makes", async ({ page }) => {
    await open(page, `${LIST}?${ALL_FIELDS}&sort=id&limit=50`);
    await expect(page.getByText("made in your browser: not permission-checked")).toBeVisible();
    const noted = page.waitForResponse((answer) => answer.url().endsWith("/client-export"));
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "This page as CSV" }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/^notes-browser-\d{8}T\d{6}Z\.csv$/);
    const path = join(site.folder, "browser.csv");
    await download.saveAs(path);
    const own = readFileSync(path);
    expect((await noted).status()).toBe(204);
    await all(page).check();
    const made = await file(page, true, () => page.getByRole("button", { name: "Export selected" }).click());
    expect(own.toString("utf8")).toBe(made.bytes.toString("utf8"));
    expect(own.equals(made.bytes)).toBe(true);
    const text = own.toString("utf8");
    for (const part of ["\"'=cmd|' /C calc'!A0\"", '"say ""hi"", please"', '"two\r\nlines"', '4,"",', "5,,kept", "\"'@x\"", "\"'=1+1\"\r\n"]) {
      expect(text).toContain(part);
    }
    const { items } = await site.read(page, "/api/v1/activity?action=export.client");
    expect(items).toHaveLength(1);
    expect(items[0].entry ?? items[0]).toMatchObject({ subject: "notes", outcome: "done", details: { rows: 50, format: "csv" } });
  });

  test("no file with personal data is made in the browser", async ({ page }) => {
    for (const path of ["/sg-admin/subjects/people", `${LIST}?fields=id,author.email`]) {
      await open(page, path);
      await expect(page.locator("tbody th").first()).toBeVisible();
      await expect(page.getByRole("button", { name: "This page as CSV" })).toHaveCount(0);
      expect(await page.content()).not.toContain("data-file");
    }
  });
});

test("who may look and not take sees a part of the rows, and no export", async ({ page }) => {
  await enter(page, site, LOOKER);
  await open(page, LIST);
  await expect(page.getByText("You see only rows where Status is open or Id at most 3.")).toBeVisible();
  expect(await ids(page)).toEqual(asked("select id from notes where status = 'open' or id <= 3 order by written_at desc, id limit 25"));
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  for (const name of [/export/i, /csv/i]) {
    await expect(page.getByRole("main").getByRole("button", { name })).toHaveCount(0);
    await expect(page.getByRole("main").getByRole("link", { name })).toHaveCount(0);
  }
  await judge(page, "subject-looker");
  expect((await open(page, "/sg-admin/subjects/people")).status()).toBe(404);
});

test("a search that takes too long is stopped, and says what would help", async ({ page }) => {
  await enter(page, site);
  const answer = await open(page, `/sg-admin/subjects/vast?${filter("word", "contains", "y")}`);
  expect(answer.status()).toBeGreaterThanOrEqual(400);
  await expect(page.getByRole("alert")).toContainText("have the database index “word”");
  await judge(page, "subject-trouble");
});

test("a file made in the browser is what a site may turn off", async ({ page }) => {
  await enter(page, site);
  const set = async (word) => {
    await open(page, "/sg-admin/settings");
    await page.getByLabel("Files made in the browser").selectOption(word);
    await page.getByRole("button", { name: "Save settings" }).click();
    await open(page, LIST);
  };
  const button = page.getByRole("button", { name: "This page as CSV" });
  await set("Off");
  await expect(page.locator("tbody th")).toHaveCount(25);
  await expect(button).toHaveCount(0);
  await set("On");
  await expect(button).toBeVisible();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test.describe(`${colorScheme}, ${shape}`, () => {
      test.use({ colorScheme, viewport });
      test("every state of the list can be used by everybody", async ({ page }) => {
        test.setTimeout(240_000);
        await enter(page, site);
        const states = {
          rows: `${LIST}?${ALL_FIELDS}&${filter("status", "in", ["open", "closed"])}`,
          filter: `${LIST}?open=filter&${filter("id", "gt", 3)}`,
          columns: `${LIST}?open=columns`,
          people: "/sg-admin/subjects/people",
          kinds: "/sg-admin/subjects/pieces?kind=posts",
          empty: "/sg-admin/subjects/hollow",
          none: `${LIST}?q=nothing+like+it`,
          fault: `${LIST}?${filter("price", "gt", "much")}`,
        };
        for (const [name, path] of Object.entries(states)) {
          await open(page, path);
          await judge(page, `subject-${name}-${colorScheme}-${shape}`);
        }
        await open(page, LIST);
        await page.getByLabel("Select this page").check();
        await page.locator("#sel button").click();
        await box(page, "130").uncheck();
        await expect(page.getByRole("region", { name: "Export rows" })).toBeVisible();
        await judge(page, `subject-selected-${colorScheme}-${shape}`);
      });
    });
  }
}
