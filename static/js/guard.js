/* guard.js: a refresh never destroys an edit in progress.

   Guarantees, for swaps that a `live` event caused and for no others: a form (or a [data-guard] region) in which somebody
   changed a field, or stands in a filled one, stays as it is, with its focus, its words and its hidden version, while
   everything around it is renewed. If the server's values differ from those the form was drawn with, a quiet line says
   so; "Show" brings the newest values into the fields nobody touched and writes the others beside the typed ones.
   Nothing is swapped under an open menu; it is fetched again when the menu closes. Scroll positions stay. */
(function () {
  "use strict";
  const REGION = "form, [data-guard]", OPEN = "details[data-menu][open], dialog[open]";
  const PASSING = new Set(["csrf_token", "idempotency_key"]);      // new with every drawing, and of no meaning to a person
  const say = (word, values) => window.Clinic.say(word, values);
  const waiting = new WeakMap();       // kept region -> its newest drawing (null: it is no longer drawn)
  const forced = new WeakSet();        // regions whose owner asked to see the newest
  const postponed = new Set();         // elements whose refresh waits for a menu to close
  let refreshing = false;

  /* ---- What somebody has touched ---- */
  const controls = (region) => [...region.querySelectorAll("input, select, textarea")].filter((field) => field.type !== "submit" && field.type !== "button");
  const isTick = (field) => field.type === "checkbox" || field.type === "radio";
  const given = (select) => [...select.options].findIndex((option) => option.defaultSelected);
  function isTouched(field) {
    if (field.type === "hidden") return false;
    if (field.type === "file") return field.files.length > 0;
    if (isTick(field)) return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return field.selectedIndex !== Math.max(given(field), 0);
    return field.value !== field.defaultValue || (field === document.activeElement && field.value !== "");
  }
  const isDirty = (region) => !forced.has(region) && controls(region).some(isTouched);

  /* ---- What the server drew ---- */
  function drawn(field) {
    if (isTick(field)) return field.defaultChecked ? field.value : "";
    if (field.tagName === "SELECT") return field.options[Math.max(given(field), 0)]?.value ?? "";
    return field.type === "hidden" ? field.getAttribute("value") ?? "" : field.defaultValue;
  }
  const signature = (region) => JSON.stringify(controls(region).filter((field) => field.name && !PASSING.has(field.name))
    .map((field) => [field.name, field.type === "radio" ? field.value : "", drawn(field)]));
  const words = (field) => (field.tagName === "SELECT" ? field.options[Math.max(given(field), 0)]?.text : isTick(field) ? field.labels?.[0]?.textContent : drawn(field));

  /* ---- Keeping ---- */
  function keep(region, fresh) {
    if (fresh && signature(fresh) === signature(region)) return;
    waiting.set(region, fresh && fresh.cloneNode(true));
    const line = region.querySelector(":scope > .edited") || document.createElement("p");
    const text = document.createElement("span"), show = document.createElement("button");
    line.className = "edited";
    line.setAttribute("role", "status");
    text.textContent = say(fresh ? "edited" : "gone");
    show.type = "button";
    show.className = "btn btn-sm btn-outline-primary";
    show.textContent = say("show");
    show.dataset.showNewest = "";
    line.replaceChildren(text, show);
    if (!line.isConnected) region.prepend(line);
  }
  function dirtyWithin(node) {
    const regions = [...(node.matches(REGION) ? [node] : []), ...node.querySelectorAll(REGION)].filter(isDirty);
    return regions.filter((region) => !regions.some((other) => other !== region && other.contains(region)));
  }
  // A region that loads itself ([data-own], its address) stays as it is while what is around it is drawn again.
  const isItsOwn = (old, fresh) => Boolean(old.dataset?.own) && old.dataset.own === fresh?.dataset?.own;
  function beforeMorph(old, fresh) {
    if (isItsOwn(old, fresh) && !fresh.hasAttribute("data-live") && fresh.getAttribute("hx-trigger") === "load") return false;
    if (!refreshing || old.nodeType !== Node.ELEMENT_NODE) return true;
    if (old.matches(REGION) && isDirty(old)) { keep(old, fresh); return false; }
    return !(old.matches("input, select, textarea") && !old.closest(REGION) && isTouched(old));
  }
  function beforeRemove(node) {
    if (!refreshing || node.nodeType !== Node.ELEMENT_NODE) return true;
    const regions = dirtyWithin(node);
    regions.forEach((region) => keep(region, null));
    return regions.length === 0;
  }

  /* ---- Showing the newest ---- */
  const twin = (field, fresh) => controls(fresh).find((other) => other.name === field.name && other.type === field.type && (!isTick(field) || other.value === field.value));
  function beside(field, text) {
    const place = field.closest(".field") || field.parentElement;
    const note = place.querySelector(".is-now") || document.createElement("small");
    note.className = "is-now";
    note.textContent = say("isNow", { value: text?.trim() || say("nothing") });
    place.append(note);
  }
  function renew(field, other) {
    const touched = isTouched(field), moved = drawn(field) !== drawn(other);
    if (field.type === "hidden") { field.value = drawn(other); return; }
    if (touched && moved && !(field.type === "radio" && !other.defaultChecked)) beside(field, words(other));
    if (isTick(field)) {
      const checked = field.checked;
      field.defaultChecked = other.defaultChecked;
      field.checked = touched ? checked : other.defaultChecked;
    } else if (field.tagName === "SELECT") {
      const value = field.value;
      field.replaceChildren(...[...other.children].map((option) => option.cloneNode(true)));
      if (touched) field.value = value;
    } else {
      const value = field.value;
      field.defaultValue = other.defaultValue;
      field.value = touched ? value : other.defaultValue;
    }
  }
  function showNewest(region, line) {
    const fresh = waiting.get(region);
    if (!fresh) {                                             // it is gone: now its owner wants to see that
      forced.add(region);
      (region.closest("[data-live]") || region).dispatchEvent(new CustomEvent("live"));
      return;
    }
    const radios = new Map(controls(region).filter((field) => field.type === "radio").map((field) => [field.name, false]));
    controls(region).forEach((field) => { if (field.type === "radio" && isTouched(field)) radios.set(field.name, true); });
    for (const field of controls(region)) {
      const other = field.name !== "idempotency_key" && twin(field, fresh);
      if (!other) continue;
      if (radios.get(field.name)) {                            // a group is touched or not as a whole
        if (other.defaultChecked && !field.defaultChecked) beside(field, words(other));
        const checked = field.checked;
        field.defaultChecked = other.defaultChecked;
        field.checked = checked;
      } else renew(field, other);
    }
    line.replaceChildren(Object.assign(document.createElement("span"), { textContent: say("shown") }));
    waiting.delete(region);
  }
  document.addEventListener("click", (event) => {
    const line = event.target.closest?.("[data-show-newest]")?.closest(".edited");
    if (line) showNewest(line.parentElement, line);
  });

  /* ---- Around htmx ---- */
  const swapStyle = (detail) => detail.swapOverride || detail.requestConfig.elt.closest("[hx-swap]")?.getAttribute("hx-swap") || "innerHTML";
  let scrolled = [];
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    refreshing = window.Clinic.isLive(detail);
    scrolled = [];
    if (!refreshing || !detail.shouldSwap || !detail.target.querySelectorAll) return;
    if (detail.target.querySelector(OPEN)) {
      detail.shouldSwap = false;
      postponed.add(detail.requestConfig.elt);
    } else if (!swapStyle(detail).startsWith("morph")) {
      const fresh = new DOMParser().parseFromString(detail.serverResponse, "text/html");
      const regions = dirtyWithin(detail.target);
      regions.forEach((region) => keep(region, region.id ? fresh.getElementById(region.id) : fresh.querySelector(region.tagName)));
      if (regions.length) detail.shouldSwap = false;
      else scrolled = [detail.target, ...detail.target.querySelectorAll("[id]")].filter((box) => box.id && box.scrollTop).map((box) => [box.id, box.scrollTop]);
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    refreshing = false;
    scrolled.forEach(([id, top]) => { const box = document.getElementById(id); if (box) box.scrollTop = top; });
  });
  document.addEventListener("toggle", () => {
    for (const element of [...postponed].filter((one) => !one.querySelector(OPEN))) {
      postponed.delete(element);
      if (element.isConnected) element.dispatchEvent(new CustomEvent("live"));
    }
  }, true);
  /* What the page itself set stays: a row that loses its tabindex loses the focus, and what was opened stays open. */
  function beforeAttribute(name, element) {
    if (name === "tabindex") return !element.closest("[data-row]");
    return !(refreshing && name === "open" && element.tagName === "DETAILS");
  }
  if (window.Idiomorph) Object.assign(window.Idiomorph.defaults.callbacks, { beforeNodeMorphed: beforeMorph, beforeNodeRemoved: beforeRemove, beforeAttributeUpdated: beforeAttribute });
})();
