/* desk.js: what the desk needs besides htmx, keys.js and live.js.

   Guarantees: the button says which time it books; the slip prints once, right after the booking, unless somebody writes
   already; on a narrow screen what is taken in hand is what is shown; a tab goes on working for the clinic it shows,
   whatever another tab chose. Without this file all of it works with a press or two more. */
(function () {
  "use strict";
  const desk = document.querySelector(".desk");
  if (!desk) return;
  const hand = document.getElementById("hand");
  desk.classList.add("has-script");

  /* ---- The button names the time ---- */
  function nameTime() {
    const button = hand.querySelector("[data-names-time]");
    const chosen = button?.form.querySelector("[name='slot']:checked");
    if (!button || button.classList.contains("is-busy")) return;
    const label = button.querySelector(":scope > span");
    button.dataset.unnamed ??= label.textContent;
    label.textContent = chosen ? button.dataset.namesTime.replace("{time}", chosen.dataset.time) : button.dataset.unnamed;
  }
  document.addEventListener("change", (event) => {
    if (event.target.name === "slot") {
      const reason = event.target.form.querySelector("[name='overbooking_reason']");
      nameTime();
      if (event.target.hasAttribute("data-over") && reason) reason.focus();
    }
  });
  document.addEventListener("htmx:afterRequest", () => queueMicrotask(nameTime));

  /* ---- A time is chosen by a digit: the focus follows, so that Enter books it ---- */
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.(".nearest label, .slots label")?.control;
    if (chosen) chosen.focus();
  });

  /* ---- A suggested priority fills its fields; without a script the link draws the panel anew ---- */
  document.addEventListener("click", (event) => {
    const give = event.target.closest?.("[data-suggest]"), form = give?.closest("form");
    if (!form) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    form.elements.priority.value = give.dataset.suggest;
    form.elements.priority_reason.value = give.dataset.reason;
    form.elements.priority.dispatchEvent(new Event("change", { bubbles: true }));
    give.closest(".suggest").hidden = true;
    form.elements.priority.focus();
  }, true);

  /* ---- A question that opens takes the focus at once: the next letter is typed into it, and is no key any more ---- */
  document.addEventListener("click", (event) => {
    const asked = event.target.closest?.(".asked > summary")?.parentElement;
    if (!asked) return;
    event.preventDefault();
    asked.open = !asked.open;
    if (asked.open) asked.querySelector("textarea, select, input:not([type='hidden'])")?.focus();
  });

  /* ---- The slip ---- */
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-print-slip]")) return;
    event.preventDefault();
    hand.querySelector("[data-unprinted]")?.setAttribute("hidden", "");
    print();
  });

  /* ---- After a panel has come ---- */
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target !== hand && !hand.contains(event.target)) return;
    const isEmpty = Boolean(hand.querySelector("#hand-empty"));
    nameTime();
    if (event.detail.target === hand) {
      document.getElementById(isEmpty ? "shown-line" : "shown-hand").checked = true;
      hand.scrollTop = 0;
      markRow();
    } else { markRow(); }
    if (event.detail.requestConfig?.elt?.hasAttribute?.("data-slip-comes")) setTimeout(printAtOnce, 50);
  });
  /* The print window takes the keyboard: it must not come between the letters of the next name. Then the slip waits. */
  function printAtOnce() {
    if (window.Clinic.isWriting(hand)) hand.querySelector("[data-unprinted]")?.removeAttribute("hidden");
    else print();
  }
  function markRow() {
    const held = hand.querySelector("[id^='hand-visit-']")?.id.replace("hand-visit-", "row-");
    desk.querySelectorAll("[data-row][aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    if (held) document.getElementById(held)?.setAttribute("aria-current", "true");
  }
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.matches?.("#line, #expected")) markRow(); });

  /* ---- The foot says what Enter and Ctrl Enter would do now, and what 1 2 3 choose ---- */
  function sayActs() {
    const active = document.activeElement, scopes = [active?.closest?.("[data-row]"), active?.closest?.("form"), hand];
    document.querySelectorAll("[data-does]").forEach((word) => {
      const acts = scopes.flatMap((scope) => [...(scope?.querySelectorAll(`[data-key="${word.dataset.does}"]`) || [])]);
      const act = acts.find((one) => one.checkVisibility?.() ?? true);
      if (act?.dataset.keyLabel && word.textContent !== act.dataset.keyLabel) word.textContent = act.dataset.keyLabel;
    });
    const word = document.querySelector("[data-picks]"), legend = hand.querySelector("fieldset:has([data-key='1']) legend");
    if (word && legend && word.textContent !== legend.textContent) word.textContent = legend.textContent;
  }
  document.addEventListener("focusin", sayActs);
  document.addEventListener("htmx:afterSettle", sayActs);

  /* ---- Time alone makes an appointment due, then late; the server draws it so with the next change ---- */
  const DUE = 15 * 60000;
  function growDue() {
    document.querySelectorAll("#coming [data-row]").forEach((row) => {
      const at = row.querySelector("[data-at]")?.dataset.at, left = at ? Date.parse(at) - window.Clinic.now() : Infinity;
      if (left <= DUE) row.querySelector(".arrive")?.classList.add("is-due");
      if (left < -59000) row.querySelector(".ticket--time")?.classList.add("is-late");
    });
  }
  setInterval(growDue, 20000);

  /* ---- The clinic of this tab ---- */
  const here = new URL(location.href);
  if (!here.searchParams.has("clinic")) {
    here.searchParams.set("clinic", desk.dataset.clinic);
    history.replaceState(history.state, "", here);
  }

  nameTime();
  markRow();
  sayActs();
})();
