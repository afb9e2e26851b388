// From the start page to a filtered XLSX of orders: at most six clicks, and nothing typed.
import { expect, test } from "@playwright/test";
import { Demo } from "../demo.js";
import { records, sheet } from "../files.js";
import { signIn } from "../site.js";

const CLICKS_MAX = 6;

let demo;
test.beforeAll(async () => {
  test.setTimeout(240_000);
  demo = await Demo.begin();
});
test.afterAll(() => demo?.end());

// Counts what hands do on every page from now on. A choice of a list takes two clicks, which
// browsers show to no script: one opens it, one chooses.
async function budget(page) {
  const spent = { clicks: 0, keys: 0 };
  await page.exposeFunction("spend", (what, many) => (spent[what] += many));
  await page.addInitScript(() => {
    const tell = (what, many) => (event) => event.isTrusted && window.spend(what, many);
    addEventListener("click", tell("clicks", 1), true);
    addEventListener("auxclick", tell("clicks", 1), true);
    addEventListener("keydown", tell("keys", 1), true);
    // The event is the browser's, whoever chooses.
    addEventListener("change", (event) => event.target.matches("select") && window.spend("clicks", 2), true);
  });
  await page.reload();
  return () => {
    expect(spent.clicks, "clicks").toBeLessThanOrEqual(CLICKS_MAX);
    expect(spent.keys, "keys").toBe(0);
    return spent.clicks;
  };
}

test("a filtered file of orders is six clicks away", async ({ page }) => {
  test.setTimeout(240_000);
  await signIn(page, demo, demo.people.administrator, demo.password);
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  const spent = await budget(page);
  const file = page.waitForEvent("download");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Orders" }).click();
  await page.getByRole("main").getByRole("link", { name: "paid", exact: true }).first().click();
  await expect(page).toHaveURL(/paid/);
  await page.getByLabel("Select this page").check();
  await page.getByLabel("Format").selectOption({ label: "XLSX" });
  await page.getByRole("button", { name: /^Export all/ }).click();
  await expect(page.getByRole("heading", { name: "Orders as XLSX" })).toBeVisible();
  await expect(page.getByText("Ready", { exact: true }).first()).toBeVisible({ timeout: 20_000 });
  const path = `${demo.folder}/taken.xlsx`;
  await (await file).saveAs(path);
  console.log(`${spent()} clicks`);

  const taken = records(sheet(path)).map(({ id, number, total }) => [Number(id), number, Number(total)]);
  const paid = demo.query("select id, number, total from orders where status = 'paid' order by id");
  expect(paid.length).toBeGreaterThan(20);
  const sorted = taken.sort(([one], [other]) => one - other);
  expect(sorted).toEqual(paid.map(({ id, number, total }) => [id, number, Number(total)]));
});

test("a seventh click is told, and a key", async ({ page }) => {
  await signIn(page, demo, demo.people.administrator, demo.password);
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  const spent = await budget(page);
  for (let click = 0; click < CLICKS_MAX; click += 1) await page.getByRole("heading").first().click();
  await expect.poll(spent).toBe(CLICKS_MAX);
  await page.getByRole("heading").first().click();
  await expect.poll(() => tells(spent)).toMatch(/clicks/);
  const other = await page.context().newPage();
  await other.goto(page.url());
  const typed = await budget(other);
  await other.keyboard.press("j");
  await expect.poll(() => tells(typed)).toMatch(/keys/);
});

function tells(spent) {
  try {
    spent();
    return "";
  } catch (error) {
    return error.message;
  }
}
