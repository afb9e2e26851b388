// A page of another origin tries every route that changes something, with the cookie of somebody
// who is signed in: nothing changes.
import { createServer } from "node:http";
import { once } from "node:events";
import { expect, test } from "@playwright/test";
import { Site, signIn } from "../site.js";

const SAFE = ["get", "head", "options", "trace"];
const LISTS = ["operators", "roles", "exports", "sessions", "settings", "tokens"];
// Pages are not in the description of the API.
const PAGES = ["/sg-admin/sign-in", "/sg-admin/sign-out", "/sg-admin/setup", "/sg-admin/password"];
const BODY = '{"subject":"orders","format":"csv","email":"eve@example.com","role":"administrator"}';

let site;
let evil;
let port;
test.beforeAll(async () => {
  site = await Site.withPeople();
  evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html").end("<!doctype html><title>Free puppies</title>");
  });
  evil.listen(0, "127.0.0.1");
  await once(evil, "listening");
  port = evil.address().port;
});
test.afterAll(async () => {
  evil.close();
  await site.end();
});

// Another port of the same host is the same site to a browser: it sends the cookie along. Another
// host is another site, to which only the address of a link brings it.
for (const host of ["127.0.0.1", "localhost"]) {
  test(`from another origin, ${host}, nothing is changed`, async ({ page }) => {
    test.setTimeout(240_000);
    await signIn(page, site);
    await expect(page.getByRole("heading", { name: "Exports" })).toBeVisible();
    const routes = await mutating(page);
    expect(routes.length).toBeGreaterThan(15);
    const before = await state(page);
    const answered = await watch(page);
    await page.goto(`http://${host}:${port}/`);
    for (const { method, path } of routes) {
      await page.evaluate(send, { url: site.base + path, method, body: BODY });
    }
    for (const path of new Set(routes.map((route) => route.path))) {
      await page.goto(`http://${host}:${port}/`);
      const arrived = page.waitForNavigation({ url: site.base + path });
      await page.evaluate(submit, { url: site.base + path, body: BODY });
      expect((await arrived).status(), path).toBe(403);
    }
    expect(answered.length).toBeGreaterThan(4 * routes.length);
    expect(answered.filter(([status]) => status !== 403)).toEqual([]);
    expect(await state(page)).toEqual(before);
    console.log(`${host}: ${routes.length} routes, ${answered.length} requests refused`);
  });
}

// What the server answers to whatever is not safe, also where the page may not know.
async function watch(page) {
  const [answered, asked] = [[], new Map()];
  const wire = await page.context().newCDPSession(page);
  wire.on("Network.requestWillBeSent", ({ requestId, request: { method, url } }) =>
    asked.set(requestId, [method, url]),
  );
  wire.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
    const [method, url] = asked.get(requestId) ?? ["?", "?"];
    if (url.startsWith(site.base) && !SAFE.includes(method.toLowerCase())) {
      answered.push([statusCode, method, new URL(url).pathname]);
    }
  });
  await wire.send("Network.enable");
  return answered;
}

// Every route that changes something, with numbers and names that are there.
async function mutating(page) {
  const { paths } = await site.read(page, "/api/v1/openapi.json");
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: filled(path) })),
  );
  const changing = operations.filter(({ method }) => !SAFE.includes(method.toLowerCase()));
  return [...changing, ...PAGES.map((path) => ({ method: "POST", path }))];
}

function filled(path) {
  const full = path.startsWith("/api/v1") ? path : `/api/v1${path}`;
  return full.replace("{slug}", "viewer").replace(/\{[^}]+\}/g, "1");
}

async function state(page) {
  const read = async (list) => {
    const answer = await page.request.get(`${site.base}/api/v1/${list}`);
    const text = await answer.text();
    return [list, answer.status(), text.replace(/"seen_at":"[^"]+"/g, "")];
  };
  return [...(await Promise.all(LISTS.map(read))), changes()];
}

// What the log says was done, but for looking.
function changes() {
  const lines = site.run(["--json", "audit", "list", "--limit", "1000"]).split("\n");
  const entries = lines.filter((line) => line.startsWith('{"hash"')).map((line) => JSON.parse(line).entry);
  return entries.filter(({ action }) => !action.endsWith(".viewed")).map(({ seq, action }) => [seq, action]);
}

// In the page: all that a script can send to another origin, whatever comes back.
async function send({ url, method, body }) {
  const credentials = "include";
  const tries = [
    { method, mode: "cors", headers: { "content-type": "application/json" }, body },
    { method, mode: "cors", body },
    { method: "POST", mode: "no-cors", body },
    { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body },
    { method: "POST", mode: "no-cors", body: new URLSearchParams({ email: "eve@example.com" }) },
  ];
  for (const one of tries) await fetch(url, { ...one, credentials }).catch(() => {});
  navigator.sendBeacon(url, body);
}

// In the page: a form that sends itself, whose text reads as JSON.
function submit({ url, body }) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, enctype: "text/plain" });
  const input = document.createElement("input");
  Object.assign(input, { name: body.slice(0, -1) + ',"x":"', value: '"}' });
  form.append(input);
  document.body.append(form);
  form.submit();
}
