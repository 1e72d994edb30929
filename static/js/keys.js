/* keys.js: everything by keyboard, declared in the markup.

   Guarantees: a key presses what is visible and enabled and carries it as data-key, and nothing else; Enter does what the
   element with the focus does, and the page's own Enter only where nothing else could be meant; single characters
   work only outside fields and can be switched off (WCAG 2.1.4); the key help and the foot show only keys that work now.
   A list ([data-rows]) is one stop of Tab: arrows, j k, Home, End move inside it, Enter takes the row in hand, a row's
   own keys work only in the row that has the focus. The search field moves through its hits with the arrows. */
(function () {
  "use strict";
  const SWITCH = "clinic.single-keys";
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const STOPS = "a[href], button, input, select, textarea, summary";
  const ENTERED = `${STOPS}, [role='option'], [role='button'], [role='menuitem'], [contenteditable='true']`;
  const help = document.getElementById("key-help");
  const isOn = () => localStorage.getItem(SWITCH) !== "off";
  const isShown = (element) => (element.checkVisibility ? element.checkVisibility({ visibilityProperty: true }) : element.offsetParent !== null);
  const isReady = (element) => isShown(element) && !element.matches(":disabled, [aria-disabled='true']") && !element.closest("[inert]");
  const isField = (element) => element?.isContentEditable || element?.matches?.("textarea, select, input:not([type='radio'], [type='checkbox'], [type='button'], [type='submit'])");

  /* ---- Names of keys: as written in data-key. On an Arabic keyboard the place of the key decides. ---- */
  function nameOf(event) {
    let key = event.key === "Escape" ? "Esc" : event.key;
    if (key.length === 1 && (key > "~" || event.ctrlKey || event.metaKey)) {
      const place = /^(?:Key|Digit|Numpad)(\w)$/.exec(event.code)?.[1];
      key = place || (event.code === "Slash" ? (event.shiftKey ? "?" : "/") : key);
    }
    if (key.length === 1) key = key.toLowerCase();
    const shift = event.shiftKey && key.length > 1;
    return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (shift ? "Shift+" : "") + key;
  }
  const named = (element) => element.dataset.key.split("+").map((part) => (part.length === 1 ? part.toLowerCase() : part)).join("+");

  /* ---- Who answers a key: an open dialog, the focused row, its form, its pane, then the page outside of rows ---- */
  function answering(key) {
    const dialog = document.querySelector("dialog[open]"), active = document.activeElement || document.body;
    const row = active.closest("[data-row]"), isMeant = (element) => key !== "Enter" || row?.contains(element) || isAround(active, element);
    const all = $$("[data-key]", dialog || document).filter((element) => named(element) === key && isReady(element) && isMeant(element));
    const form = active.closest("form"), isTyped = key === "Ctrl+Enter" && form && isField(active) && !active.matches("[data-find]");
    for (const scope of [row, form, isTyped ? null : active.closest("[data-pane]")]) {
      const isInside = (element) => scope.contains(element) || (scope === form && element.form === form);
      const inside = scope && all.find((element) => isInside(element) && (!element.closest("[data-row]") || element.closest("[data-row]") === row));
      if (inside) return inside;
    }
    if (isTyped) return undefined;                               // what is being typed is not meant for another form
    return all.find((element) => !element.closest("[data-row]"));
  }
  /* Enter belongs to what has the focus. The page's own Enter is pressed only from inside its form, or where nothing but
     the page or the panel around it has the focus: it must never take money while somebody means another element. */
  const isAround = (active, element) => active.contains(element) || Boolean(element.form?.contains(active));
  function press(element) {
    if (isField(element)) { element.focus(); element.select?.(); return; }
    if (element.matches("label")) element.control?.focus();      // so that Enter then sends its form
    element.click();
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.key === "Dead") return;
    const key = nameOf(event), single = key.length === 1;
    const inField = isField(document.activeElement);
    if (!key.startsWith("Ctrl+") && !single && findKey(event, key)) return;
    if (single && (inField || !isOn())) return;
    if (key === "Ctrl+z" && inField) return;
    if (key === "Enter" && document.activeElement?.closest(ENTERED)) return;      // what has the focus answers Enter itself
    if (!inField && moveRow(event, key)) return;
    if (help?.open && key === "Esc") return;                     // a native dialog closes by itself
    const element = answering(key);
    if (!element && key === "?" && help && !help.open) { fillHelp(); help.showModal(); }
    if (!element) return;
    event.preventDefault();
    if (!event.repeat) press(element);
  });

  /* ---- Lists: one stop of Tab ---- */
  const rowsOf = (list) => $$("[data-row]", list).filter(isShown);
  function settle(list, current) {
    const rows = $$("[data-row]", list);
    const chosen = current || rows.find((row) => row.tabIndex === 0) || rows.find((row) => row.matches("[aria-selected='true'], [aria-current='true']")) || rows[0];
    for (const row of rows) {
      row.tabIndex = row === chosen ? 0 : -1;
      for (const stop of $$(STOPS, row)) {
        if (row === chosen) stop.removeAttribute("tabindex"); else stop.tabIndex = -1;
      }
    }
  }
  const settleAll = () => $$("[data-rows]").forEach((list) => settle(list, document.activeElement?.closest?.("[data-row]")?.closest("[data-rows]") === list ? document.activeElement.closest("[data-row]") : null));
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("[data-row]"), list = row?.closest("[data-rows]");
    if (list) settle(list, row);
    showFoot();
  });
  function moveRow(event, key) {
    const row = document.activeElement?.closest?.("[data-row]"), list = row?.closest("[data-rows]");
    if (!list || document.querySelector("dialog[open]")) return false;
    const rows = rowsOf(list), at = rows.indexOf(row), single = key === "j" || key === "k";
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: rows.length - 1 }[key];
    if (to !== undefined && !(single && !isOn())) {
      event.preventDefault();
      rows[Math.min(Math.max(to, 0), rows.length - 1)]?.focus();
      return true;
    }
    const act = key === "Enter" && document.activeElement === row && (row.matches("[data-act]") ? row : row.querySelector("[data-act]"));
    if (!act) return false;
    event.preventDefault();
    if (!event.repeat) act.click();
    return true;
  }

  /* ---- The search field and its hits ---- */
  function choose(field, options, to) {
    options.forEach((option, at) => {
      option.id ||= `${field.dataset.find}-${at}`;
      option.setAttribute("aria-selected", String(at === to));
    });
    if (options[to]) { field.setAttribute("aria-activedescendant", options[to].id); options[to].scrollIntoView({ block: "nearest" }); }
    else field.removeAttribute("aria-activedescendant");
  }
  function closeHits(field) {
    const hits = document.getElementById(field.dataset.find);
    if (hits) hits.hidden = true;                    // not emptied: a chosen hit still waits for its answer
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }
  function findKey(event, key) {
    const field = document.activeElement?.closest?.("[data-find]"), hits = field && document.getElementById(field.dataset.find);
    const options = hits && !hits.hidden ? $$("[role='option']", hits) : [];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (!field) return false;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!options.length) return false;
      choose(field, options, (at + (key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    } else if (key === "Enter" && at >= 0) { options[at].click(); }
    else if (key === "Esc" && (field.value || options.length)) { field.value = ""; closeHits(field); }
    else return false;
    event.preventDefault();
    return true;
  }
  document.addEventListener("htmx:afterSwap", () => $$("[data-find]").forEach((field) => {
    const options = $$(`#${CSS.escape(field.dataset.find)} [role='option']`);
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    field.setAttribute("aria-expanded", String(options.length > 0));
    if (options.length) choose(field, options, Math.max(at, 0));
  }));
  const isOpen = (field) => field.getAttribute("aria-expanded") === "true";
  document.addEventListener("click", (event) => $$("[data-find]").filter(isOpen).forEach((field) => {
    const chosen = document.getElementById(field.dataset.find)?.contains(event.target);
    if (chosen) field.value = "";
    if (chosen || !field.form?.contains(event.target)) closeHits(field);
  }));
  document.addEventListener("submit", (event) => {          // with hits open Enter chooses; it never sends the search away
    const field = event.target.querySelector?.("[data-find]");
    if (field && isOpen(field)) event.preventDefault();
  });

  /* ---- The foot and the key help show what works now ---- */
  function showFoot() {
    $$("[data-for-key]").forEach((entry) => {
      entry.hidden = !entry.dataset.forKey.split(" ").some(works);
      const name = entry.querySelector("[data-named]"), element = name && answering(named({ dataset: { key: entry.dataset.forKey } }));
      if (element) name.textContent = titleOf(element);
    });
  }
  function works(key) {
    const active = document.activeElement || document.body;
    if (key === "Tab") return true;
    if (key === "↑" || key === "↓") return Boolean(active.closest("[data-rows], [data-find][aria-expanded='true']"));
    if (key === "Enter" && active.closest("[data-row], [data-find][aria-expanded='true']")) return true;
    return Boolean(answering(key.length === 1 ? key.toLowerCase() : named({ dataset: { key } }))) && (key.length > 1 || isOn());
  }
  const titleOf = (element) => element.dataset.keyLabel || element.getAttribute("aria-label") || [...element.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ").trim();
  function fillHelp() {
    const list = help.querySelector("[data-key-list]"), seen = new Set();
    const isOfHere = (element) => !help.contains(element) && (!element.closest("[data-row]") || element.closest("[data-row]").tabIndex === 0);
    list.replaceChildren(...$$("[data-key]").filter((element) => isOfHere(element) && isReady(element) && !seen.has(named(element)) && seen.add(named(element))).map((element) => {
      const line = document.createElement("div"), term = document.createElement("dt"), cap = document.createElement("kbd"), text = document.createElement("dd");
      cap.textContent = element.dataset.key.replaceAll("+", " ");
      text.textContent = titleOf(element);
      term.append(cap);
      line.append(term, text);
      return line;
    }));
    help.querySelector("[data-single-keys]").checked = isOn();
  }
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-open='#key-help']") && help) fillHelp(); });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-single-keys]")) return;
    localStorage.setItem(SWITCH, event.target.checked ? "on" : "off");
    showFoot();
  });
  document.addEventListener("focusout", () => requestAnimationFrame(showFoot));
  document.addEventListener("htmx:afterSettle", () => { settleAll(); showFoot(); });
  settleAll();
  showFoot();
})();
