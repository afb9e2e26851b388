// Signing in and out, as people do: with and without JavaScript.
import { expect, test } from "@playwright/test";
import { ADMINISTRATOR, PASSWORD, Site, VIEWER, signIn } from "../site.js";

let site;
test.beforeAll(async () => (site = await Site.withPeople()));
test.afterAll(() => site.end());

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the right password lets in, and signing out keeps out", async ({ page, context }) => {
      await page.goto(site.base);
      await expect(page).toHaveURL(`${site.base}/sg-admin/sign-in`);
      await expect(page.getByLabel("Mail address")).toBeFocused();
      await page.keyboard.type(ADMINISTRATOR);
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      await expect(page.getByTitle(ADMINISTRATOR)).toBeVisible();
      const [cookie] = await context.cookies();
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page).toHaveURL(`${site.base}/sg-admin/sign-in`);
      expect(await context.cookies()).toEqual([]);
      await context.addCookies([cookie]);
      await page.goto(`${site.base}/sg-admin/`);
      await expect(page, "the session itself has ended").toHaveURL(/sign-in$/);
    });

    test("a wrong password is told, and the address is kept", async ({ page, context }) => {
      await signIn(page, site, ADMINISTRATOR, "wrong horse battery");
      await expect(page.getByRole("alert")).toHaveText("Address and password do not belong together.");
      await expect(page.getByLabel("Mail address")).toHaveValue(ADMINISTRATOR);
      await expect(page.getByLabel("Password")).toHaveValue("");
      await expect(page.getByLabel("Password")).toBeFocused();
      expect(await context.cookies()).toEqual([]);
    });

    test("a link sets a password, once", async ({ page }) => {
      const link = site.run(["operators", "reset", VIEWER]);
      const password = `${PASSWORD} ${javaScriptEnabled}`;
      await page.goto(link);
      await expect(page.getByText(VIEWER)).toBeVisible();
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Set password" }).click();
      await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
      await page.getByRole("button", { name: "Sign out" }).click();
      await signIn(page, site, VIEWER, password);
      await expect(page.getByTitle(VIEWER)).toBeVisible();
      expect((await page.goto(link)).status()).toBe(404);
    });
  });
}

test("where somebody wanted to go is where the sign-in leads", async ({ page }) => {
  await page.goto(`${site.base}/sg-admin/sign-in?next=/api/v1/me`);
  await page.getByLabel("Mail address").fill(ADMINISTRATOR);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${site.base}/api/v1/me`);
});

test("pages load nothing from elsewhere, and nothing that the policy forbids", async ({ page }) => {
  const asked = [];
  const told = [];
  page.on("request", (request) => asked.push(new URL(request.url()).origin));
  page.on("console", (message) => told.push(message.text()));
  await signIn(page, site);
  await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
  expect(new Set(asked)).toEqual(new Set([site.base]));
  expect(told).toEqual([]);
});
