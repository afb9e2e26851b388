// A picture of every page of the table, in both themes, wide and on a phone, of the demo's lived-in
// site: into `e2e/shots/pages`, to be looked at. And the pictures of the README, small.
import { rmSync, writeFileSync } from "node:fs";
import { test } from "@playwright/test";
import { Demo } from "../demo.js";
import { ROUTES } from "../routes.js";
import { signIn } from "../site.js";

const SHAPES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const STATES = ["pending", "building", "ready", "failed", "cancelled", "expired", "deleted"];
// What the examples do not show.
const MORE = {
  "exports-none": "/sg-admin/exports?q=nothing+like+it",
  "subject-filter": "/sg-admin/subjects/orders?open=filter&scope.status=paid",
  "subject-columns": "/sg-admin/subjects/orders?open=columns",
  "subject-none": "/sg-admin/subjects/orders?q=nothing+like+it",
  "subject-content": "/sg-admin/subjects/content",
  "wizard-users": "/sg-admin/exports/new/fields?subject=users",
  "wizard-review-users": "/sg-admin/exports/new/review?subject=users&format=xlsx",
  "wizard-faults": "/sg-admin/exports/new/review?subject=orders&format=csv&time_zone=Europe/Berln&option.delimiter=xx",
  "activity-filtered": "/sg-admin/activity?subject=orders&outcome=done",
  "operator-other": "/sg-admin/operators/2",
  nowhere: "/sg-admin/exports/99999",
};
const README = {
  "admin-exports": ["light", "/sg-admin/exports"],
  "admin-orders": ["dark", "/sg-admin/subjects/orders?scope.status=paid"],
};

let demo;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  rmSync("shots/pages", { recursive: true, force: true });
  demo = await Demo.begin({ rows: 20_000 });
});
test.afterAll(() => demo?.end());

async function enter(page) {
  await signIn(page, demo, demo.people.administrator, demo.password);
  await page.locator(".app").waitFor();
}

// The newest export in each state, where there is one.
async function jobs(page) {
  const found = {};
  for (const status of STATES) {
    const answer = await page.request.get(`${demo.base}/api/v1/exports?status=${status}`);
    const [first] = (await answer.json()).items;
    if (first) found[`export-${status}`] = `/sg-admin/exports/${first.id}`;
  }
  return found;
}

// A context of its own each: what changes its colours while one looks is caught half-way.
for (const [shape, viewport] of Object.entries(SHAPES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`every page, ${shape}, ${colorScheme}`, async ({ browser }) => {
      test.setTimeout(300_000);
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
      const page = await context.newPage();
      const picture = async (name) => {
        await page.evaluate(() => document.fonts.ready);
        await page.screenshot({ path: `shots/pages/${name}-${colorScheme}-${shape}.png`, fullPage: true });
      };
      await page.goto(`${demo.base}/sg-admin/sign-in`);
      await picture("sign-in");
      await enter(page);
      // Those that are on their way first, as long as they are.
      const places = { exports: "/sg-admin/exports", ...(await jobs(page)) };
      for (const { name, example } of ROUTES) if (example) places[name] ??= example;
      for (const [name, path] of Object.entries({ ...places, ...MORE })) {
        await page.goto(demo.base + path);
        await picture(name);
      }
      await context.close();
    });
  }
}

for (const [name, [colorScheme, path]] of Object.entries(README)) {
  test(`${name} for the README`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1440, height: 820 } });
    const page = await context.newPage();
    await enter(page);
    await page.goto(demo.base + path);
    await page.evaluate(() => document.fonts.ready);
    const picture = (await page.screenshot()).toString("base64");
    await page.goto("about:blank");
    const packed = await page.evaluate(async (base64) => {
      const image = Object.assign(new Image(), { src: `data:image/png;base64,${base64}` });
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", 0.9).split(",")[1];
    }, picture);
    writeFileSync(`shots/${name}.webp`, Buffer.from(packed, "base64"));
    await context.close();
  });
}
