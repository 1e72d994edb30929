/* board.js: a waiting-room screen.

   Guarantees: what is yellow is true now. A message counts only if it follows what is shown (same epoch, prev <= mine
   < seq); older or equal is ignored; after a gap, another epoch, a reconnect or a wake-up the snapshot is fetched.
   Without a tick from PostgreSQL for two beats, or cut off for more than a moment, the screen says since when it is not
   live, and comes back by itself. An idle screen asks for nothing. The pairing page runs by the same rules. */
(function () {
  "use strict";
  const root = document.documentElement, page = root.dataset;
  const $ = (selector) => document.querySelector(selector);
  const BEAT = 5000, SILENCE = 2 * BEAT - 300, MOMENT = 2000, JITTER = 300, FRESH_CALL = 30000, LONGEST_WAIT = 5000;

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
  const shown = { topic: page.topic || "", epoch: page.epoch || null, seq: Number(page.seq || 0), until: page.validUntil, calledAt: 0 };
  const state = {
    live: true, joined: false, redis: true,
    cutAt: Date.now(),                                        // since when the socket is not joined
    proof: { wall: Date.now(), steady: performance.now() },   // when PostgreSQL last said where the stream stands; a sleeping device stops one of its two clocks
    truth: now(),                                             // the same by the server's clock, for people
    behindAt: 0, asked: 0,                                    // since when a snapshot is needed, and how often one was asked for
    ownAt: page.ownAt || "",
  };
  const silent = () => Math.max(Date.now() - state.proof.wall, performance.now() - state.proof.steady);
  let silence = 0;

  function prove() {
    state.proof = { wall: Date.now(), steady: performance.now() };
    if (state.redis) state.truth = now();
    clearTimeout(silence);
    silence = setTimeout(judge, SILENCE + 20);
  }

  function judge() {
    const joined = state.joined || (state.live && Date.now() - state.cutAt < MOMENT);
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
    if (!message.epoch || message.epoch !== shown.epoch) return behind();
    if (message.seq <= shown.seq) return;                     // late or twice
    if (message.prev > shown.seq) return behind();            // one was lost on the way
    take(message);
  }

  function take(message) {
    const fresh = document.createElement("template");
    fresh.innerHTML = message.html;
    const board = fresh.content.firstElementChild, calledAt = calledIn(board);
    $("#board").replaceWith(board);
    shown.epoch = message.epoch;
    shown.seq = message.seq;
    turnDayAt(message.valid_until);
    if (calledAt > shown.calledAt && now() - calledAt < FRESH_CALL) announce(board);
    shown.calledAt = Math.max(shown.calledAt, calledAt);
  }
  function calledIn(board) { return Date.parse(board?.dataset.calledAt || "") || 0; }

  function announce(board) {                                  // only the newest call, never a backlog of them
    const call = board.querySelector(".call");
    call.classList.add("new");
    setTimeout(() => call.classList.remove("new"), 3000);
    $("[data-said]").textContent = [call.querySelector(".t .no"), call.querySelector(".door .say span"), call.querySelector(".door .no")]
      .map((part) => part?.textContent || "").join(" ");
  }

  let fetching = false, timer = 0, failures = 0;
  function behind() {
    state.behindAt ||= Date.now();
    state.asked += 1;
    judgeSoon();
    if (!fetching) fetchAfter(Math.random() * JITTER);
  }
  function fetchAfter(wait) {
    clearTimeout(timer);
    timer = setTimeout(fetchSnapshot, wait);
  }
  async function fetchSnapshot() {
    if (fetching) return;
    fetching = true;
    const asked = state.asked, impatience = new AbortController(), limit = setTimeout(() => impatience.abort(), 4000);
    let wait = -1;
    try {
      const answer = await fetch(page.snapshot, { cache: "no-store", signal: impatience.signal });
      if (answer.status === 401) return turnDark();
      if (!answer.ok) throw new Error(answer.status);
      settle(await answer.json());
      failures = 0;
      if (state.asked === asked) state.behindAt = 0; else wait = 50;      // it fell behind once more meanwhile
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
    const isNewer = snapshot.epoch !== shown.epoch || snapshot.seq > shown.seq || snapshot.valid_until !== shown.until;
    if (snapshot.html && isNewer) take(snapshot);
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
    if (page.topic) root.dataset.state = "dark";
    loadAgain(Math.random() * 500);
  }

  /* ---- The day ends by the facility's clock; so does the life of a code ---- */
  let midnight = 0;
  function turnDayAt(time) {
    shown.until = time;
    clearTimeout(midnight);
    const left = Math.min(Math.max(Date.parse(time) - now(), 0), 2 ** 30);      // a timer can't count further, nor be trusted after sleep
    midnight = setTimeout(() => {
      if (Date.parse(time) > now()) return turnDayAt(time);
      if (shown.topic) behind(); else loadAgain(0);
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
      if (!shown.topic) joined();
    });
    if (shown.topic) join(shown.topic, (answer) => {
      if (!answer.ok) return behind();
      if (!first || answer.epoch !== shown.epoch || answer.seq !== shown.seq) behind();
      first = false;
      joined();
    });
  });
  function joined() { state.joined = true; prove(); judge(); }
  function cut() {
    if (state.joined) state.cutAt = Date.now();
    state.joined = false;
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
    if (shown.topic && !tick[shown.topic]) return;                       // vouches for others only
    state.redis = tick.live !== false;
    prove();
    standing(tick);
    judge();
  });
  socket.on("changed", ({ topic }) => { if (topic === page.own) behind(); });
  for (const event of ["revoked", "signed_out"]) socket.on(event, behind);

  function standing(topics) {
    const mine = topics[shown.topic], own = topics[page.own];
    if (mine && (mine.epoch !== shown.epoch || mine.seq > shown.seq)) behind();
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
    document.querySelectorAll("[data-clock]").forEach((element) => {
      const time = clock(now());
      if (element.textContent !== time) element.textContent = time;
    });
    if (socket.connected && silent() > SILENCE && Date.now() - forcedAt > BEAT) connectAgain();      // half open: it only seems connected
    judge();
  }, 1000);

  /* Without a socket an unpaired screen asks now and then; a paired one heals when its socket comes back. */
  if (!page.topic) setInterval(() => { if (!state.live) fetchAfter(0); }, 15000);

  stayAwake();
  turnDayAt(page.validUntil);
  shown.calledAt = calledIn($("#board"));
  prove();
  judge();
  judgeSoon();
  document.querySelectorAll("[data-clock]").forEach((element) => { element.textContent = clock(now()); });
})();
