// Actions that the site does, from the list: of a row, of what is ticked, of all that match; who may
// not is offered nothing, and what the site has not done is told as it is.
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { ADMINISTRATOR, PASSWORD, Site, VIEWER, enter } from "../site.js";

const LIST = "/sg-admin/subjects/orders";
const SCHEMA = "with recursive n(id) as (select 3 union all select id + 1 from n where id < 40) insert into orders select id, id from n;";

// What the site was sent, and what it answers.
const heard = [];
let answer = 204;
const shop = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    heard.push(JSON.parse(body).data);
    response.writeHead(answer).end();
  });
});

const action = (codename, name, scope, port, more = "") => `
[[actions]]
model = "shop.Order"
codename = "${codename}"
name = "${name}"
kind = "server"
scope = "${scope}"
webhook = "http://127.0.0.1:${port}/actions"
private = true
secret_file = "actions.key"
${more}
`;

let site;
test.beforeAll(async ({ browser }) => {
  await new Promise((done) => shop.listen(0, "127.0.0.1", done));
  const { port } = shop.address();
  const confirm = 'confirm = "The money goes back to the card."\nreason = true';
  const more = action("refund", "Refund", "bulk", port, confirm) + action("recount", "Recount", "list", port) + action("call", "Call the buyer", "row", 9);
  site = await Site.withPeople(more, SCHEMA);
  writeFileSync(join(site.folder, "actions.key"), "the secret of an action, of some length");
  site.run(["operators", "password", VIEWER], PASSWORD);
  site.run(["sync-actions"]);
  const page = await browser.newPage();
  await enter(page, site);
  await site.allow(page, "administrator", ["orders.refund", "orders.recount", "orders.call"]);
  await site.allow(page, "viewer", ["orders.list"]);
  await page.close();
});
test.afterAll(async () => {
  await site?.end();
  shop.close();
});
test.beforeEach(() => {
  heard.length = 0;
  answer = 204;
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled });

    test("what is ticked: asked in its own words, with a reason, done once, and told", async ({ page }) => {
      await enter(page, site, ADMINISTRATOR);
      await page.goto(site.base + LIST);
      for (const id of [3, 5]) await page.getByLabel(`Select ${id}`, { exact: true }).check();
      await page.getByRole("button", { name: "Refund", exact: true }).click();
      await expect(page.getByRole("heading", { name: "Refund?" })).toBeVisible();
      const question = page.getByRole("region", { name: "Question" });
      await expect(question).toContainText("The money goes back to the card.");
      await expect(question).toContainText("3, 5");
      await page.getByLabel("Reason").fill("Damaged");
      const form = page.locator("form[action$='/run']");
      const said = await form.evaluate((one) => new URLSearchParams(new FormData(one)).toString());
      await page.getByRole("button", { name: "Refund" }).click();
      await expect(page.getByText("The site says that it is done.")).toBeVisible();
      await expect(page.locator("main")).toContainText("204");
      expect(heard.map(({ keys, reason }) => [keys, reason])).toEqual([[[3, 5], "Damaged"]]);
      // Saying yes again is the same yes.
      const headers = { origin: site.base, "content-type": "application/x-www-form-urlencoded" };
      const again = await page.request.post(`${site.base}${LIST}/actions/refund/run`, { data: said, headers, maxRedirects: 0 });
      expect(page.url()).toContain(again.headers().location);
      expect(heard.length).toBe(1);
      await page.getByRole("link", { name: /^#\d+$/ }).click();
      await expect(page.locator("main")).toContainText("refund");
    });

    test("all that match", async ({ page }) => {
      await enter(page, site, ADMINISTRATOR);
      const filter = encodeURIComponent('{"field":"id","op":"lte","value":30}');
      await page.goto(`${site.base}${LIST}?filter=${filter}`);
      if (javaScriptEnabled) {
        await page.getByLabel("Select this page").check();
        await page.getByRole("button", { name: /^Select all/ }).click();
        await expect(page.getByRole("button", { name: "Refund", exact: true })).toBeHidden();
        await page.getByRole("button", { name: "Recount", exact: true }).click();
      } else {
        await page.getByRole("button", { name: /^Recount: all/ }).click();
      }
      const question = page.getByRole("region", { name: "Question" });
      await expect(question).toContainText("30: all that match");
      await expect(question).toContainText("25 more");
      await page.getByRole("button", { name: "Recount" }).click();
      await expect(page.getByText("The site says that it is done.")).toBeVisible();
      expect(heard.map(({ keys }) => keys.length)).toEqual([30]);
    });

    test("who may not have it done is offered nothing", async ({ page }) => {
      await enter(page, site, VIEWER);
      await page.goto(site.base + LIST);
      await expect(page.getByRole("table")).toBeVisible();
      await expect(page.getByText(/Refund|Recount|Call the buyer/)).toHaveCount(0);
      await expect(page.getByRole("button", { name: /^Actions on/ })).toHaveCount(0);
      await page.goto(`${site.base}${LIST}/actions/refund?ids=1`);
      await expect(page.locator("main")).toContainText("orders.refund");
      expect(heard).toEqual([]);
    });

    test("what the site has not done is told as it is", async ({ page }) => {
      await enter(page, site, ADMINISTRATOR);
      answer = 500;
      await page.goto(`${site.base}${LIST}/actions/refund?ids=7`);
      await page.getByLabel("Reason").fill("Damaged");
      await page.getByRole("button", { name: "Refund" }).click();
      await expect(page.getByRole("alert")).toContainText("The site has not done it.");
      await expect(page.locator("main")).toContainText("500");
      await page.goto(`${site.base}${LIST}/actions/call?ids=7`);
      await page.getByRole("button", { name: "Call the buyer" }).click();
      await expect(page.getByRole("alert")).toContainText("could not be reached");
      await expect(page.getByRole("alert")).toContainText("nothing was done");
    });
  });
}

test("a row has a menu of what is done to it", async ({ page }) => {
  await enter(page, site, ADMINISTRATOR);
  await page.goto(site.base + LIST);
  await page.getByRole("button", { name: "Actions on 4", exact: true }).click();
  const menu = page.locator(".menu:popover-open");
  await expect(menu.getByRole("link")).toHaveText(["Call the buyer", "Refund"]);
  await menu.getByRole("link", { name: "Refund" }).click();
  await expect(page.getByRole("region", { name: "Question" })).toContainText("Keys4");
});
