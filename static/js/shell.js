/* shell.js: the page around the work.

   Guarantees: the band's clock is the facility's, whatever the device thinks; minutes go on without a request; a button
   that was pressed keeps its width, says what it is doing and is deaf until the answer came; after a wrong field the
   focus is in the first one, after any other swap it is where it was; rows that arrive are shown arriving; a refusal or
   a failure never takes the place of what somebody works on.
   Others use window.Clinic: say(word, values), now(), sync(time), clock(time), number(n), fault({...}). */
(function () {
  "use strict";
  const root = document.documentElement;
  const words = JSON.parse(document.getElementById("words")?.textContent || "{}");
  const say = (word, values = {}) => (words[word] || "").replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  /* ---- What a form asks for goes into a header: words that people type stand in no address and no log ---- */
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const fields = detail.verb === "get" ? [...detail.formData] : [];
    if (!fields.length) return;
    detail.typed = Object.fromEntries(fields);
    const bytes = new TextEncoder().encode(JSON.stringify(fields));
    detail.headers["X-Typed"] = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
    Object.keys(detail.typed).forEach((name) => { delete detail.parameters[name]; });
  });

  /* ---- Time: the server's clock, the facility's zone, the reader's digits ---- */
  const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart || 0);
  let skew = root.dataset.now ? Date.parse(root.dataset.now) - arrived : 0;
  const now = () => Date.now() + skew;
  function sync(time) {                        // the device's clock was set, or slept
    if (Math.abs(Date.parse(time) - now()) > 2000) skew = Date.parse(time) - Date.now();
  }
  const style = { timeZone: root.dataset.timezone || undefined, numberingSystem: root.dataset.digits || undefined };
  const digits = new Intl.NumberFormat(root.lang, { numberingSystem: style.numberingSystem });
  const hands = new Intl.DateTimeFormat(root.lang, { ...style, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const calendar = new Intl.DateTimeFormat(root.lang, { ...style, weekday: "short", day: "numeric", month: "short" });
  const number = (n) => digits.format(n);
  const clock = (time) => hands.format(time);
  const today = () => {
    const parts = Object.fromEntries(calendar.formatToParts(now()).map((part) => [part.type, part.value]));
    return `${parts.weekday} ${parts.day} ${parts.month}`;
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  let day = today();
  function turnClock() {
    $$("[data-clock]").forEach((element) => write(element, clock(now())));
    if (day === today()) return;
    day = today();
    $$("[data-today]").forEach((element) => write(element, day));
    document.dispatchEvent(new CustomEvent("clinic:day"));      // the queue's day has turned: live.js fetches everything again
  }

  function tickMinutes() {
    for (const element of $$("[data-since]")) {
      const waited = Math.max(0, Math.floor((now() - Date.parse(element.dataset.since)) / 60000));
      const target = Number(element.dataset.target || 0);
      if (element.matches(".wait")) { drawWait(element, waited, target || 30); continue; }
      write(element, element.dataset.form === "bare" ? number(waited) : say("min", { n: number(waited) }));
      element.classList.toggle("is-late", target > 0 && waited > target);
    }
    for (const element of $$("[data-at]")) {
      const left = Math.ceil((Date.parse(element.dataset.at) - now()) / 60000);
      const word = left < 0 ? "late" : left === 0 ? "now" : "in";
      write(element, say(word, { n: number(Math.abs(left)) }));
      element.classList.toggle("is-late", left < 0);
    }
  }
  function drawWait(svg, waited, target) {
    const goal = Math.min(target, 60), shown = Math.min(waited, 60);
    $(".b", svg)?.setAttribute("width", Math.min(shown, goal));
    $(".over", svg)?.setAttribute("width", Math.max(shown - goal, 0));
  }

  /* ---- One press, one request ---- */
  const held = new Set();                     // forms and buttons whose request runs
  const restore = new Map();                  // the same -> what to do when it ends
  function hold(owner, button) {
    held.add(owner);
    if (!button) return;
    const label = $(".two > span, :scope > span:not(.sign)", button) || button;
    const before = [...label.childNodes], busy = button.dataset.busy || say("busy");
    button.style.minInlineSize = `${button.getBoundingClientRect().width}px`;
    button.classList.add("is-busy");
    button.setAttribute("aria-disabled", "true");
    label.replaceChildren(busy);
    restore.set(owner, () => {
      button.style.minInlineSize = "";
      button.classList.remove("is-busy");
      button.removeAttribute("aria-disabled");
      if (label.textContent === busy) label.replaceChildren(...before);     // else the answer has already put another word there
    });
  }
  function release(owner) {
    held.delete(owner);
    restore.get(owner)?.();
    restore.delete(owner);
  }
  const stop = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  document.addEventListener("submit", (event) => { if (held.has(event.target)) stop(event); }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[aria-disabled='true'].is-busy") || held.has(event.target.closest?.("button, a"))) stop(event);
  }, true);
  document.addEventListener("submit", (event) => {              // a form that htmx does not send: the page goes away with it
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    setTimeout(() => { if (!event.defaultPrevented) hold(form, event.submitter); });
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, requestConfig } = event.detail;
    if (requestConfig.verb === "get") return;
    const submitter = requestConfig.triggeringEvent?.submitter;
    hold(elt, submitter || (elt.matches("button, a.btn") ? elt : $("button:not([type='button'])", elt)));
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => release(detail.requestConfig.elt));      // detail.elt is another one where the swap took it away
  addEventListener("pageshow", (event) => { if (event.persisted) [...held].forEach(release); });

  /* ---- Refusals and failures ---- */
  function fault({ title, text, code, retry, owner }) {
    const box = document.createElement("div"), head = document.createElement("b"), line = document.createElement("p");
    box.className = "fault";
    if (owner) box.dataset.owner = owner;
    head.textContent = title;
    line.className = "small";
    line.textContent = [text, code && say("support", { code })].filter(Boolean).join(" ");
    box.append(head, line);
    if (retry) {
      const again = document.createElement("button");
      again.className = "btn btn-sm btn-outline-primary";
      again.type = "button";
      again.textContent = say("again");
      again.addEventListener("click", () => { box.remove(); retry(); });
      const acts = document.createElement("div");
      acts.className = "acts";
      acts.append(again);
      box.append(acts);
    }
    $("#faults")?.replaceChildren(box);
    closable();
  }
  const REFUSALS = "#faults > *, [data-errors] > [data-error]";
  const forget = () => $$(REFUSALS).forEach((box) => box.remove());
  function closable() {
    const box = $(REFUSALS);
    if (!box || $(".close", box)) return;
    const close = document.createElement("button");
    close.className = "close";
    close.type = "button";
    close.setAttribute("aria-label", say("close"));
    close.textContent = "×";
    close.addEventListener("click", () => box.remove());
    box.append(close);
  }
  function again({ elt, triggeringEvent }) {
    if (!elt.isConnected) return;
    if (elt.matches("form")) elt.requestSubmit(); else htmx.trigger(elt, triggeringEvent?.type || "click");
  }
  const isLive = (detail) => detail.requestConfig?.triggeringEvent?.type === "live";
  /* Somebody writes in a field outside of what came: what comes by itself takes neither the focus nor a letter from them. */
  const FIELD = "input:not([type='hidden'], [type='radio'], [type='checkbox'], [type='submit'], [type='button']), textarea, select";
  const isWriting = (fresh) => Boolean(document.activeElement?.matches(FIELD)) && !fresh?.contains(document.activeElement);
  const isByItself = (detail) => Boolean(detail.requestConfig?.elt?.getAttribute?.("hx-trigger")?.startsWith("load"));
  const isDocument = (html) => /^\s*<!doctype/i.test(html);

  document.addEventListener("htmx:beforeSwap", (event) => {
    const detail = event.detail, { xhr, requestConfig } = detail, elt = requestConfig.elt, html = xhr.responseText || "";
    const reads = requestConfig.verb === "get";
    if (xhr.status < 400) {
      if (isDocument(html) && !detail.boosted && !elt.closest("[hx-select]")) {      // a whole page instead of a fragment: most likely the login
        detail.shouldSwap = false;
        location.assign(xhr.responseURL || location.href);
      } else if (!reads) { forget(); } else { $(`#faults > [data-owner="${CSS.escape(elt.id || "-")}"]`)?.remove(); }
      return;
    }
    if (xhr.status === 401) return location.assign(root.dataset.login);
    const drawn = /html/.test(xhr.getResponseHeader("Content-Type") || "") && !isDocument(html);
    if (drawn && /^\s*<[a-z]+[^>]*\sdata-error\b/i.test(html)) {
      const inside = reads && xhr.status < 500, region = elt.closest("[data-errors]");
      forget();
      detail.shouldSwap = true;
      detail.isError = false;
      detail.swapOverride = region && !inside ? "afterbegin" : "innerHTML";      // on top of what somebody works on, never in its place
      detail.target = inside ? detail.target : region || $("#faults");
    } else if (xhr.status >= 500 || !drawn) {
      detail.shouldSwap = false;
      fault({ title: say("failed"), text: say("failedText"), code: xhr.getResponseHeader("X-Request-ID"), retry: () => again(requestConfig), owner: elt.id });
    }
  });
  document.addEventListener("htmx:afterSwap", closable);
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail }) => {             // a refresh that failed is live.js's to tell
      if (!isLive(detail)) fault({ title: say("unreached"), text: say("failedText"), retry: () => again(detail.requestConfig), owner: detail.elt.id });
    });
  }

  /* ---- Addresses ---- */
  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail: { history: update } }) => {      // what was left empty says nothing
    const url = new URL(update.path, location.href);
    for (const [name, value] of [...url.searchParams]) if (value === "") url.searchParams.delete(name, "");
    update.path = url.pathname + url.search + url.hash;
  });

  /* ---- Focus and arriving rows ---- */
  const stash = new WeakMap();               // request -> where the focus was, and which rows there were
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const active = document.activeElement, row = active?.closest?.("[data-row]"), list = active?.closest?.("[data-rows]");
    const was = !active || active === document.body ? null
      : { id: active.id, name: active.name, form: active.form?.id, row: row?.id, list: list?.id, at: list ? $$("[data-row]", list).indexOf(row) : -1 };
    stash.set(detail.xhr, { was, known: isLive(detail) ? new Set($$("[data-row][id]", detail.target).map((element) => element.id)) : null });
  });
  function whereItWas(was) {
    const rows = was.list ? $$("[data-row]", document.getElementById(was.list) || document.createElement("i")) : [];
    return (was.id && document.getElementById(was.id)) || (was.form && was.name && document.forms[was.form]?.elements[was.name])
      || (was.row && document.getElementById(was.row)) || rows[Math.min(was.at, rows.length - 1)];
  }
  document.addEventListener("htmx:afterSettle", (event) => {
    const fresh = event.target, detail = event.detail, before = stash.get(detail.xhr) || {}, { was, known } = before;
    const find = (selector) => (fresh.matches?.(selector) ? fresh : fresh.querySelector?.(selector));
    const wrong = detail.xhr?.status === 422 && find("[aria-invalid='true']");
    const leaves = isLive(detail) || (isByItself(detail) && isWriting(fresh));
    const wanted = wrong || (!leaves && find("[data-focus]"));
    if (wanted) { wanted.focus(); before.was = null; }
    else if (was && document.activeElement === document.body) whereItWas(was)?.focus?.({ preventScroll: true });
    if (known?.size) $$("[data-row][id]", fresh).filter((row) => !known.has(row.id)).forEach((row) => {
      row.classList.add("arrived");
      row.addEventListener("animationend", () => row.classList.remove("arrived"), { once: true });
    });
  });

  /* ---- Small things pressed ---- */
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    const open = at("[data-open]"), fill = at("[data-fill]"), link = at("[data-href]");
    $$("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target) || open) menu.open = false; });
    if (open) $(open.dataset.open)?.showModal();
    if (link) location.assign(link.dataset.href);
    if (at("[data-print]")) print();
    if (!fill) return;
    const field = $(fill.dataset.fill);
    field.value = fill.dataset.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
  document.body.addEventListener("acted", (event) => {            // a menu has done its work: the fragment around it is drawn anew
    const menu = event.target.closest?.("details[data-menu][open]");
    if (!menu) return;
    if (menu.contains(document.activeElement)) $("summary", menu).focus();
    menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && $("details[data-menu][open]");
    if (!menu) return;
    stop(event);
    menu.open = false;
    $("summary", menu).focus();
  }, true);

  window.Clinic = Object.freeze({ say, now, sync, clock, number, fault, isLive, isWriting });
  $("main [aria-invalid='true']")?.focus();
  turnClock();
  setInterval(turnClock, 1000);
  setInterval(tickMinutes, 20000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { turnClock(); tickMinutes(); } });

  /* ---- In hand: the answer to what was asked last stays; an older one that was slow comes too late ---- */
  const newest = new WeakMap();
  document.addEventListener("htmx:beforeRequest", ({ detail }) => newest.set(detail.target, detail.xhr));
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== "hand" || detail.requestConfig?.verb !== "get") return;
    if (newest.get(detail.target) !== detail.xhr) detail.shouldSwap = false;
  });
})();
