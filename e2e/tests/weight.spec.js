// What a first visit to each page costs, by Chromium's own trace: bytes over the wire with nothing in
// the cache, and whether anything jumps while it loads. What a live page asks for afterwards, as the
// export goes on, is not part of its loading. When it first shows something is told, not judged: that
// depends on the machine. WEIGHT_RESULTS names a file to keep all of it in.
import { expect, test } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { ROUTES } from "../routes.js";
import { Site, signIn } from "../site.js";

const BYTES_MAX = 60_000;
const SHIFT_MAX = 0.001;
const TRIES = 5;
const SHAPES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const CATEGORIES = ["loading", "devtools.timeline", "blink.user_timing"];

const PAGES = ROUTES.filter(({ example }) => example).map(({ name, example }) => ({ name, path: example }));
const MORE_PAGES = [
  { name: "home", path: "/sg-admin/" },
  { name: "subject, 100 rows", path: "/sg-admin/subjects/customers?limit=100" },
  { name: "exports, 100", path: "/sg-admin/exports?limit=100" },
  { name: "export, live", path: "/sg-admin/exports/LIVE" },
  { name: "sign-in", path: "/sg-admin/sign-in", isOutside: true },
];

// Rows of a table that never ends while it is looked at, and more of a usual one.
const LIVE_ROWS = 30_000_000;
const MORE = `
[[subjects]]
slug = "readings"
source = "shop"
query = "with recursive n(id) as (select 1 union all select id + 1 from n where id < ${LIVE_ROWS}) select id, length(randomblob(40000)) as note from n"
fields = ["id", "note"]
[[subjects]]
slug = "customers"
source = "shop"
table = "customers"
search = ["name"]
shorthands = ["country"]
fields = ["id", "name", { slug = "email", pii = "email" }, "country", "joined_on", "spent", "note"]
`;
const SCHEMA = `
create table customers (id integer primary key, name text, email text, country text,
  joined_on date, spent decimal(12,2), note text);
with recursive n(id) as (select 1 union all select id + 1 from n where id < 300)
insert into customers select id, 'Customer ' || hex(id * 7919), 'c' || id || '@example.com',
  substr('DESEFRPLJPUS', 1 + id % 6 * 2, 2), date('2024-01-01', id || ' days'),
  printf('%d.%02d', id * 13, id % 100), 'Left word ' || hex(id * 104729) from n;
`;
const EXPORTS = 56;
const TOGETHER = 8;

let site;
let signedIn;
let live;
const found = [];

test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  site = await Site.withPeople(MORE, SCHEMA);
  const page = await browser.newPage();
  await signIn(page, site);
  const of = (number) => ({
    subject: ["orders", "customers"][number % 2],
    format: ["csv", "xlsx", "json"][number % 3],
  });
  for (let number = 0; number < EXPORTS; number += TOGETHER) {
    const some = Array.from({ length: TOGETHER }, (_, next) => of(number + next));
    await Promise.all(some.map((request) => site.export(page, request)));
  }
  const job = await site.export(page, { subject: "readings" }, (one) => one.rows_done > 0);
  live = job.id;
  signedIn = await page.context().storageState();
  await page.close();
});
test.afterAll(async ({ browser }) => {
  const page = await browser.newPage({ storageState: signedIn });
  const headers = { origin: site.base };
  await page.request.post(`${site.base}/api/v1/exports/${live}/cancel`, { headers });
  await site.end();
  const cells = ({ name, shape, bytes, html, shift, paint }) =>
    `| ${name} | ${shape} | ${bytes} | ${html} | ${shift.toFixed(4)} | ${Math.round(paint)} |`;
  const head = "| page | shape | bytes | of it HTML | layout shift | first paint ms |";
  console.log([head, "| --- | --- | --- | --- | --- | --- |", ...found.map(cells)].join("\n"));
  const kept = process.env.WEIGHT_RESULTS;
  if (kept) writeFileSync(kept, `${JSON.stringify({ chromium: browser.version(), found }, null, 2)}\n`);
});

// Loads a page as somebody does who was never here; gives what Chromium noted of it. A process that
// has just begun may be traced too late: then it is another visit that counts.
async function visited(browser, path, options) {
  for (let left = TRIES; ; left -= 1) {
    const visit = await visitedOnce(browser, path, options);
    const noted = asked(visit.traceEvents).length;
    if (noted === visit.asked || left === 1) return visit;
  }
}

async function visitedOnce(browser, path, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  let asked = 0;
  page.on("request", (request) => (asked += Number(isFile(request.url()))));
  await browser.startTracing(page, { categories: CATEGORIES });
  const answer = await page.goto(site.base + path, { waitUntil: "load" });
  await page.evaluate(async () => {
    await document.fonts.ready;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let frames = 0; frames < 10; frames += 1) await frame();
  });
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const { responseHeadersSize, responseBodySize } = await answer.request().sizes();
  const landed = new URL(page.url());
  await context.close();
  const html = responseHeadersSize + responseBodySize;
  return { traceEvents, html, asked, landed: landed.pathname + landed.search };
}

// The browser itself asks for things, too; and a script for what has changed since the page came.
const isFile = (url) => url.startsWith(`${site.base}/assets/`);
const told = (event) => ({ ...event.args.data, key: `${event.pid} ${event.args.data.requestId}` });

// Files that the trace has the page ask for.
function asked(traceEvents) {
  const sent = traceEvents.filter((event) => event.name === "ResourceSendRequest").map(told);
  return sent.filter(({ url }) => isFile(url));
}

// The page itself is asked for before the trace knows whose it is; its size is told by Chromium, too.
function weighed({ traceEvents, html }) {
  const named = (name) => traceEvents.filter((event) => event.name === name);
  const sent = asked(traceEvents);
  const keys = new Set(sent.map(({ key }) => key));
  const finished = named("ResourceFinish").map(told).filter(({ key }) => keys.has(key));
  const bytesOf = (some) => some.reduce((sum, { encodedDataLength }) => sum + encodedDataLength, 0);
  const shifts = named("LayoutShift").map((event) => event.args.data);
  const begin = Math.min(...named("navigationStart").map((event) => event.ts));
  const paints = named("firstContentfulPaint").map((event) => event.ts);
  return {
    bytes: html + bytesOf(finished),
    html,
    requests: sent.length,
    shift: shifts.reduce((sum, shift) => sum + shift.score, 0),
    paint: (Math.min(...paints) - begin) / 1000,
  };
}

test("the list of pages is read", () => {
  expect(PAGES.length).toBeGreaterThan(20);
});

for (const [shape, viewport] of Object.entries(SHAPES)) {
  for (const { name, path, isOutside } of [...PAGES, ...MORE_PAGES]) {
    test(`${name}, ${shape}`, async ({ browser }) => {
      const storageState = isOutside ? undefined : signedIn;
      const address = path.replace("LIVE", live);
      const visit = await visited(browser, address, { viewport, storageState });
      const weight = weighed(visit);
      found.push({ name, shape, path: address, landed: visit.landed, ...weight });
      expect(weight.requests, "it was traced").toBeGreaterThan(2);
      expect(weight.html, "it was weighed").toBeGreaterThan(1_000);
      expect(weight.bytes, "its files were, too").toBeGreaterThan(weight.html + 10_000);
      expect(Number.isFinite(weight.paint), "it was painted").toBe(true);
      expect(weight.bytes).toBeLessThan(BYTES_MAX);
      expect(weight.shift).toBeLessThanOrEqual(SHIFT_MAX);
    });
  }
}
