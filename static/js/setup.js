/* setup.js: the wizard's facility page begins with the time zone of the browser, where that is one of the offered. */
(function () {
  "use strict";
  const field = document.querySelector("[data-guess-timezone]");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field && [...field.options].some((option) => option.value === zone)) field.value = zone;
})();
