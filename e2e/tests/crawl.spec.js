// Without JavaScript: every link of every page is followed once, and every form sent once, on a site
// of its own that nobody needs afterwards.
import { expect, test } from "@playwright/test";
import { places } from "../places.js";
import { ROUTES, routeOf } from "../routes.js";
import { ADMINISTRATOR, PASSWORD, enter } from "../site.js";
import { siteOfEveryState } from "../states.js";

test.use({ javaScriptEnabled: false });

// What ends something comes after everything else, and the way out last.
const ENDINGS = [/\/cancel$/, /\/delete$/, /\/(remove|disable|enable|role|link)$/, /reset-factor$/, /\/(end|revoke)$/, /password$/, /second-factor/, /sg-admin\/pause$/, /sign-out$/];
// Rows that cannot be read are told in the list's own page.
const UNREADABLE = "/sg-admin/subjects/broken";
// Links that are followed at a time.
const TOGETHER = 8;
// What is refused, as the value is none that anybody could know.
const REFUSED = ["second-factor-confirm"];

// What takes a second factor that is on, what a script sends, and what ends a pause: specs of their own
// do. What was given up on is sent again by a test of the program. Somebody else decides about what waits.
const ELSEWHERE = ["second-factor-remove", "subject-client-export", "pause-end", "redeliver", "approval-grant", "approval-deny", "approval-review"];

let site;
test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  site = await siteOfEveryState(browser);
});
test.afterAll(() => site?.end());

// What pages a link leads to: a kind of page, with the names that its query has.
function kind(url) {
  const { pathname, searchParams } = new URL(url);
  return [routeOf(pathname)?.name ?? pathname, ...new Set([...searchParams.keys()].sort())].join(" ");
}

const links = (page) => page.locator('a[href]:not([href^="#"])').evaluateAll((all) => all.map((one) => new URL(one.getAttribute("href"), location.href).href.split("#")[0]));

test("every link of every page leads somewhere", async ({ page }) => {
  test.setTimeout(600_000);
  await enter(page, site);
  const followed = new Map();
  const looked = new Set();
  const found = places(site).filter(({ status }) => status === 200);
  const ahead = found.map(({ path }) => new URL(path, site.base).href);
  const follow = async (url, here) => {
    expect(url, `a link of ${here}`).toContain(site.base);
    const answer = await page.request.get(url);
    followed.set(url, answer.status());
    if (new URL(url).pathname === UNREADABLE) return;
    expect(answer.status(), `${url}, a link of ${here}`).toBeLessThan(400);
    const isPage = answer.headers()["content-type"]?.startsWith("text/html") && routeOf(new URL(url).pathname);
    if (isPage && !looked.has(kind(url))) ahead.push(url);
    looked.add(kind(url));
  };
  while (ahead.length > 0) {
    const here = ahead.shift();
    looked.add(kind(here));
    await page.goto(here);
    const fresh = [...new Set(await links(page))].filter((url) => !followed.has(url));
    for (let at = 0; at < fresh.length; at += TOGETHER) {
      await Promise.all(fresh.slice(at, at + TOGETHER).map((url) => follow(url, here)));
    }
  }
  console.log(`${followed.size} links of ${looked.size} kinds of pages`);
  expect(followed.size).toBeGreaterThan(200);
});

// In the page: every button that sends a form, with what tells it from others.
function senders() {
  const buttons = [...document.querySelectorAll("button, input[type=submit]")];
  return buttons.flatMap((button, index) => {
    if (!button.form || button.type !== "submit" || button.ariaHidden) return [];
    const method = (button.getAttribute("formmethod") ?? button.form.method).toUpperCase();
    if (method === "DIALOG") return [];
    const action = new URL(button.getAttribute("formaction") ?? button.form.getAttribute("action") ?? location.href, location.href);
    const names = [...new FormData(button.form).keys()].filter((name) => !/\d/.test(name)).sort();
    const words = button.name ? `${button.name}=${button.value.replace(/\d+/g, "N")}` : "";
    const path = action.pathname.replace(/\d+/g, "N");
    return [{ index, method, path: action.pathname, key: [method, path, words, ...new Set(names)].join(" ") }];
  });
}

