/* lists.js: a list that others change while somebody reads it.

   Guarantees: rows never move by themselves. When a refresh brings other rows, those that stay are renewed in their place,
   those that left are struck out, and a chip says how many are new; pressing it shows the list as it is now. Filters go
   off by themselves when they are chosen, words while they are typed. What is marked stays marked, and the button that
   exports says so. Without this script the same form, links and boxes work by themselves. */
(function () {
  "use strict";
  const { number, isLive } = window.Clinic;
  const PAUSE = 300;
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  const rowsOf = (list) => $$("[data-row][id]", list);

  /* ---- Kept views: what is kept is the address as it is now, and the one that is shown is marked ---- */
  document.addEventListener("submit", (event) => {
    if (event.target.matches?.("[data-keep-view]")) event.target.elements.query.value = location.search;
  }, true);
  function markView() {
    const asked = new URLSearchParams(location.search);
    ["after", "before", "asof", "payment", "receipt"].forEach((name) => asked.delete(name));
    asked.sort();
    $$("[data-view]").forEach((link) => {
      const kept = new URLSearchParams(link.dataset.view);
      kept.sort();
      if (kept.toString() === asked.toString()) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    });
  }
  ["htmx:pushedIntoHistory", "htmx:historyRestore", "htmx:afterSettle"].forEach((name) => document.addEventListener(name, markView));
  markView();

  /* ---- Refreshes ---- */
  function isAsItWas(before, after) {
    return before.length === after.length && before.every((row, at) => row.id === after[at].id);
  }
  function renewBox(box, other) {
    if (!other || box.innerHTML === other.innerHTML) return;
    const row = box.closest("[data-row]"), hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...other.cloneNode(true).childNodes);
    box.className = other.className;
    window.htmx.process(box);
    if (row?.tabIndex === -1) $$("a, button", box).forEach((stop) => { stop.tabIndex = -1; });      // one stop of Tab, see keys.js
    if (hadFocus) row?.focus();
  }
  function renew(list, fresh, before, after) {
    const next = new Map(after.map((row) => [row.id, row])), known = new Set(before.map((row) => row.id));
    for (const row of before) {
      const other = next.get(row.id);
      row.classList.toggle("is-gone", !other);
      if (other) [...row.cells].forEach((cell, at) => { if (!cell.matches(".c-mark")) renewBox(cell, other.cells[at]); });
    }
    $$("[data-list-counts][id]", list).forEach((box) => renewBox(box, $(`#${box.id}`, fresh)));
    const chip = $("[data-list-news]", list), fresher = after.filter((row) => !known.has(row.id)).length;
    $("span", chip).textContent = fresher ? fill(chip.dataset.new, { n: number(fresher) }) : chip.dataset.moved;
    chip.hidden = false;
  }
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const list = detail.target;
    if (!isLive(detail) || !detail.shouldSwap || !list.matches?.("[data-list]") || detail.xhr.status !== 200) return;
    const fresh = new DOMParser().parseFromString(detail.serverResponse, "text/html").body;
    const before = rowsOf(list), after = rowsOf(fresh);
    if (!before.length || isAsItWas(before, after)) return;
    detail.shouldSwap = false;
    renew(list, fresh, before, after);
  });

  /* ---- Asking ---- */
  let typing = 0;
  const send = (form) => form?.requestSubmit();
  document.addEventListener("change", (event) => { if (event.target.matches("#list-ask select")) send(event.target.form); });
  document.addEventListener("input", (event) => {
    if (!event.target.matches("#list-q")) return;
    clearTimeout(typing);
    typing = setTimeout(() => send(document.getElementById("list-ask")), PAUSE);
  });
  document.addEventListener("keydown", (event) => {          // from the words into the rows
    if (event.key !== "ArrowDown" || !event.target.matches?.("#list-q")) return;
    const row = $("[data-list] [data-row]");
    if (row) { event.preventDefault(); row.focus(); }
  });

  /* ---- Marks ---- */
  let last = null;
  const boxes = () => $$("[data-list] .c-mark input");
  function count() {
    const label = $("[data-list-export]"), marked = boxes().filter((box) => box.checked).length;
    if (label) label.textContent = marked ? fill(label.dataset.marked, { n: number(marked) }) : label.dataset.all;
  }
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.(".c-mark input");
    if (box) {
      const all = boxes(), from = all.indexOf(last), to = all.indexOf(box);
      if (event.shiftKey && from >= 0) all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((one) => { one.checked = box.checked; });
      last = box;
      count();
      return;
    }
    const row = event.target.closest?.("[data-list] [data-row]");
    if (row && !event.target.closest("a, button, input, label, .c-mark") && !getSelection().toString()) $("[data-act]", row)?.click();
  });
  document.addEventListener("htmx:afterSettle", count);
  count();
})();
