/* live.js: browsers see each other's changes, and are right again by themselves.

   Guarantees: one WebSocket, and only if something on the page is live ([data-live]); it carries topics and versions, no
   content, so each browser fetches its fragment under its own rights. Every element of a changed topic gets a DOM event
   `live` (it does not bubble: a panel inside a panel never makes its parent fetch), the first at once, then at most one a
   second and topic, the last one always; what one did oneself at once. A message that was lost, a refresh that failed, a restart, a sleep: the next
   tick, which carries every topic's version, or the reconnection makes it good. Without a tick for eight seconds the page
   says since when it is not live, and stops saying so by itself. */
(function () {
  "use strict";
  const { say, now, sync, clock, isLive } = window.Clinic;
  const PAUSE = 1000, JITTER = 250, SILENCE = 8000, DEAF = 14000, NAP = 60000;
  const mark = document.getElementById("live"), line = document.getElementById("stale");
  const joined = new Map();        // topic -> {seq, epoch} of what the page shows, or null: not known, so fetch
  const pauses = new Map();        // topic -> {again, anyway} of the second after a `live`
  const flying = new Set();        // elements whose refresh is under way
  const others = new Set();        // other requests under way: their answers may bring what changed along
  const missed = new Set();        // topics that changed meanwhile
  const refused = new Set();       // topics this person may not hear
  let socket = null, lastTick = 0, hiddenAt = 0;

  const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
  const elementsOf = (topic) => [...document.querySelectorAll("[data-live]")].filter((element) => topicsOf(element).includes(topic));
  const topics = () => new Set([...document.querySelectorAll("[data-live]")].flatMap(topicsOf));

  /* ---- Telling the elements ---- */
  function isNewest(element, topic) {        // the answer to this person's own act was drawn after the change
    const seen = joined.get(topic), { seq, epoch } = element.dataset;
    if (!seen?.seq || seq === undefined || topicsOf(element).length > 1) return false;
    return Number(seq) >= seen.seq && (!epoch || !seen.epoch || epoch === seen.epoch);
  }
  function tell(topic, anyway) {
    for (const element of elementsOf(topic)) {
      if (flying.has(element)) missed.add(topic);
      else if (anyway || !isNewest(element, topic)) element.dispatchEvent(new CustomEvent("live", { detail: { topic, version: joined.get(topic)?.seq } }));
    }
  }
  function fire(topic, anyway = false) {
    const pause = pauses.get(topic);
    if (pause) { pause.again = true; pause.anyway ||= anyway; return; }
    if (others.size) { missed.add(topic); return; }      // told when they are answered; the pause begins then, not now
    const next = { again: false, anyway: false };
    pauses.set(topic, next);
    tell(topic, anyway);
    setTimeout(() => {
      if (pauses.get(topic) !== next) return;      // one's own act has ended it
      pauses.delete(topic);
      if (next.again) setTimeout(() => fire(topic, next.anyway), Math.random() * JITTER);      // so that many screens do not come at once
    }, PAUSE);
  }
  function endPauses() {                 // one's own act is on the page at once, whatever others did in this second
    const ended = [...pauses];
    pauses.clear();
    ended.forEach(([topic, pause]) => { if (pause.again) fire(topic, pause.anyway); });
  }
  const fireAll = (spread = 0) => setTimeout(() => topics().forEach((topic) => fire(topic, true)), Math.random() * spread);
  function flush() {
    if (others.size) return;
    const late = [...missed];
    missed.clear();
    late.forEach((topic) => fire(topic));
  }

  /* ---- Versions ---- */
  function moved(topic, { seq, epoch }) {
    const seen = joined.get(topic);
    if (!seen || (seen.epoch && epoch && seen.epoch !== epoch)) return true;
    return (seq || 0) > (seen.seq || 0);            // an older one is a late message about what is shown already
  }
  function note(topic, version) {
    if (!moved(topic, version)) return;
    joined.set(topic, { epoch: joined.get(topic)?.epoch, ...version });
    fire(topic);
  }
  function drawnFrom(topic) {          // what the markup says it was rendered from, the oldest of its elements
    const elements = elementsOf(topic), drawn = elements.map((element) => element.dataset);
    if (!drawn.length || drawn.some((data) => data.seq === undefined) || elements.some((element) => topicsOf(element).length > 1)) return null;
    return { seq: Math.min(...drawn.map((data) => Number(data.seq))), epoch: drawn[0].epoch };
  }

  /* ---- Joining ---- */
  function join(topic) {
    joined.set(topic, drawnFrom(topic));
    socket.emit("join", { topic }, (answer) => {
      if (!answer?.ok) { joined.delete(topic); refused.add(topic); }
      if (!joined.has(topic)) return;
      heard();
      note(topic, { seq: answer.seq, epoch: answer.epoch });
    });
  }
  function follow() {                    // after every swap: the page may show other topics now
    const wanted = topics();
    if (!socket && wanted.size) connect();
    if (!socket?.connected) return;
    for (const topic of [...joined.keys()].filter((one) => !wanted.has(one))) {
      joined.delete(topic);
      socket.emit("leave", { topic });
    }
    wanted.forEach((topic) => { if (!joined.has(topic) && !refused.has(topic)) join(topic); });
  }

  /* ---- The socket ---- */
  const signedOut = () => location.assign(document.documentElement.dataset.login || "/login");
  function connect() {
    const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
    lastTick = now();
    if (mark) mark.hidden = false;
    socket = window.io({ transports: ["websocket"], reconnectionDelay: 600, reconnectionDelayMax: 1000, randomizationFactor: 0.5, timeout: 5000, auth: { csrf_token: token } });
    socket.on("connect", () => {
      joined.clear();                  // the answer to each join tells whether the page still shows the newest
      refused.clear();
      follow();
    });
    socket.on("connect_error", (error) => { if (error?.data === "signed-out" || error?.message === "signed-out") signedOut(); });
    socket.on("signed_out", signedOut);
    socket.on("disconnect", (reason) => {          // the server ended it: this person's rights changed, so ask again what may be heard
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), Math.random() * 500);
    });
    socket.on("changed", ({ topic, version }) => { if (joined.has(topic)) note(topic, { seq: version }); });
    socket.on("tick", ({ live, now: time, ...versions }) => {
      if (time) sync(time);
      if (live !== false) heard();
      for (const topic of joined.keys()) note(topic, versions[topic] || { seq: 0 });
    });
    setInterval(listen, 1000);
  }
  function heard() {
    lastTick = now();
    show(true);
  }
  function listen() {
    const silence = now() - lastTick;
    if (silence > SILENCE) show(false);
    if (silence > DEAF && socket.connected && silence % DEAF < 1000) socket.disconnect().connect();       // half open: it looks connected and says nothing
  }
  function show(live) {
    mark?.classList.toggle("is-off", !live);
    if (!line || line.hidden === live) return;
    line.querySelector("[data-stale-text]").textContent = live ? "" : say("stale", { time: clock(lastTick) });
    line.hidden = live;
    document.documentElement.toggleAttribute("data-stale", !live);
  }
  function tryNow() {
    if (!socket) return;
    if (!socket.connected) socket.connect();
    fireAll();
  }

  /* ---- What requests come to ---- */
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.triggeringEvent?.type === "live") detail.headers["X-Background"] = "1";      // a screen that refreshes itself keeps nobody signed in
  });
  document.body.addEventListener("acted", () => {          // without a socket nobody tells this page of its own person's acts
    if (socket && (!socket.connected || mark?.classList.contains("is-off"))) fireAll();
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (isLive(detail)) { flying.add(detail.elt); return; }
    others.add(detail.xhr);
    setTimeout(() => { if (others.delete(detail.xhr)) flush(); }, PAUSE);      // a slow one does not hold up the rest
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr, requestConfig: { elt, verb } } }) => {
    const failed = xhr.status === 0 || xhr.status >= 500;
    if (flying.delete(elt) && failed && elt.dataset.live) topicsOf(elt).forEach((topic) => { if (joined.has(topic)) joined.set(topic, null); });      // the next tick asks again
    others.delete(xhr);
    if (verb !== "get") endPauses();
    flush();
  });
  document.addEventListener("htmx:afterSettle", follow);

  /* ---- Waking up ---- */
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (socket && hiddenAt && Date.now() - hiddenAt > NAP) tryNow();
  });
  addEventListener("online", tryNow);
  addEventListener("pageshow", (event) => { if (event.persisted) tryNow(); });
  document.addEventListener("clinic:day", () => fireAll(2000));
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-try-live]")) tryNow(); });

  follow();
})();
