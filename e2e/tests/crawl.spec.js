// Every page of the table, in every state of an export and every kind of emptiness, in both themes
// and shapes; and every link and form of them, followed and sent without JavaScript.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { ROUTES, routeOf } from "../routes.js";
import { ADMINISTRATOR, PASSWORD, VIEWER, signIn } from "../site.js";
import { siteOfEveryState } from "../states.js";

const STATES = ["pending", "building", "ready", "failed", "cancelled", "expired", "deleted", "zero"];

let site;
test.beforeAll(async ({ browser }) => {
  test.setTimeout(60_000);
  site = await siteOfEveryState(browser);
});
test.afterAll(() => site?.end());

// Where each page of the table can be looked at: its example, and what more it has to show.
function places() {
  const { jobs } = site;
  const looks = ROUTES.filter(({ example }) => example);
  const examples = looks.map(({ name, example }) => [name, example.replace("/exports/1", `/exports/${jobs.ready}`)]);
  const states = STATES.map((state) => [`export-${state}`, `/sg-admin/exports/${jobs[state]}`]);
  return [...examples, ...states, ...MORE.map(([name, path]) => [name, path])];
}

// What the examples do not show.
const MORE = [
  ["exports-none", "/sg-admin/exports?q=nothing+like+it"],
  ["exports-fault", "/sg-admin/exports?status=lost"],
  ["nowhere", "/sg-admin/exports/99999"],
  ["subject-filter", "/sg-admin/subjects/customers?open=filter"],
  ["subject-columns", "/sg-admin/subjects/customers?open=columns&scope.city=Lyon"],
  ["subject-none", "/sg-admin/subjects/customers?q=nobody"],
  ["subject-empty", "/sg-admin/subjects/nothing"],
  ["wizard-conditions", '/sg-admin/exports/new?subject=customers&filter={"field":"id","op":"gt","value":0}'],
  ["wizard-fields-pii", "/sg-admin/exports/new/fields?subject=customers"],
  ["wizard-review-table", "/sg-admin/exports/new/review?subject=customers&format=xlsx"],
  ["wizard-review-none", "/sg-admin/exports/new/review?subject=nothing&format=csv"],
  ["wizard-faults", "/sg-admin/exports/new/review?subject=orders&format=csv&time_zone=Europe/Berln&option.delimiter=xx"],
  ["activity-filtered", "/sg-admin/activity?subject=orders&outcome=done&from=2026-01-01"],
  ["activity-none", "/sg-admin/activity?actor=nobody@example.com"],
  ["activity-fault", "/sg-admin/activity?export=many"],
];
// The five kinds of emptiness: who meets it where, and the sentence by which it is known.
const EMPTY = {
  "first use": [VIEWER, () => "/sg-admin/exports", "No exports yet"],
  "no match": [ADMINISTRATOR, () => "/sg-admin/exports?q=nothing+like+it", "No export matches"],
  "no permission": [VIEWER, () => "/sg-admin/settings", "settings.manage"],
  "nothing to export": [VIEWER, () => "/sg-admin/exports/new", "There is nothing you may export"],
  expired: [ADMINISTRATOR, ({ jobs }) => `/sg-admin/exports/${jobs.expired}`, "The file was removed"],
  "zero rows": [ADMINISTRATOR, ({ jobs }) => `/sg-admin/exports/${jobs.zero}`, "No row matched"],
};
// Pages that are an answer to something wrong.
const ANSWERS = { "exports-fault": 422, nowhere: 404, "wizard-faults": 422, "activity-fault": 422 };

// One page, one sign-in, and the four ways to look at what it shows.
async function looked(page, name) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await judge(page, `all-${name}-${colorScheme}-${shape}`);
    }
  }
}

// Two halves, so that both workers have something to do.
for (const half of [0, 1]) {
  test(`every page in every state can be used by everybody, half ${half + 1}`, async ({ page }) => {
    test.setTimeout(240_000);
    await signIn(page, site);
    await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
    const mine = places().filter((_, index) => index % 2 === half);
    for (const [name, path] of mine) {
      const answer = await page.goto(site.base + path);
      expect(answer.status(), path).toBe(ANSWERS[name] ?? 200);
      await looked(page, name);
    }
  });
}

test("every kind of emptiness is there, and can be used by everybody", async ({ browser }) => {
  test.setTimeout(120_000);
  for (const [name, [email, path, words]] of Object.entries(EMPTY)) {
    const page = await browser.newPage();
    await signIn(page, site, email, PASSWORD);
    await expect(page.getByRole("navigation", { name: "Main" })).toBeAttached();
    await page.goto(site.base + path(site));
    await expect(page.getByRole("main"), name).toContainText(words);
    await looked(page, `empty-${name.replaceAll(" ", "-")}`);
    await page.close();
  }
});

test("every page of the table that can be looked at is looked at, in every state", async () => {
  const seen = new Set(places().map(([, path]) => routeOf(path)?.name));
  const wanted = ROUTES.filter(({ example }) => example).map(({ name }) => name);
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
  expect(STATES.filter((state) => !site.jobs[state])).toEqual([]);
});
