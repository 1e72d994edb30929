/* board.js: a waiting-room screen of one to six lines, each a part that hears and heals by itself.

   Guarantees: what is yellow is true now. A message counts only if it follows what is shown (same epoch, prev <= mine
   < seq); older or equal is ignored; after a gap, another epoch, a reconnect or a wake-up the snapshot is fetched.
   Without a tick from PostgreSQL for two beats, or cut off for more than a moment, the screen says since when it is not
   live, and comes back by itself. An idle screen asks for nothing. The pairing page runs by the same rules. */
(function () {
  "use strict";
  const root = document.documentElement, page = root.dataset;
  const $ = (selector) => document.querySelector(selector);
  const BEAT = 5000, SILENCE = 2 * BEAT - 300, MOMENT = 2000, JITTER = 300, FRESH_CALL = 30000, LONGEST_WAIT = 5000, TURN = 8000;

  /* ---- Time: the server's clock in the facility's zone, whatever this device thinks ---- */
  let skew = 0;
  const learn = (time) => { if (time) skew = Date.parse(time) - Date.now(); };
  const now = () => Date.now() + skew;
  const zone = { timeZone: page.timezone || undefined, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const hands = (digits) => new Intl.DateTimeFormat("en-GB", { ...zone, numberingSystem: digits });
  const clocks = { latn: hands("latn"), arab: hands("arab") };
  const clock = (time, digits = page.digits) => clocks[digits].format(time);
  learn(page.now);

  /* ---- What is shown, and whether it is true ---- */
  const parts = new Map();                                    // by topic; none while the screen is not paired
  for (const element of document.querySelectorAll("[data-part]")) {
    const { topic, epoch, seq, validUntil } = element.dataset;
    parts.set(topic, { topic, element, epoch: epoch || null, seq: Number(seq || 0), until: validUntil, calledAt: 0, joined: false, wanted: false });
  }
  const all = () => [...parts.values()];
  const state = {
    live: true, own: false, redis: true,
    cutAt: Date.now(),                                        // since when the socket is not joined
    proof: { wall: Date.now(), steady: performance.now() },   // when PostgreSQL last said where the streams stand; a sleeping device stops one of its two clocks
    truth: now(),                                             // the same by the server's clock, for people
    behindAt: 0, asked: 0,                                    // since when a snapshot is needed, and how often one was asked for
    ownAt: page.ownAt || "",
  };
  const isJoined = () => (parts.size ? all().every((part) => part.joined) : state.own);
  const silent = () => Math.max(Date.now() - state.proof.wall, performance.now() - state.proof.steady);
  let silence = 0;

  function prove() {
    state.proof = { wall: Date.now(), steady: performance.now() };
    if (state.redis) state.truth = now();
    clearTimeout(silence);
    silence = setTimeout(judge, SILENCE + 20);
  }

  function judge() {
    const joined = isJoined() || (state.live && Date.now() - state.cutAt < MOMENT);
    const current = !state.behindAt || (state.live && Date.now() - state.behindAt < MOMENT);
    const live = joined && current && state.redis && silent() < SILENCE;
    if (live !== state.live || !root.dataset.state) show(live);
  }
  const judgeSoon = () => setTimeout(judge, MOMENT + 20);

  function show(live) {
    state.live = live;
    root.dataset.state = live ? "live" : "stale";
    if (live) return;
    for (const line of document.querySelectorAll("[data-off]")) {
      line.textContent = line.dataset.off.replace("{time}", clock(state.truth, line.lang === "ar" ? "arab" : "latn"));
    }
  }

  /* ---- Messages and snapshots ---- */
  function hear(message) {
    learn(message.server_time);
    const part = parts.get(message.topic);
    if (!part) return;
    if (!message.epoch || message.epoch !== part.epoch) return behind(part);
    if (message.seq <= part.seq) return;                      // late or twice
    if (message.prev > part.seq) return behind(part);         // one was lost on the way
    take(part, message);
  }

  function take(part, message) {
    const fresh = document.createElement("template");
    fresh.innerHTML = message.html;
    const wall = fresh.content.firstElementChild, calledAt = calledIn(wall);
    part.element.replaceChildren(wall);
    part.epoch = message.epoch;
    part.seq = message.seq;
    part.until = message.valid_until;
    turnDay();
    late();
    const isNew = calledAt > part.calledAt && now() - calledAt < FRESH_CALL;
    part.calledAt = Math.max(part.calledAt, calledAt);
    head(isNew ? wall : null);
    if (isNew) announce(wall);
  }
  function calledIn(wall) { return Date.parse(wall?.dataset.calledAt || "") || 0; }
  function lastIn(wall) { return Date.parse(wall?.querySelector(".call")?.dataset.at || "") || 0; }

  /* How late a doctor runs grows by itself until the next change; said in steps of five minutes, from ten on. */
  function late() {
    for (const line of document.querySelectorAll("[data-due]")) {
      const minutes = Math.floor((now() - Date.parse(line.dataset.due)) / 300000) * 5;
      line.hidden = minutes < 10;
      for (const text of line.children) {
        const digits = text.lang === root.lang ? page.digits : text.lang === "ar" ? "arab" : "latn";
        const said = text.dataset.late.replace("{minutes}", new Intl.NumberFormat("en", { numberingSystem: digits }).format(minutes));
        if (text.textContent !== said) text.textContent = said;
      }
    }
  }

  /* Several lines: the newest call of all of them stands above, with its line's name. */
  let above = "";
  function head(changed) {                                    // the wall of a new call, if there is one
    const strip = $(".strip");
    if (!strip) return;
    const walls = [...document.querySelectorAll(".part .wall")];
    const weight = (wall) => calledIn(wall) + lastIn(wall) / 1e4;         // who moves now stands before whoever is in already
    const newest = walls.reduce((best, wall) => (weight(wall) > weight(best) ? wall : best), walls[0]);
    root.dataset.called = weight(newest) ? "call" : "none";
    const call = newest.querySelector(".call").cloneNode(true);
    call.querySelector(".t").append(newest.querySelector(".lane").cloneNode(true));
    if (call.outerHTML === above && newest !== changed) return;        // let it flash to the end
    above = call.outerHTML;
    strip.replaceChildren(call);
    if (newest === changed) flash(call);
  }
  function flash(call) {
    call.classList.add("new");
    setTimeout(() => call.classList.remove("new"), 3000);
  }

  function announce(wall) {                                   // only the newest call, never a backlog of them
    const call = wall.querySelector(".call");
    flash(call);
    const text = (selector) => call.querySelector(selector)?.textContent || "";
    $("[data-said]").textContent = [text(".t .no"), text(".door .say span"), text(".door .no")].join(" ");
    speak(text(".t .no"), text(".door .no"));
  }

  /* The voice: letter by letter where the ticket has letters, number by number as people read it. */
  function speak(ticket, room) {
    if (!page.voice || !window.speechSynthesis || !state.live) return;
    const order = page.voice === "BOTH" ? (root.lang === "ar" ? ["ar", "en"] : ["en", "ar"]) : [page.voice];
    const [letters, number] = [ticket.replace(/[\d-]/g, "").split("").join(" "), ticket.replace(/\D/g, "").replace(/^0+/, "")];
    for (const language of order) {
      const words = $(`[data-voice-in="${language}"]`).dataset;
      const sentence = !room ? words.plain : /^\d+$/.test(room) ? words.room : words.named;
      const said = new SpeechSynthesisUtterance(sentence.replace("{ticket}", `${letters} ${number}`).replace("{room}", room));
      said.lang = language === "ar" ? "ar-EG" : "en-GB";
      said.rate = 0.9;
      speechSynthesis.speak(said);
    }
  }

  let fetching = false, timer = 0, failures = 0;
  function behind(part) {                                     // without a part: all of them
    state.behindAt ||= Date.now();
    state.asked += 1;
    for (const each of part ? [part] : all()) each.wanted = true;
    judgeSoon();
    if (!fetching) fetchAfter(Math.random() * JITTER);
  }
  function fetchAfter(wait) {
    clearTimeout(timer);
    timer = setTimeout(fetchSnapshot, wait);
  }
  function snapshotOf(wanted) {                               // all is the usual; a part by itself is a lost message
    const only = wanted.length < parts.size ? wanted : [];
    return page.snapshot + (only.length ? "?" + new URLSearchParams(only.map((part) => ["part", part.topic])) : "");
  }
  async function fetchSnapshot() {
    if (fetching) return;
    fetching = true;
    const asked = state.asked, wanted = all().filter((part) => part.wanted);
    const impatience = new AbortController(), limit = setTimeout(() => impatience.abort(), 4000);
    let wait = -1;
    try {
      const answer = await fetch(snapshotOf(wanted), { cache: "no-store", signal: impatience.signal });
      if (answer.status === 401) return turnDark();
      if (!answer.ok) throw new Error(answer.status);
      settle(await answer.json());
      failures = 0;
      if (state.asked === asked) {
        state.behindAt = 0;
        for (const part of parts.values()) part.wanted = false;
      } else wait = 50;                                       // it fell behind once more meanwhile
    } catch (_error) {
      failures += 1;
      wait = Math.min(LONGEST_WAIT, 400 * 2 ** failures) * (0.7 + 0.6 * Math.random());
    } finally {
      clearTimeout(limit);
      fetching = false;
      if (wait >= 0) fetchAfter(wait);
      judge();
    }
  }
  function settle(snapshot) {
    learn(snapshot.server_time);
    if (snapshot.page !== page.page) return loadAgain(Math.random() * 1000);
    for (const fresh of snapshot.parts || [snapshot]) {
      const part = parts.get(fresh.topic);
      if (!part || !fresh.html) continue;
      if (fresh.epoch !== part.epoch || fresh.seq > part.seq || fresh.valid_until !== part.until) take(part, fresh);
    }
  }

  /* ---- Another page: paired, moved, revoked, or a new version of the program ---- */
  let leaving = false;
  function loadAgain(wait) {
    if (leaving) return;
    leaving = true;
    setTimeout(tryToLoad, wait);
  }
  async function tryToLoad() {                        // never leave for a page that does not answer: nobody could come back
    try {
      const answer = await fetch(page.snapshot, { cache: "no-store" });
      if (answer.ok || answer.status === 401) return location.replace(page.board);
    } catch (_error) { /* not yet */ }
    setTimeout(tryToLoad, 2000);
  }
  function turnDark() {
    if (parts.size) root.dataset.state = "dark";
    loadAgain(Math.random() * 500);
  }

  /* ---- The day ends by the facility's clock; so does the life of a code ---- */
  let midnight = 0;
  function turnDay() {
    const time = all().map((part) => part.until).sort()[0] || page.validUntil;
    clearTimeout(midnight);
    const left = Math.min(Math.max(Date.parse(time) - now(), 0), 2 ** 30);      // a timer can't count further, nor be trusted after sleep
    midnight = setTimeout(() => {
      if (Date.parse(time) > now()) return turnDay();
      if (parts.size) behind(); else loadAgain(0);
    }, left + Math.random() * 1000);
  }

  /* ---- The socket ---- */
  const entry = performance.getEntriesByType("navigation")[0];
  const usual = entry ? (entry.connectEnd - entry.connectStart) + (entry.responseStart - entry.requestStart) : 0;
  const patience = Math.min(8000, Math.max(1200, 4 * usual));          // a hanging attempt must not outlast the outage
  const socket = io({
    transports: ["websocket"], auth: { as: "display" }, timeout: patience,
    reconnectionDelay: 250, reconnectionDelayMax: 1000, randomizationFactor: 0.5,
  });
  let first = true;

  function join(topic, then) {
    socket.timeout(3000).emit("join", { topic }, (error, answer) => {
      if (error) { if (socket.connected) connectAgain(); } else then(answer);
    });
  }
  socket.on("connect", () => {
    join(page.own, (answer) => {
      if (!answer.ok) return behind();                                   // not paired, or no more: the snapshot says
      standing({ [page.own]: answer });
      state.own = true;
      if (!parts.size) joined();
    });
    const isFirst = first;
    first = false;
    for (const part of parts.values()) join(part.topic, (answer) => {
      if (!answer.ok) return behind();
      if (!isFirst || answer.epoch !== part.epoch || answer.seq !== part.seq) behind(part);
      part.joined = true;
      if (isJoined()) joined();
    });
  });
  function joined() { prove(); judge(); }
  function cut() {
    if (isJoined()) state.cutAt = Date.now();
    state.own = false;
    for (const part of parts.values()) part.joined = false;
    judgeSoon();
  }
  socket.on("disconnect", (reason) => {
    cut();
    if (reason === "io server disconnect") connectAgain();
  });
  socket.on("connect_error", () => {
    if (socket.active) return;                                            // it tries again by itself
    behind();                                                             // refused: the snapshot says why
    setTimeout(() => socket.connect(), 500 + Math.random() * 1000);
  });
  socket.on("board", hear);
  socket.on("tick", (tick) => {
    learn(tick.now);
    if (!all().every((part) => tick[part.topic])) return;                // vouches for others only
    state.redis = tick.live !== false;
    prove();
    standing(tick);
    judge();
  });
  socket.on("changed", ({ topic }) => { if (topic === page.own) behind(); });
  for (const event of ["revoked", "signed_out"]) socket.on(event, behind);

  function standing(topics) {
    for (const part of parts.values()) {
      const at = topics[part.topic];
      if (at && (at.epoch !== part.epoch || at.seq > part.seq)) behind(part);
    }
    const own = topics[page.own];
    if (own && own.seq && `${own.epoch}/${own.seq}` !== state.ownAt) { state.ownAt = `${own.epoch}/${own.seq}`; behind(); }
  }
  let forcedAt = 0;
  function connectAgain() {
    forcedAt = Date.now();
    cut();
    socket.disconnect();
    setTimeout(() => socket.connect(), Math.random() * JITTER);
  }

  /* ---- Waking up ---- */
  function wake() {
    judge();
    if (!socket.connected) socket.connect(); else if (silent() > SILENCE) connectAgain();
    behind();
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { stayAwake(); wake(); } });
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  document.addEventListener("click", () => root.requestFullscreen?.().catch(() => {}));
  function stayAwake() { navigator.wakeLock?.request("screen").catch(() => {}); }

  let before = Date.now();
  setInterval(() => {
    const here = Date.now();
    if (Math.abs(here - before) > 2 * BEAT) wake();                     // the device slept, or its clock was set
    before = here;
    late();
    document.querySelectorAll("[data-clock]").forEach((element) => {
      const time = clock(now());
      if (element.textContent !== time) element.textContent = time;
    });
    if (socket.connected && silent() > SILENCE && Date.now() - forcedAt > BEAT) connectAgain();      // half open: it only seems connected
    judge();
  }, 1000);

  /* Without a socket an unpaired screen asks now and then; a paired one heals when its socket comes back. */
  if (!parts.size) setInterval(() => { if (!state.live) fetchAfter(0); }, 15000);

  /* Where both languages take turns, every text that has another gives way to it for a while. */
  root.dataset.tongue = "lead";
  if (page.second === "IN_TURNS") setInterval(() => { root.dataset.tongue = root.dataset.tongue === "lead" ? "other" : "lead"; }, TURN);

  stayAwake();
  turnDay();
  for (const part of parts.values()) part.calledAt = calledIn(part.element.firstElementChild);
  head(null);
  late();
  prove();
  judge();
  judgeSoon();
  document.querySelectorAll("[data-clock]").forEach((element) => { element.textContent = clock(now()); });
})();
