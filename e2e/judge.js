// Judges a page as people have it: kept as a picture, not wider than the window, and axe finds
// nothing in it.
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";

export const SHAPES = { wide: { width: 1440, height: 900 }, narrow: { width: 360, height: 780 } };

export async function judge(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `shots/${name}.png`, fullPage: true });
  const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  expect(await page.evaluate(overflow), name).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), name).toEqual([]);
}
