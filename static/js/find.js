/* find.js: what the search field of the band needs besides htmx (which asks) and keys.js (which moves the choice).

   Guarantees: an answer to an older question never covers the answer to what stands in the field now; a hit opens in the
   pane "in hand", or, on a page that has none, as a page of its own. */
(function () {
  "use strict";
  const plain = (text) => text.trim().replace(/\s+/g, " ");

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const field = detail.requestConfig.elt;
    if (!field.matches?.("[data-find]") || detail.xhr.status >= 400) return;
    const asked = detail.requestConfig.typed?.[field.name] ?? "";
    if (plain(asked) !== plain(field.value)) detail.shouldSwap = false;
  });

  document.addEventListener("htmx:targetError", ({ target }) => {
    const hit = target.closest?.(".hits [data-page]");
    if (hit) location.assign(hit.dataset.page);
  });
})();
