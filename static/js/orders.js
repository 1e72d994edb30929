/* orders.js: writing an order with the keyboard alone.

   Guarantees: Enter goes from how many to the directions and back to the search field and never sends the order (Ctrl+Enter
   does); a line that is taken off is gone; "Leave it" empties the place in which a form or a question was opened. */
(function () {
  "use strict";
  const field = () => document.getElementById("order-find");

  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.("#order-form input");
    if (!here || event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    const line = here.closest("[data-order-line]"), all = line ? [...line.querySelectorAll("[data-order-next]")] : [];
    (all[all.indexOf(here) + 1] || field())?.focus();
  });

  // Nothing was found to be taken: the search must not lead away from the order that is being written.
  document.addEventListener("submit", (event) => { if (event.target.matches?.(".order-find")) event.preventDefault(); });

  document.addEventListener("click", (event) => {
    const off = event.target.closest?.("[data-order-remove]");
    if (off) {
      off.closest("[data-order-line]").remove();
      field()?.focus();
    }
    const leave = event.target.closest?.("[data-order-leave]");
    const place = leave?.closest("#order-desk, .order-ask");
    if (!place) return;
    event.preventDefault();
    place.replaceChildren();
  });
})();
