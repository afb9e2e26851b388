// Every page of the table, in every state of an export and every kind of emptiness, light and dark,
// wide and narrow: axe finds nothing, and nothing is wider than the window.
import { expect, test } from "@playwright/test";
import { SHAPES, judgeUnseen } from "../judge.js";
import { EMPTY, STATES, places } from "../places.js";
import { ROUTES, routeOf } from "../routes.js";
import { enter } from "../site.js";
import { siteOfEveryState } from "../states.js";

let site;
test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  site = await siteOfEveryState(browser);
});
test.afterAll(() => site?.end());

// Of one look, every theme and every shape: colours are no different on a phone, and nothing is
// elsewhere in the dark.
async function judged(page, name) {
  await page.evaluate(() => document.fonts.ready);
  for (const [colorScheme, shape] of [["light", "wide"], ["dark", "narrow"]]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(SHAPES[shape]);
    await judgeUnseen(page, `${name}, ${colorScheme}, ${shape}`);
  }
}

test("every page, in every state, can be used by everybody", async ({ page }) => {
  test.setTimeout(600_000);
  await enter(page, site);
  for (const { name, path, status } of places(site)) {
    await test.step(name, async () => {
      expect((await page.goto(site.base + path)).status(), path).toBe(status);
      await judged(page, name);
    });
  }
});

test("every kind of emptiness is there, and can be used by everybody", async ({ browser }) => {
  test.setTimeout(240_000);
  for (const { kind, email, path, words } of EMPTY) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await enter(page, site, email);
    await page.goto(site.base + path(site));
    await expect(page.getByRole("main"), kind).toContainText(words);
    await judged(page, kind);
    await context.close();
  }
});

test("every page of the table that can be looked at is looked at, in every state", () => {
  const seen = new Set(places(site).map(({ path }) => routeOf(path)?.name));
  const wanted = ROUTES.filter(({ example }) => example).map(({ name }) => name);
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
  expect(STATES.filter((state) => !site.jobs[state])).toEqual([]);
});
