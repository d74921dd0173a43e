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

  async function keepRefreshing() {
    if (!document.hidden) await refreshParts(PATIENCE_MS).catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  setTimeout(keepRefreshing, PERIOD_MS);
})();
