// Comfort for the admin pages: keys, menus, live fragments. Every page works without it.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const remember = (name, value) => {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
};

// The zone of the times: said once, used from the next page on.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== document.body.dataset.zone) remember("tidegate_zone", zone);

// What only a script can do is shown, what only stands in for one is hidden.
let isTaken = false;
const dress = (within) => {
  // The file was wanted as soon as it is there: once.
  const take = one("[data-take]", within);
  if (take && !isTaken) {
    isTaken = true;
    history.replaceState(null, "", location.pathname);
    take.requestSubmit();
  }
  all("[data-dismiss], [data-script]", within).forEach((it) => (it.hidden = false));
  all("[data-no-script]", within).forEach((it) => (it.hidden = true));
};
dress(document);

document.addEventListener("click", (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".toast").remove();
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = copy.dataset.copy || one(copy.dataset.copyFrom).textContent;
    navigator.clipboard.writeText(text).then(() => toast(copy.dataset.copied || "Copied"));
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// Says something in the live region.
function toast(fact) {
  const it = document.createElement("div");
  it.className = "toast toast-said";
  it.append(Object.assign(document.createElement("b"), { textContent: fact }));
  one(".toasts").append(it);
  setTimeout(() => it.remove(), 6000);
}

// Menus: arrow keys, and the way back.
document.addEventListener("toggle", (event) => {
  if (event.newState === "open" && event.target.matches(".menu")) {
    one("a, button", event.target)?.focus();
  }
}, true);
const step = (list, from, by) => list[(list.indexOf(from) + by + list.length) % list.length];

// Rows: j and k go through them, x ticks, . opens the menu.
const rows = () => all("main tbody tr:not([data-no-row])");
const here = () => document.activeElement.closest?.("main tbody tr");
function walk(by) {
  const list = rows();
  if (!list.length) return;
  const row = here() ? list[Math.min(Math.max(list.indexOf(here()) + by, 0), list.length - 1)] : list[0];
  (one("th a, td a, input", row) ?? Object.assign(row, { tabIndex: -1 })).focus();
  row.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => one("input[type=search]")?.focus(),
  j: () => walk(1),
  k: () => walk(-1),
  x: () => one("input[type=checkbox]", here() ?? document.createElement("i"))?.click(),
  ".": () => one("[data-menu]", here() ?? document.createElement("i"))?.click(),
  "?": () => one("#keys").showModal(),
};
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest(".menu");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (menu && by) {
    event.preventDefault();
    step(all("a, button", menu), document.activeElement, by).focus();
    return;
  }
  const isTyping = event.target.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  const act = KEYS[event.key] ?? (() => one(`[data-key="${CSS.escape(event.key)}"]`));
  const found = act();
  if (found instanceof Element && found.matches("[data-key]")) found.click();
  if (event.key in KEYS || found) event.preventDefault();
});

// Live fragments: an event of the stream asks htmx for the fragment again (`hx-trigger="moved"`).
for (const live of all("[data-live]")) {
  const stream = new EventSource(live.dataset.live);
  const isOver = () => !one(`#${live.id}[data-live]`);
  const moved = () => (isOver() ? stream.close() : one(`#${live.id}`).dispatchEvent(new Event("moved")));
  for (const name of (live.dataset.liveOn ?? "message").split(" ")) stream.addEventListener(name, moved);
  // It breaks off where the export is over, or the service begins anew: both are seen by looking.
  stream.addEventListener("error", moved);
  addEventListener("pagehide", () => stream.close());
}
document.addEventListener("htmx:after:swap", () => dress(document));
