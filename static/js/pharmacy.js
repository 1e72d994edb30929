/* pharmacy.js: which row of the worklist is in hand. Guarantees: the row says so after each refresh, closing needs no
   request and gives the focus back to its row. Without this script everything works, only the row is not marked. */
(function () {
  "use strict";
  const $ = (selector, within = document) => within.querySelector(selector);
  const rowInHand = () => {
    const order = $("#prescription-panel")?.dataset.order;
    return order ? document.getElementById(`prescription-${order}`) : null;
  };
  function mark() {
    document.querySelectorAll("#pharmacy-rows [data-row]").forEach((row) => row.removeAttribute("aria-current"));
    rowInHand()?.setAttribute("aria-current", "true");
  }
  document.addEventListener("click", (event) => {
    const close = event.target.closest?.("[data-close-rx]"), hand = $("#hand"), nothing = $("#nothing-in-hand");
    if (close && hand && nothing && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const row = rowInHand(), here = new URL(location.href);
      hand.replaceChildren(nothing.content.cloneNode(true));
      here.searchParams.delete("order");
      history.replaceState(history.state, "", here);
      mark();
      (row || $("#pharmacy-rows [data-row]"))?.focus();
      return;
    }
    const row = event.target.closest?.("#pharmacy-rows [data-row]");      // the whole row opens it, not only the name
    if (row && !event.target.closest("a, button") && !getSelection().toString()) $("[data-act]", row)?.click();
  });
  document.addEventListener("htmx:afterSwap", mark);
  mark();
})();
