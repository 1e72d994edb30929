/* doctor.js: the console.

   Guarantees: a bouncing key or pedal never presses what the yellow button has just turned into; "Call someone else" puts
   the focus into the line. */
(function () {
  "use strict";
  const CALM = 600;                                    // longer than a key bounces, shorter than a second thought
  const says = () => document.querySelector("#go .two > span")?.textContent;
  let before = says(), turnedAt = -CALM;
  document.addEventListener("htmx:afterSettle", () => {
    if (says() === before) return;
    before = says();
    turnedAt = performance.now();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#go") || performance.now() - turnedAt > CALM) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("click", (event) => {
    const chooser = event.target.closest?.("[data-choose]");
    const rows = chooser ? document.querySelectorAll(`${chooser.dataset.choose} > [data-row]`) : [];
    (rows[1] || rows[0])?.focus();                     // the first is whom the yellow button calls anyway
  });
})();
