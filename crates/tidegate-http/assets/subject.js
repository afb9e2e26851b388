// The list of a subject: what is ticked, over its pages, and the file that a browser makes of one.
"use strict";
{
  const form = document.querySelector("#take");
  const bulk = document.querySelector("#bulk");
  const tickPage = document.querySelector("#tick-page");
  if (form && tickPage) ticks();
  document.querySelector("#make")?.addEventListener("click", (event) => make(event.currentTarget));

  function ticks() {
    const boxes = [...form.querySelectorAll("[name=ids]")];
    // In words: `all 404 that match`, or `all rows, about 20,000`; and without the number.
    const { question, every, all: without, total, exact } = form.dataset;
    const place = `tidegate.rows.${question}`;
    // Either some rows, or all that match but some.
    let isAll = false;
    let keys = new Set();
    const kept = JSON.parse(sessionStorage.getItem(place) ?? "null");
    if (kept) [isAll, keys] = [kept.isAll, new Set(kept.keys)];

    const number = (count) => count.toLocaleString("en");
    const isNone = () => !isAll && keys.size === 0;
    const capital = (text) => text[0].toUpperCase() + text.slice(1);
    const except = (count) => (count ? `, except ${number(count)}` : "");
    const chosen = () => {
      if (!isAll) return `${number(keys.size)} selected`;
      const rest = exact === undefined ? capital(without) : number(Number(total) - keys.size);
      return `${rest} selected${keys.size && exact !== undefined ? `: ${without}` : ""}${except(keys.size)}`;
    };
    const tick = (box, isOn) => (isOn === isAll ? keys.delete(box.value) : keys.add(box.value));

    function show() {
      for (const box of boxes) box.checked = keys.has(box.value) !== isAll;
      const on = boxes.filter((box) => box.checked).length;
      tickPage.checked = on === boxes.length;
      tickPage.indeterminate = on > 0 && on < boxes.length;
      bulk.hidden = isNone();
      const count = bulk.querySelector(".bulk-n");
      count.textContent = chosen();
      count.hidden = false;
      // What is done to picked rows alone is not done to all that match.
      for (const one of bulk.querySelectorAll("[value=all]:not([data-no-script])")) one.hidden = isAll;
      for (const one of bulk.querySelectorAll("[data-picked]")) one.hidden = isAll;
      document.querySelector("[data-look]")?.classList.toggle("btn-go", isNone());
      line(on);
      if (isNone()) sessionStorage.removeItem(place);
      else sessionStorage.setItem(place, JSON.stringify({ isAll, keys: [...keys] }));
    }

    // Above the rows: from those of the page to all that match, and back.
    function line(on) {
      const sel = document.querySelector("#sel");
      const hasMore = total === undefined || Number(total) > boxes.length;
      sel.hidden = !(isAll || (on === boxes.length && hasMore));
      const [said, button] = sel.children;
      const about = exact === undefined ? every.slice(without.length) : "";
      said.textContent = isAll
        ? `${capital(about ? without : every)} are selected${about}${except(keys.size)}.`
        : `All ${boxes.length} on this page are selected.`;
      button.textContent = isAll ? `Back to these ${boxes.length}` : `Select ${every}`;
    }

    document.querySelector("#sel button").addEventListener("click", () => {
      [isAll, keys] = isAll ? [false, new Set(boxes.map((box) => box.value))] : [true, new Set()];
      show();
      tickPage.focus();
    });
    tickPage.addEventListener("change", () => {
      for (const box of boxes) tick(box, tickPage.checked);
      show();
    });
    // With the shift key, all between the last one and this.
    let last;
    form.addEventListener("click", (event) => {
      const at = boxes.indexOf(event.target);
      if (at < 0) return;
      const from = event.shiftKey && last !== undefined ? last : at;
      for (const box of boxes.slice(Math.min(from, at), Math.max(from, at) + 1)) {
        tick(box, event.target.checked);
      }
      last = at;
      show();
    });
    const clear = () => {
      [isAll, keys] = [false, new Set()];
      show();
    };
    document.querySelector("#untick").addEventListener("click", clear);
    document.addEventListener("keydown", (event) => {
      const isElsewhere = document.querySelector("dialog[open], :popover-open");
      const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
      if (event.key === "Escape" && !isElsewhere && !isTyping) clear();
    });
    // The boxes are those of the page; what is sent are those of all pages.
    form.addEventListener("formdata", ({ formData }) => {
      formData.delete("ids");
      if (isAll) formData.set("mode", "all");
      if (keys.size) formData.set(isAll ? "except" : "ids", [...keys].join(","));
    });

    bulk.classList.add("is-live");
    bulk.querySelector("[value=selected]").classList.add("btn-go");
    show();
  }

  // CSV as the service writes it for spreadsheets: a mark that it is UTF-8, line ends of two
  // characters, and an apostrophe before what a spreadsheet would run.
  function csv({ columns, rows }) {
    const runs = /^[=+\-@\t\r\n\0\uFF1D\uFF0B\uFF0D\uFF20]/;
    const cell = (value, type) => {
      if (value === null) return "";
      if (type === "plain") return value;
      const safe = type !== "document" && runs.test(value) ? `'${value}` : value;
      const isBare = type === "text" && safe === value && /^[^",\r\n]+$/.test(value);
      return isBare ? value : `"${safe.replaceAll('"', '""')}"`;
    };
    const head = columns.map(([name]) => cell(name, "text"));
    const body = rows.map((row) => row.map((value, at) => cell(value, columns[at][1])));
    return `\uFEFF${[head, ...body].map((row) => `${row.join(",")}\r\n`).join("")}`;
  }

  function make(button) {
    const file = JSON.parse(button.dataset.file);
    const url = URL.createObjectURL(new Blob([csv(file)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    const said = new URLSearchParams(new FormData(form));
    for (const name of ["ids", "except", "mode", "format"]) said.delete(name);
    said.set("rows", file.rows.length);
    // Nobody waits for it: the file is there already.
    fetch(button.dataset.note, { method: "POST", body: said, keepalive: true }).catch(() => {});
  }
}
