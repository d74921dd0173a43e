// The board of an opening looks again every five seconds, so that what was mended turns green.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const PATIENCE_MS = 15000;

  function complain(error) {
    const board = document.getElementById("board");
    const words = board.dataset;
    board.querySelector(".note").textContent =
      error instanceof LoggedOut ? words.loggedOut : words.lost;
  }

  // A form is sent once; until the answer is there, the heading says what was asked for.
  function showSent(event) {
    const words = event.target.dataset;
    if (!words.sentText) return;
    if (words.isSent) event.preventDefault();
    words.isSent = "yes";
    document.querySelector("#board header strong").textContent = words.sentText;
  }

  // As a browser shows it again that goes back to the page.
  function forgetSent() {
    for (const form of document.querySelectorAll("[data-is-sent]")) delete form.dataset.isSent;
  }

  async function keepRefreshing() {
    if (!document.hidden) await refreshParts(PATIENCE_MS).catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  document.addEventListener("submit", showSent);
  addEventListener("pageshow", forgetSent);
  setTimeout(keepRefreshing, PERIOD_MS);
})();
