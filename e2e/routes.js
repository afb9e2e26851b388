// The table of pages, as the reference has it: a test of the program keeps that true.
import { readFileSync } from "node:fs";

const TEXT = readFileSync(new URL("../docs/reference/pages.md", import.meta.url), "utf8");
const TABLE = TEXT.split("<!-- pages -->")[1].split("<!-- /pages -->")[0];

// Name, path, and example where there is something to look at.
export const ROUTES = TABLE.trim()
  .split("\n")
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
  .map(([, name, path, example]) => ({ name, path, example }));

// Which page of the table a path belongs to: as the router decides it, the plainer one first.
export function routeOf(path) {
  const plain = path.split(/[?#]/)[0];
  const holes = (route) => route.path.split("{").length;
  const sorted = [...ROUTES].sort((one, other) => holes(one) - holes(other));
  return sorted.find((route) => matcher(route.path).test(plain));
}

const matcher = (path) => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
