// The first start: the host shows a link, and the link makes the first operator.
import { expect, test } from "@playwright/test";
import { PASSWORD, Site } from "../site.js";

test("the link that serve prints makes the first administrator, once", async ({ page }) => {
  const site = await Site.empty();
  try {
    const link = await site.readSetup();
    expect(link).toMatch(new RegExp(`^${site.base}/sg-admin/setup\\?token=[0-9a-f]{32}$`));
    const guessed = await page.goto(`${site.base}/sg-admin/setup?token=${"0".repeat(32)}`);
    expect(guessed.status()).toBe(404);
    await page.goto(link);
    await page.getByLabel("Mail address").fill("first@example.com");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create and sign in" }).click();
    await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
    const me = await site.read(page, "/api/v1/me");
    expect(me).toMatchObject({ email: "first@example.com", role: "administrator" });
    expect((await page.goto(link)).status()).toBe(404);
  } finally {
    await site.end();
  }
});

test("a password that is too short is told, and nobody is made", async ({ page }) => {
  const site = await Site.empty();
  try {
    await page.goto(await site.readSetup());
    await page.getByLabel("Mail address").fill("first@example.com");
    await page.getByLabel("Password").fill("short");
    // The browser would say so itself; the service does not rely on it.
    await page.locator("form").evaluate((form) => (form.noValidate = true));
    await page.getByRole("button", { name: "Create and sign in" }).click();
    await expect(page.getByRole("alert")).toContainText("12");
    await expect(page.getByLabel("Mail address")).toHaveValue("first@example.com");
    expect((await page.request.get(`${site.base}/api/v1/me`)).status()).toBe(401);
  } finally {
    await site.end();
  }
});
