// How the browser tests run: Debian's Chromium, one at a time, nothing fetched by itself.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  outputDir: "results",
  fullyParallel: false,
  workers: 2,
  // A page that a slow machine shows late is asked once more, and listed as flaky at the end.
  retries: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  // Machines may be slow, and do other things beside.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
