/* calendar.js: what the calendar needs besides htmx, keys.js and live.js.

   Guarantees: the arrows move between cells and the cell that had the focus has it again after a refresh; an appointment is
   moved by drag or by key (M picks it up, arrows choose, Enter puts it there, Esc leaves it) with the same form, so whatever
   the server answers is shown in the pane in hand; the line of the present minute stands where it is. Without this file
   times are chosen in the panel. */
(function () {
  "use strict";
  const desk = document.querySelector("[data-calendar]");
  document.addEventListener("change", (event) => { event.target.closest?.("form[data-submits]")?.requestSubmit(); });
  document.querySelectorAll("form[data-submits]").forEach((form) => form.parentElement.classList.add("has-script"));
  if (!desk) return;
  desk.classList.add("has-script");
  const hand = document.getElementById("hand"), notice = document.getElementById("moving");
  const table = () => desk.querySelector(".cal-table");
  const cellsOf = () => [...(table()?.querySelectorAll("[data-cell]") || [])];
  const isRtl = () => document.documentElement.dir === "rtl";
  let last = null;                 // where the focus was: {column, begin}
  let picked = null;               // {url, version, who, id}: the appointment that is being moved

  /* ---- One stop of Tab, arrows inside ---- */
  const place = (cell) => { const td = cell.closest("td"); return { column: Number(td.dataset.column), begin: Number(td.dataset.begin), end: Number(td.dataset.end) }; };
  const inColumn = (column) => cellsOf().filter((cell) => place(cell).column === column);
  const nearest = (column, minute) => inColumn(column).sort((one, other) => Math.abs(place(one).begin - minute) - Math.abs(place(other).begin - minute))[0];
  function settle(cell) {
    cellsOf().forEach((one) => { one.tabIndex = -1; });
    const stop = cell || (last && nearest(last.column, last.begin)) || firstToShow();
    if (stop) stop.tabIndex = 0;
    return stop;
  }
  function firstToShow() {
    const minute = nowMinute();
    return cellsOf().find((cell) => minute === null || place(cell).end > minute) || cellsOf()[0];
  }
  function go(cell) {
    if (!cell) return;
    settle(cell);
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  desk.addEventListener("focusin", (event) => {
    const cell = event.target.closest?.("[data-cell]");
    if (cell && table()?.contains(cell)) { last = place(cell); settle(cell); }
  });
  desk.addEventListener("keydown", (event) => {
    const cell = document.activeElement?.closest?.("[data-cell]");
    if (event.key === "Escape" && picked) { event.preventDefault(); event.stopPropagation(); putDown(); return; }
    if (!cell || !table()?.contains(cell) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { column, begin } = place(cell), across = isRtl() ? -1 : 1;
    const siblings = inColumn(column), at = siblings.indexOf(cell);
    const to = {
      ArrowDown: () => siblings[at + 1], ArrowUp: () => siblings[at - 1],
      ArrowRight: () => beside(column, across, begin), ArrowLeft: () => beside(column, -across, begin),
      Home: () => siblings[0], End: () => siblings.at(-1),
    }[event.key];
    if (to) { event.preventDefault(); go(to()); return; }
    if (event.key === "Enter" && picked) { event.preventDefault(); drop(cell); return; }
    if (event.code === "KeyM" && cell.dataset.move) { event.preventDefault(); pick(cell); }
  });
  function beside(column, step, minute) {
    for (let other = column + step; other >= 0 && other < 60; other += step) {
      const found = nearest(other, minute);
      if (found) return found;
    }
    return null;
  }

  /* ---- Picking up and putting down ---- */
  function pick(cell, byHand = false) {        // who drags sees what they do: nothing may cover where it goes
    picked = { url: cell.dataset.move, version: cell.dataset.version, who: cell.dataset.who, id: cell.id };
    notice.querySelector("span").textContent = desk.dataset.saysMoving.replace("{who}", picked.who);
    notice.hidden = byHand;
    desk.classList.add("is-moving");
    mark();
  }
  function putDown() {
    const id = picked?.id;
    picked = null;
    notice.hidden = true;
    desk.classList.remove("is-moving");
    mark();
    if (id) document.getElementById(id)?.focus();
  }
  function mark() {
    desk.querySelectorAll(".is-picked, .is-over").forEach((one) => one.classList.remove("is-picked", "is-over"));
    if (picked) document.getElementById(picked.id)?.classList.add("is-picked");
  }
  function drop(cell) {
    if (cell.id === picked.id) { putDown(); return; }
    const slot = cell.dataset.slot;
    const { url, version } = picked;
    if (!slot && !cell.dataset.taken) return;
    putDown();
    if (!slot) {                      // a time that is taken: on top of it only with a reason, so the panel asks for one
      window.htmx.ajax("GET", url, { source: document.getElementById("drop"), target: "#hand", swap: "innerHTML", values: { slot: `${cell.dataset.taken}|over` } });
      return;
    }
    const values = { slot, version, doctor: slot.split("|")[0], idempotency_key: crypto.randomUUID?.() || `${version}|${slot}|${Date.now()}` };
    window.htmx.ajax("POST", url, { source: document.getElementById("drop"), target: "#hand", swap: "innerHTML", values });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-leave-move]")) { putDown(); return; }
    const cell = event.target.closest?.("[data-cell]");
    if (!picked || !cell || !table()?.contains(cell)) return;
    event.preventDefault();          // while something is in the air a press puts it down
    event.stopImmediatePropagation();
    drop(cell);
  }, true);

  /* ---- Dragging ---- */
  desk.addEventListener("dragstart", (event) => {
    const cell = event.target.closest?.("[data-move]");
    if (!cell) return;
    event.dataTransfer.setData("text/plain", cell.id);
    event.dataTransfer.effectAllowed = "move";
    pick(cell, true);
  });
  const target = (event) => picked && event.target.closest?.("td")?.querySelector(`[data-slot], [data-taken]:not(#${picked.id})`);
  desk.addEventListener("dragover", (event) => {
    const cell = target(event);
    desk.querySelectorAll(".is-over").forEach((one) => one.classList.remove("is-over"));
    if (!cell) return;
    event.preventDefault();
    cell.closest("td").classList.add("is-over");
  });
  desk.addEventListener("drop", (event) => {
    const cell = target(event);
    if (!cell) return;
    event.preventDefault();
    drop(cell);
  });
  desk.addEventListener("dragend", () => { if (picked) putDown(); });

  /* ---- The present minute ---- */
  function nowMinute() {
    const grid = table();
    if (!grid?.hasAttribute("data-has-today") || !window.Clinic) return null;
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: document.documentElement.dataset.timezone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(window.Clinic.now());
    const part = (type) => Number(parts.find((one) => one.type === type).value);
    return part("hour") * 60 + part("minute");
  }
  function drawNow() {
    const grid = table(), line = document.getElementById("now-line"), minute = nowMinute();
    if (!grid || !line) return;
    const step = Number(grid.dataset.step), row = minute !== null && grid.querySelector(`tr[data-minute="${Math.floor(minute / step) * step}"]`);
    line.hidden = !row;
    if (!row) return;
    const today = grid.querySelector("thead .is-today"), all = grid.querySelectorAll("thead th").length - 1;
    const isWeek = grid.querySelectorAll("thead .is-today").length < all;
    const from = isWeek ? today : grid.querySelector("thead th:nth-child(2)");
    const width = isWeek ? today.offsetWidth : grid.offsetWidth - grid.querySelector("thead th").offsetWidth;
    line.style.top = `${row.offsetTop + row.offsetHeight * ((minute % step) / step)}px`;
    line.style.left = `${isRtl() && !isWeek ? 0 : from.offsetLeft}px`;
    line.style.width = `${width}px`;
  }
  setInterval(drawNow, 20000);

  /* ---- After a panel or a refresh has come ---- */
  document.addEventListener("htmx:beforeSwap", () => { const cell = document.activeElement?.closest?.("[data-cell]"); desk.dataset.hadFocus = cell ? "1" : ""; });
  document.addEventListener("htmx:afterSettle", (event) => {
    const stop = settle();
    mark();
    drawNow();
    if (desk.dataset.hadFocus && event.detail.target?.id === "grid" && document.activeElement === document.body) stop?.focus();
    if (event.detail.target === hand) hand.scrollTop = 0;
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "slot" && event.target.hasAttribute("data-over")) event.target.form.querySelector("[name='overbooking_reason']")?.focus();
  });
  document.addEventListener("click", (event) => {
    const asked = event.target.closest?.(".asked > summary")?.parentElement;
    if (!asked || !desk.contains(asked)) return;
    event.preventDefault();
    asked.open = !asked.open;
    if (asked.open) asked.querySelector("textarea, input:not([type='hidden'])")?.focus();
  });
  addEventListener("resize", drawNow);
  settle();
  drawNow();
  const here = nowMinute();
  if (here !== null) nearest(0, here)?.scrollIntoView({ block: "center" });
})();
