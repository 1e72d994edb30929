/* portal.js: the code of an invitation stands behind the # of its address, which browsers tell no server. It goes into
   the field and out of the address bar, so that it is in no history either. */
(function () {
  "use strict";
  const field = document.querySelector("[data-code]"), code = decodeURIComponent(location.hash.slice(1));
  if (!field || !/^[0-9A-Za-z-]{8,40}$/.test(code)) return;
  history.replaceState(null, "", location.pathname);
  field.value = code;
  document.querySelector("[name=day]")?.focus();
})();
