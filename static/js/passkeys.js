/* passkeys.js: forms with data-passkey ask the device for a passkey before they are sent.

   <form data-passkey="get|create" data-options="URL"> with a hidden field "credential" (and [data-passkey-failed], hidden).
   The question comes from the server as JSON and lives there; the answer goes back in the form, like anything typed.
   Guarantees: a form is sent only with an answer; whoever closes the device's window stays where they were and can try
   again; a browser without passkeys does not show the forms at all ([data-passkey] and [data-needs-passkey]). */
(function () {
  "use strict";
  const able = window.PublicKeyCredential !== undefined && navigator.credentials !== undefined;
  document.documentElement.classList.toggle("no-passkeys", !able);

  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const toText = (buffer) => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

  function question(options) {
    const asked = { ...options, challenge: toBytes(options.challenge) };
    if (options.user) asked.user = { ...options.user, id: toBytes(options.user.id) };
    if (options.excludeCredentials) asked.excludeCredentials = known(options.excludeCredentials);
    if (options.allowCredentials) asked.allowCredentials = known(options.allowCredentials);
    return asked;
  }
  function answer(credential) {
    const { response } = credential, parts = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) parts[name] = toText(response[name]);
    }
    if (response.getTransports) parts.transports = response.getTransports();
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: parts,
      clientExtensionResults: {}, authenticatorAttachment: credential.authenticatorAttachment || undefined });
  }

  async function ask(form) {
    const csrf = form.elements.csrf_token.value;
    const asked = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": csrf, Accept: "application/json" } });
    if (!asked.ok || !/json/.test(asked.headers.get("Content-Type") || "")) return asked.redirected ? location.reload() : refuse(form, asked);
    const publicKey = question(await asked.json());
    const credential = await (form.dataset.passkey === "create" ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
    form.elements.credential.value = answer(credential);
    form.requestSubmit();
  }
  async function refuse(form, asked) {
    if (asked.status === 403) form.submit();      // something is to be proved first: the page that asks for it comes, and leads back
    else failed(form);
  }
  function failed(form) {
    const line = form.querySelector("[data-passkey-failed]");
    if (line) line.hidden = false;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches?.("[data-passkey]") || form.elements.credential.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const line = form.querySelector("[data-passkey-failed]"), button = form.querySelector("[type=submit], button:not([type])");
    if (line) line.hidden = true;
    if (button) button.disabled = true;
    ask(form).catch(() => failed(form)).finally(() => { if (button) button.disabled = false; });
  }, true);
  document.addEventListener("htmx:afterRequest", ({ target }) => {        // an answer serves once
    const form = target.closest?.("[data-passkey]");
    if (form) form.elements.credential.value = "";
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-passkey]").forEach((form) => { form.elements.credential.value = ""; }));

  /* Recovery codes: copied as lines of text. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const lines = [...document.querySelectorAll(`${button.dataset.copy} li`)].map((each) => each.textContent.trim());
    navigator.clipboard?.writeText(lines.join("\n")).then(() => { button.querySelector("span").textContent = button.dataset.copied; });
  });
})();
