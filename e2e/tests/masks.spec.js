// What is shown of personal data: chosen for a role and for the site, and seen on a list.
import { expect, test } from "@playwright/test";
import { Site, enter } from "../site.js";

const MORE = `
[[subjects]]
slug = "people"
source = "shop"
table = "people"
pii = true
search = ["email", "city"]
fields = ["id", "city", { slug = "email", pii = "email" }, { slug = "phone", pii = "phone" },
  { slug = "name", pii = "name" }]
`;
const SCHEMA = `
create table people (id integer primary key, city text, email text, phone text, name text);
insert into people values (1, 'Kiel', 'bo@example.com', '+49 30 123456', 'Bo Berg'),
  (2, 'Ulm', 'cy@example.org', null, 'Cy Court');
`;

let site;
test.beforeAll(async () => {
  site = await Site.withPeople(MORE, SCHEMA);
});
test.afterAll(async () => site.end());

// Nobody's picture but that of whoever looks at it: PICTURES names a folder.
async function picture(page, name) {
  if (!process.env.PICTURES) return;
  await page.screenshot({ path: `${process.env.PICTURES}/${name}.png`, fullPage: true });
}

test("a role is shown what is chosen for it, and the list says so", async ({ page }) => {
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/roles/administrator`);
  await expect(page.getByText("it sees all of it, whatever is chosen here")).toBeVisible();
  await page.goto(`${site.base}/sg-admin/roles/viewer`);
  await page.getByLabel("Email").selectOption("hash");
  await page.getByLabel("Every other class").selectOption("partial");
  await picture(page, "role");
  await page.getByRole("button", { name: "Save the role" }).click();
  await expect(page.getByLabel("Email")).toHaveValue("hash");
  await expect(page.getByLabel("Phone")).toHaveValue("");
  const roles = await site.read(page, "/api/v1/roles");
  expect(roles.find((role) => role.slug === "viewer").masks).toEqual([
    { class: "*", policy: "partial" },
    { class: "email", policy: "hash" },
  ]);
});

test("the settings say what everybody else is shown, and which subjects are personal", async ({ page }) => {
  await enter(page, site);
  await page.goto(`${site.base}/sg-admin/settings`);
  await page.getByLabel("Name", { exact: true }).selectOption("partial");
  await page.getByLabel("Subjects that are personal data").selectOption("listed");
  await page.getByLabel("Orders").check();
  await picture(page, "settings");
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByLabel("Subjects that are personal data")).toHaveValue("listed");
  await expect(page.getByLabel("Orders")).toBeChecked();
  const settings = await site.read(page, "/api/v1/settings");
  expect(settings.masks).toEqual([{ class: "name", policy: "partial" }]);
  expect(settings.pii_subjects.sort()).toEqual(["orders", "people"]);
});

test("an administrator without the capability sees masked columns, and no way around", async ({ page }) => {
  await enter(page, site);
  const roles = await site.read(page, "/api/v1/roles");
  const own = roles.find((role) => role.slug === "administrator");
  const headers = { origin: site.base };
  const less = own.capabilities.filter((slug) => slug !== "pii.unmask");
  const masks = [{ class: "email", policy: "hash" }, { class: "phone", policy: "drop" }, { class: "*", policy: "partial" }];
  const put = (capabilities) =>
    page.request.put(`${site.base}/api/v1/roles/administrator`, {
      headers,
      data: { label: own.label, capabilities, masks },
    });
  expect((await put(less)).status()).toBe(204);
  try {
    await page.goto(`${site.base}/sg-admin/subjects/people`);
    await expect(page.getByText("2 columns are masked for you, and 1 field is not shown.")).toBeVisible();
    await expect(page.getByText("B. B.")).toBeVisible();
    await expect(page.getByText("bo@example.com")).toHaveCount(0);
    await expect(page.getByRole("columnheader", { name: "Email" }).getByRole("link")).toHaveCount(0);
    await expect(page.getByRole("columnheader", { name: "Phone" })).toHaveCount(0);
    await picture(page, "subject");
    await page.goto(`${site.base}/sg-admin/subjects/people?sort=email`);
    await expect(page.getByText("is masked for you")).toBeVisible();
    await page.goto(`${site.base}/sg-admin/exports/new/review?subject=people&format=csv`);
    await expect(page.getByText("Masked: as a hash")).toBeVisible();
    await picture(page, "review");
  } finally {
    expect((await put(own.capabilities)).status()).toBe(204);
  }
});
