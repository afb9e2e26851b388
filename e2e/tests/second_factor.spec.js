// The second factor, as people have it: enrol, sign out, sign in with a code; with and without
// JavaScript, and whether everybody can use its pages.
import { expect, test } from "@playwright/test";
import { code, step } from "../authenticator.js";
import { SHAPES, judge } from "../judge.js";
import { ADMINISTRATOR, PASSWORD, Site, signIn } from "../site.js";

let site;
test.beforeEach(async () => (site = await Site.withPeople()));
test.afterEach(() => site.end());

// From one's account to the page with the new secret; gives the secret.
async function begin(page) {
  await signIn(page, site);
  await page.goto(`${site.base}/sg-admin/account`);
  await page.getByRole("link", { name: "Set up" }).click();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set up" }).click();
  await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  return page.getByRole("code").innerText();
}

// Turns it on; gives secret, recovery codes, and the step whose code was used.
async function enrol(page) {
  const secret = await begin(page);
  const now = step();
  await page.getByLabel("Code", { exact: true }).fill(code(secret, now));
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByRole("heading", { name: "Recovery codes" })).toBeVisible();
  const recovery = await page.getByRole("main").getByRole("listitem").allInnerTexts();
  expect(recovery).toHaveLength(10);
  return { secret, recovery, now };
}

async function leave(page) {
  await page.goto(`${site.base}/sg-admin/`);
  // On a phone it is in the drawer.
  const menu = page.getByRole("button", { name: "Menu", exact: true });
  await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
  if (await menu.isVisible()) await menu.click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in$/);
}

async function show(page, shown) {
  await expect(page.getByRole("heading", { name: "Second step" })).toBeVisible();
  await expect(page.getByLabel("Code", { exact: true })).toBeFocused();
  await page.getByLabel("Code", { exact: true }).fill(shown);
  await page.keyboard.press("Enter");
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("enrol, sign out, and sign in with a code", async ({ page, context }) => {
      const { secret, recovery, now } = await enrol(page);
      await page.getByRole("link", { name: "I have kept them" }).click();
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      await leave(page);
      await signIn(page, site);
      const cookies = await context.cookies();
      expect(cookies.map(({ name }) => name)).toEqual(["tidegate_second_step"]);
      expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
      await page.goto(`${site.base}/sg-admin/`);
      await expect(page, "the password alone does not let in").toHaveURL(/sign-in$/);
      await page.goto(`${site.base}/sg-admin/sign-in/code`);
      await show(page, code(secret, now));
      await expect(page.getByRole("alert")).toContainText("was used");
      // A step ahead is near enough, and stays so for longer than one behind.
      await show(page, code(secret, now + 1));
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      expect((await context.cookies()).map(({ name }) => name)).toEqual(["tidegate_session"]);
      await leave(page);
      await signIn(page, site);
      await show(page, recovery[0]);
      await expect(page.getByRole("main")).toContainText("signed in with a recovery code");
      await expect(page.getByText("You have 9 recovery codes left")).toBeVisible();
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByLabel("Code", { exact: true }).fill(recovery[1]);
      await page.getByRole("button", { name: "Turn off" }).click();
      await expect(page.getByRole("button", { name: "Set up" })).toBeVisible();
      await leave(page);
      await signIn(page, site);
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
    });

    test("a wrong first code is told, and the secret is not shown again", async ({ page }) => {
      const secret = await begin(page);
      await page.getByLabel("Code", { exact: true }).fill("000000");
      await page.getByRole("button", { name: "Turn on" }).click();
      await expect(page.getByRole("alert")).toContainText("not the code");
      expect(await page.content()).not.toContain(secret);
      await page.getByLabel("Code", { exact: true }).fill(code(secret, step()));
      await page.getByRole("button", { name: "Turn on" }).click();
      await expect(page.getByRole("heading", { name: "Recovery codes" })).toBeVisible();
    });

    test("where it is required, one is led there and nowhere else", async ({ page }) => {
      await site.requireSecondFactor("all");
      await signIn(page, site);
      await expect(page).toHaveURL(`${site.base}/sg-admin/second-factor`);
      await expect(page.getByRole("main")).toContainText("wants a second factor");
      expect((await page.goto(`${site.base}/api/v1/exports`)).status()).toBe(403);
      await page.goto(`${site.base}/sg-admin/`);
      await expect(page).toHaveURL(`${site.base}/sg-admin/second-factor`);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Set up" }).click();
      await page.getByLabel("Code", { exact: true }).fill(code(await page.getByRole("code").innerText(), step()));
      await page.getByRole("button", { name: "Turn on" }).click();
      await page.getByRole("link", { name: "I have kept them" }).click();
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      await expect(page.getByTitle(ADMINISTRATOR)).toBeVisible();
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test.describe(`${colorScheme}, ${shape}`, () => {
      test.use({ colorScheme, viewport });
      test("its pages", async ({ page }) => {
        const judged = async (name, seen) => {
          await expect(seen).toBeVisible();
          await judge(page, `${name}-${colorScheme}-${shape}`);
        };
        const heading = (name) => page.getByRole("heading", { name });
        const told = [];
        page.on("console", (message) => told.push(message.text()));
        await signIn(page, site);
        await expect(heading("Exports")).toBeVisible();
        await page.goto(`${site.base}/sg-admin/second-factor`);
        await judged("second-factor-off", page.getByRole("button", { name: "Set up" }));
        await page.getByLabel("Password").fill(PASSWORD);
        await page.getByRole("button", { name: "Set up" }).click();
        await judged("second-factor-offer", page.getByRole("img", { name: /QR code/ }));
        const secret = await page.getByRole("code").innerText();
        await page.getByLabel("Code", { exact: true }).fill(code(secret, step()));
        await page.getByRole("button", { name: "Turn on" }).click();
        await judged("second-factor-codes", heading("Recovery codes"));
        await page.goto(`${site.base}/sg-admin/second-factor`);
        await judged("second-factor-on", page.getByRole("button", { name: "Turn off" }));
        await leave(page);
        await signIn(page, site);
        await judged("second-step", heading("Second step"));
        expect(told, "nothing that the policy forbids").toEqual([]);
        await show(page, "000000");
        await judged("second-step-fault", page.getByRole("alert"));
      });
    });
  }
}
