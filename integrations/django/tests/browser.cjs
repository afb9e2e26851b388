// Signs in to the Django admin, exports what a search shows, and says where that has led to.
// node browser.cjs ADMIN_URL USER PASSWORD
const { chromium } = require("playwright-core");

(async () => {
  const [address, user, password] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage();
  await page.goto(`${address}/admin/user/user/?q=admin1`);
  await page.getByLabel("Username").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  const button = page.getByRole("button", { name: /^Export (all|the one)/ });
  const words = await button.innerText();
  await button.click();
  await page.waitForURL(/\/sg-admin\/exports\/\d+/);
  // The page of a job names the step "Ready" before it is reached: what was written is told after.
  await page.getByText(/\b1 row\b/).first().waitFor();
  const told = { words, url: page.url(), text: await page.locator("main").innerText() };
  if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
  console.log(JSON.stringify(told));
  await browser.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
