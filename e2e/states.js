// A site on which everything is there to be looked at: an export in each state, one of each kind of
// emptiness, somebody who has everything and somebody who has nothing.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD, Site, VIEWER, signIn } from "./site.js";

// Somebody who was shut out, the third operator.
const FORMER = "finn@example.com";
// Long enough to be looked at while it is built, whatever the machine.
const LONG_ROWS = 3_000_000;
const MORE = `
[[subjects]]
slug = "readings"
label = "Sensor readings"
source = "shop"
query = "with recursive n(id) as (select 1 union all select id + 1 from n where id < ${LONG_ROWS}) select id, length(randomblob(40000)) as note from n"
fields = ["id", "note"]
[[subjects]]
slug = "customers"
source = "shop"
table = "customers"
pii = true
search = ["email"]
date_field = "joined"
shorthands = ["city"]
fields = ["id", { slug = "email", pii = "email" }, "city", "joined"]
[[subjects]]
slug = "broken"
source = "shop"
table = "broken"
fields = ["id", "amount"]
[[subjects]]
slug = "nothing"
label = "Nothing yet"
source = "shop"
table = "void"
fields = ["id"]
`;
const ACTIONS = `
[[actions]]
model = "shop.Order"
codename = "refund"
name = "Refund orders"
kind = "server"
scope = "bulk"
webhook = "http://127.0.0.1:9/actions"
private = true
secret_file = "refund.key"
confirm = "The money goes back to the card that it came from."
reason = true
[[actions]]
model = "shop.Order"
codename = "recount"
name = "Recount stock"
kind = "server"
scope = "list"
webhook = "http://127.0.0.1:9/actions"
private = true
secret_file = "refund.key"
`;
const SCHEMA = `
create table customers (id integer primary key, email text not null, city text, joined date);
insert into customers values (1, 'ann@example.com', 'Lyon', '2026-01-02'), (2, 'bob@example.com', 'Kiel', '2026-03-04'), (3, 'cem@example.com', null, null);
create table broken (id integer primary key, amount integer not null);
insert into broken values (1, 10), (2, 'ten');
create table void (id integer primary key);
`;

// Gives the site, with the number of an export in each state as `site.jobs`.
export async function siteOfEveryState(browser) {
  const site = await Site.withPeople(MORE + ACTIONS, SCHEMA);
  writeFileSync(join(site.folder, "refund.key"), "the secret of an action, of some length");
  site.run(["sync-actions"]);
  site.run(["operators", "password", VIEWER], PASSWORD);
  site.run(["operators", "add", FORMER, "--role", "viewer"]);
  site.run(["operators", "disable", FORMER]);
  site.run(["tokens", "create", "--name", "e2e", "--days", "1"]);
  const page = await browser.newPage();
  await signIn(page, site);
  await page.locator(".app").waitFor();
  const headers = { origin: site.base };
  await page.request.put(`${site.base}/api/v1/settings`, { headers, data: { builds_max: 1 } });
  const weekly = { cron: "0 6 * * 1", time_zone: "Europe/Berlin" };
  const schedule = { subject: "customers", format: "csv", reason: "the weekly look", schedule: weekly };
  for (const cron of ["0 6 * * 1", "30 18 * * 1-5"]) {
    const data = { ...schedule, schedule: { ...weekly, cron } };
    await page.request.post(`${site.base}/api/v1/exports`, { headers, data });
  }
  await page.request.post(`${site.base}/api/v1/schedules/2/pause`, { headers, data: { reason: "the source moves" } });
  const webhook = { url: "https://hooks.example.com/tidegate", topics: ["schedules"] };
  await page.request.post(`${site.base}/api/v1/webhooks`, { headers, data: webhook });
  await site.allow(page, "administrator", ["orders.refund", "orders.recount"]);
  const refund = { data: { scope: { ids: [1] }, reason: "damaged" }, headers };
  const ran = await page.request.post(`${site.base}/api/v1/actions/orders/refund/runs`, refund);
  site.ran = (await ran.json()).run;
  const jobs = {};
  const take = async (state, request, until) => (jobs[state] = (await site.export(page, request, until)).id);
  await take("ready", {
    subject: "customers",
    scope: { filter: { field: "id", op: "lte", value: 2 } },
    fields: ["id", { slug: "email", as: "E-mail" }],
  });
  await take("zero", { subject: "orders", scope: { filter: { field: "total", op: "gt", value: "1000" } } });
  await take("failed", { subject: "broken" });
  await take("deleted", { subject: "orders", format: "xlsx" });
  await page.request.delete(`${site.base}/api/v1/exports/${jobs.deleted}/artifact`, { headers });
  await take("expired", { subject: "orders", format: "json" });
  const over = `update jobs set expires_at = created_at where id = ${jobs.expired}`;
  execFileSync("sqlite3", ["-cmd", ".timeout 5000", join(site.folder, "control.db"), over]);
  const begun = (one) => one.rows_done > 0;
  await take("cancelled", { subject: "readings" }, begun);
  await page.request.post(`${site.base}/api/v1/exports/${jobs.cancelled}/cancel`, { headers });
  await take("building", { subject: "readings", reason: "a look" }, begun);
  // One at a time is built, so that the next one waits.
  await take("pending", { subject: "readings", format: "xml" }, () => true);
  // What upkeep ends, it ends by itself.
  for (const [state, job] of Object.entries(jobs)) {
    const is = ({ status }) => status === (state === "zero" ? "ready" : state);
    while (!is(await site.read(page, `/api/v1/exports/${job}`))) await page.waitForTimeout(100);
  }
  site.jobs = jobs;
  const rules = { rules: [{ name: "Nothing without two", subject: "nothing", roles: ["administrator"] }], break_glass: true };
  await page.request.put(`${site.base}/api/v1/approvals/rules`, { headers, data: rules });
  const waits = await page.request.post(`${site.base}/api/v1/exports`, { headers, data: { subject: "nothing", format: "csv" } });
  site.waiting = (await waits.json()).id;
  const budgets = { time_zone: "Europe/Berlin", budgets: [{ name: "Rows of a day", rows: 50_000_000, exports: 500 }] };
  await page.request.put(`${site.base}/api/v1/budgets`, { headers, data: budgets });
  await page.close();
  return site;
}
