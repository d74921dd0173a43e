// Lets the time left of each undo run down, and takes its button away at the end. A part that the
// page has fetched anew brings its own time.
"use strict";

(() => {
  const ends = new WeakMap(); // offer → when it ends, by this page's own clock

  function showLeft(offer) {
    if (!ends.has(offer)) ends.set(offer, performance.now() + 1000 * Number(offer.dataset.undoS));
    const leftS = Math.ceil((ends.get(offer) - performance.now()) / 1000);
    if (leftS <= 0) {
      offer.remove();
      return;
    }
    const text = `${Math.floor(leftS / 60)}:${String(leftS % 60).padStart(2, "0")}`;
    const left = offer.querySelector("[data-undo-left]");
    if (left.textContent !== text) left.textContent = text;
  }

  const showAll = () => document.querySelectorAll("[data-undo-s]").forEach(showLeft);

  showAll();
  setInterval(showAll, 250);
})();
