/* payments.js: the panel that takes money, while one types, and the row that is in hand.

   Guarantees: what to give back, what is left then, the shares and the button's words always are those of the sums that
   stand in the form, counted in whole cents and by the server's own rules, which has the last word; without this script
   both sums are plain fields and the form works the same. Nothing here runs a request. */
(function () {
  "use strict";
  const root = document.documentElement;
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  /* ---- Sums: whole cents, exactly ---- */
  const DIGITS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹";
  const FORM = /^(\d{1,10}|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$/;
  function cents(typed) {                    // null: not a sum
    const plain = typed.trim().replace(/[٠-٩۰-۹]/g, (digit) => DIGITS.indexOf(digit) % 10).replace(/٫/g, ".").replace(/٬/g, ",").replace(/[\s\u00a0]/g, "");
    const found = FORM.exec(plain), decimals = found?.[2]?.replace(/0+$/, "") || "";
    if (!found || decimals.length > 2) return null;
    return BigInt(found[1].replaceAll(",", "") + decimals.padEnd(2, "0"));
  }
  const figures = new Intl.NumberFormat(root.lang, { numberingSystem: root.dataset.digits || undefined, minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const shown = (sum) => figures.format(Number(sum) / 100);
  const plain = (sum) => `${sum / 100n}.${String(sum % 100n).padStart(2, "0")}`;
  function share(sum, percent) {             // percent in hundredths; half to even, as the server does
    const product = sum * percent, whole = product / 10000n, rest = product % 10000n;
    return rest > 5000n || (rest === 5000n && whole % 2n === 1n) ? whole + 1n : whole;
  }
  const least = (a, b) => (a < b ? a : b);

  /* ---- One form ---- */
  const owed = (form) => form.closest(".pay-panel").dataset;
  const parts = (form) => ({
    amount: form.elements.amount, handed: form.elements.handed_over, method: form.elements.method,
    amountBox: $("[data-part-of='amount']", form), handedBox: $("[data-part-of='handed-over']", form), part: $("[data-part]", form),
  });
  const wantsPart = (part) => part.getAttribute("aria-pressed") === "true";

  function prepare(form) {
    if (form.dataset.ready) return;
    form.dataset.ready = "true";
    const { amount, part } = parts(form), left = cents(owed(form).left), sum = cents(amount.value);
    $$("[data-needs-script]", form).forEach((element) => { element.hidden = false; });
    const isOwn = amount.matches("[aria-invalid='true']") || (sum !== left && amount.value !== amount.dataset.derived);
    part.setAttribute("aria-pressed", String(isOwn && form.elements.method.value === "CASH"));
    follow(form);
  }

  function follow(form) {
    const { amount, handed, method, amountBox, handedBox, part } = parts(form);
    const left = cents(owed(form).left), isCash = method.value === "CASH", isPart = wantsPart(part);
    amountBox.hidden = isCash && !isPart;
    handedBox.hidden = !isCash;
    handed.disabled = !isCash;
    amount.toggleAttribute("data-focus", !amountBox.hidden);
    if (!isCash) part.setAttribute("aria-pressed", "false");
    const given = handed.value.trim() === "" ? null : cents(handed.value);
    if (isCash && !isPart) derive(amount, left, given);
    else if (!isCash && amount.dataset.derived === amount.value) amount.value = plain(left);
    const isClear = !isCash || handed.value.trim() === "" || given !== null;
    const sum = isClear ? cents(amount.value) : null;
    say(form, { sum, left, change: isCash && given !== null && sum !== null && given > sum ? given - sum : 0n });
  }

  /* In cash, what is handed over decides: all that is owed, or as much as there is. */
  function derive(amount, left, given) {
    const all = cents(amount.defaultValue) === left ? amount.defaultValue : plain(left);
    amount.value = given === null || given >= left ? all : plain(given);
    amount.dataset.derived = amount.value;
  }

  function say(form, { sum, left, change }) {
    const method = form.elements.method.value.toLowerCase().replace("_", "-").replace(/-(\w)/, (all, letter) => letter.toUpperCase());
    const button = $("[data-take-button]", form), label = $("span", button), words = form.dataset[method];
    if (button.matches(".is-busy")) return;                  // it says what it is doing
    form.dataset.plainWords ||= label.textContent;
    label.textContent = sum && words ? words.replace("{amount}", shown(sum)) : form.dataset.plainWords;
    $("[data-change] dd", form).textContent = shown(change);
    const rest = $("[data-rest]", form), then = sum !== null && sum < left ? left - sum : 0n;
    rest.hidden = then === 0n;
    $("dd", rest).textContent = shown(then);
    shares(form, sum === null ? left : least(sum, left));
  }

  function shares(form, sum) {
    const doctor = $("[data-doctor-part]", form);
    if (!doctor) return;
    const { paid, doctor: had, percent } = owed(form);
    const part = share(cents(paid) + sum, cents(percent)) - cents(had);
    doctor.textContent = shown(part);
    $("[data-center-part]", form).textContent = shown(sum - part);
  }

  document.addEventListener("input", (event) => { const form = event.target.closest?.("[data-take]"); if (form) follow(form); });
  document.addEventListener("change", (event) => {
    const form = event.target.name === "method" && event.target.closest("[data-take]");
    if (form) follow(form);
  });
  document.addEventListener("click", (event) => {
    const part = event.target.closest?.("[data-part]"), form = part?.closest("[data-take]");
    if (!form) return;
    const { amount, handed } = parts(form), isPart = !wantsPart(part);
    part.setAttribute("aria-pressed", String(isPart));
    if (!isPart) amount.value = amount.defaultValue;
    follow(form);
    const field = isPart ? amount : handed;
    field.focus();
    field.select();
  });

  /* ---- The payment in hand, and its row ---- */
  const hand = $("#hand");
  function markRow() {
    if (!hand) return;
    const inHand = $(".pay-panel", hand)?.dataset.payment;
    $$("#payments-list [data-row]").forEach((row) => row.toggleAttribute("aria-selected", false));
    const row = inHand && document.getElementById(`payment-${inHand}`);
    if (row) row.setAttribute("aria-selected", "true");
  }
  document.addEventListener("click", (event) => {
    const close = event.target.closest?.("[data-close-hand]"), nothing = $("#nothing-in-hand");
    if (!close || !hand || !nothing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const row = document.getElementById(`payment-${$(".pay-panel", hand)?.dataset.payment}`);
    hand.replaceChildren(nothing.content.cloneNode(true));
    const here = new URL(location.href);
    ["payment", "receipt"].forEach((name) => here.searchParams.delete(name));
    history.replaceState(history.state, "", here);
    markRow();
    (row || $("#payments-list [data-row]"))?.focus();
  });
  document.addEventListener("click", (event) => {          // the whole row opens its payment, not only the name
    const row = event.target.closest?.("#payments-list [data-row]");
    if (row && !event.target.closest("a, button") && !getSelection().toString()) $("[data-act]", row)?.click();
  });

  function printNow() {                    // the answer to the print button: it is noted which paper this is
    const panel = $("[data-print-now]");
    if (!panel) return;
    panel.removeAttribute("data-print-now");
    print();
  }

  function ready() {
    $$("[data-take]").forEach((form) => { prepare(form); follow(form); });
    markRow();
  }
  document.addEventListener("htmx:afterSwap", ready);
  document.addEventListener("htmx:afterSettle", printNow);
  ready();
})();