// In the page: fills a form as somebody would who has to.
function fill(button, { email, password }) {
  for (const one of button.form.elements) {
    if (one.readOnly || one.type === "hidden" || one.tagName === "BUTTON") continue;
    const values = { email, password, url: "https://127.0.0.1/hook", number: one.min || "1", date: "2026-01-02", "datetime-local": "2026-01-02T03:04", search: "ann" };
    if (one.tagName === "SELECT") {
      if (one.required && !one.value) one.selectedIndex = one.options.length - 1;
    } else if (["ids", "topic"].includes(one.name)) one.checked = true;
    else if (one.name === "code") one.value = "000000";
    // A budget is of something, and has room for what is sent after it.
    else if (one.name === "rows") one.value = "50000000";
    else if (one.name === "add.value") one.value = button.form.elements["add.field"].value && "1";
    else if (/^(add|as|when)\./.test(one.name)) continue;
    else if (!one.value && (one.required || one.type in values)) one.value = values[one.type] ?? "e2e";
  }
}

test("every form of every page can be sent", async ({ page }) => {
  test.setTimeout(600_000);
  await enter(page, site);
  const found = new Map();
  for (const { path } of places(site).filter(({ status }) => status === 200)) {
    await page.goto(site.base + path);
    for (const sender of await page.evaluate(senders)) {
      if (!found.has(sender.key)) found.set(sender.key, { ...sender, from: path });
    }
  }
  const rank = ({ path }) => ENDINGS.findIndex((ending) => ending.test(path));
  const ordered = [...found.values()].sort((one, other) => rank(one) - rank(other));
  const routes = new Set();
  let serial = 0;
  // Fills a form of the page that is open, sends it, and does the same with what an answer has.
  const send = async (sender, from) => {
    const button = page.locator("button, input[type=submit]").nth(sender.index);
    await button.evaluate(fill, { email: `new-${(serial += 1)}@example.com`, password: PASSWORD });
    const { status, isAnswer } = await sent(page, button, sender);
    const name = routeOf(sender.path)?.name ?? sender.path;
    routes.add(name);
    if (REFUSED.includes(name)) return expect.soft(status, sender.key).toBe(422);
    expect.soft(status, `${sender.key} of ${from}: ${status < 400 ? "" : await said(page)}`).toBeLessThan(400);
    const further = isAnswer ? (await page.evaluate(senders)).find(({ key }) => !found.has(key)) : undefined;
    if (!further) return undefined;
    found.set(further.key, further);
    return send(further, `the answer to ${sender.key}`);
  };
  for (const { key, from } of ordered) {
    await test.step(key, async () => {
      await page.goto(site.base + from);
      if (page.url().includes("sign-in")) {
        // What was sent before has ended the session.
        site.sessions = {};
        await enter(page, site);
        await page.goto(site.base + from);
      }
      const there = (await page.evaluate(senders)).find((one) => one.key === key);
      expect.soft(there, `${key} of ${from} is there no more`).toBeTruthy();
      if (there) await send(there, from);
    });
  }
  console.log(`${found.size} forms to ${routes.size} pages`);
  const unsent = ROUTES.filter(({ name, example }) => !example && !routes.has(name)).map(({ name }) => name);
  expect(unsent.filter((name) => !ELSEWHERE.includes(name))).toEqual([]);
  expect(found.size).toBeGreaterThan(50);
});

// What a page says is wrong.
const said = (page) => page.getByRole("alert").or(page.getByRole("main")).first().innerText();

// Presses a button; gives the status of what comes of it in the end, and whether the form was answered
// by a page of its own.
async function sent(page, button, { method, path }) {
  const isOurs = (request) => {
    let first = request;
    while (first.redirectedFrom()) first = first.redirectedFrom();
    return request.isNavigationRequest() && first.method() === method && new URL(first.url()).pathname === path;
  };
  const answered = page.waitForResponse((answer) => isOurs(answer.request()) && ![302, 303].includes(answer.status()));
  const settled = Promise.race([page.waitForEvent("load"), page.waitForEvent("download")]);
  // A browser does not send what it finds wrong itself.
  const wrong = await button.evaluate((it) => {
    const fields = it.formNoValidate ? [] : [...it.form.elements].filter((field) => field.willValidate && !field.checkValidity());
    return fields.map(({ name, value, validationMessage }) => `${name}=${value}: ${validationMessage}`);
  });
  expect(wrong, `${method} ${path}`).toEqual([]);
  // What is in a closed menu has no place to press.
  await button.evaluate((it) => it.form.requestSubmit(it));
  const answer = await answered;
  await settled;
  return { status: answer.status(), isAnswer: method === "POST" && !answer.request().redirectedFrom() };
}
