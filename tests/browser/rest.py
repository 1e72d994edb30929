"""When a page has come to rest: what a person waits for before they look at it or press a key."""

from __future__ import annotations

from playwright.sync_api import Page

# Counts the topics that a page asks to hear of, and those of them that were answered.
JOINS = """(() => {
  const joins = window.joins = { asked: 0, open: new Set() };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const id = /^42(\\d+)\\["join"/.exec(data)?.[1];
    if (id) { joins.asked += 1; joins.open.add(id); }
    return send.call(this, data);
  };
  const Real = WebSocket;
  window.WebSocket = class extends Real {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => {
        const id = /^43(\\d+)\\[/.exec(data)?.[1];
        if (id) setTimeout(() => joins.open.delete(id));
      });
      this.addEventListener("close", () => { joins.asked = 0; joins.open.clear(); });
    }
  };
})()"""
# Loaded with its styles and letters; it hears of every topic it shows, and has fetched what it missed; every
# piece that comes by itself (hx-trigger="load") has been asked for and no answer is awaited; nothing fades or
# moves any more. All that for two frames, because a piece that has come may bring another one along.
SETTLED = """async () => {
  const isJoined = () => !document.querySelector("[data-live]") || (joins.asked > 0 && !joins.open.size);
  const comesLate = (element) => /(^|,)\\s*load\\b/.test(element.getAttribute("hx-trigger"))
    && !element["htmx-internal-data"]?.loaded;
  const isOver = (animation) => animation.playState !== "running"
    || animation.effect.getComputedTiming().endTime === Infinity;
  const isStill = () => document.readyState === "complete" && document.fonts.status === "loaded"
    && isJoined() && !document.querySelector(".htmx-request")
    && ![...document.querySelectorAll("[hx-trigger]")].some(comesLate)
    && document.getAnimations().every(isOver);
  const until = performance.now() + 30000;
  for (let frames = 0; frames < 2; frames = isStill() ? frames + 1 : 0) {
    if (performance.now() > until) throw new Error("the page does not come to rest");
    await new Promise(requestAnimationFrame);
  }
}"""


def settle(page: Page) -> None:
    """Wait until all of the page is there and nothing on it is under way. Its context must have JOINS."""
    page.evaluate(SETTLED)
