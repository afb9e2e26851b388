// What the pages look like, and whether everybody can use them: axe, light and dark, wide and narrow.
import { expect, test } from "@playwright/test";
import { SHAPES, judge } from "../judge.js";
import { ADMINISTRATOR, Site, VIEWER, signIn } from "../site.js";

const PROVIDER = `
[server.oidc]
issuer = "http://127.0.0.1:1"
client_id = "tidegate"
label = "Example ID"
`;
const PAGES = {
  "sign-in": (page, site) => page.goto(`${site.base}/sg-admin/sign-in`),
  fault: (page, site) => signIn(page, site, ADMINISTRATOR, "wrong horse battery"),
  password: (page, site) => page.goto(site.run(["operators", "reset", VIEWER])),
  home: (page, site) => signIn(page, site),
};

let plain;
let provided;
let empty;
test.beforeAll(async () => {
  plain = await Site.withPeople();
  provided = await Site.withPeople(PROVIDER);
  empty = await Site.empty();
  empty.setup = await empty.readSetup();
});
test.afterAll(() => Promise.all([plain, provided, empty].map((site) => site.end())));

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of Object.entries(SHAPES)) {
    test.describe(`${colorScheme}, ${shape}`, () => {
      test.use({ colorScheme, viewport });
      for (const [name, open] of Object.entries(PAGES)) {
        test(name, async ({ page }) => {
          await open(page, plain);
          await judge(page, `${name}-${colorScheme}-${shape}`);
        });
      }
      test("setup", async ({ page }) => {
        await page.goto(empty.setup);
        await judge(page, `setup-${colorScheme}-${shape}`);
      });
      test("provider", async ({ page }) => {
        await page.goto(`${provided.base}/sg-admin/sign-in`);
        await expect(page.getByRole("link", { name: "Sign in with Example ID" })).toBeVisible();
        await judge(page, `provider-${colorScheme}-${shape}`);
      });
    });
  }
}
