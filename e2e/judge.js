// Judges a page as people have it: kept as a picture, not wider than the window, and axe finds
// nothing in it.
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";

export const SHAPES = { wide: { width: 1440, height: 900 }, narrow: { width: 360, height: 780 } };

export async function judge(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `shots/${name}.png`, fullPage: true });
  await judgeUnseen(page, name);
}

// The same without the picture.
export async function judgeUnseen(page, name) {
  const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  expect(await page.evaluate(overflow), name).toBeLessThanOrEqual(0);
  // No page has a frame, so that one pass in the page itself is all of it, and several times quicker.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), name).toEqual([]);
}
