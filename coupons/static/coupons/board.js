// The board of an opening looks again every five seconds, so that what was mended turns green.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const PATIENCE_MS = 15000;

  async function refresh() {
    const answer = await fetch(location.href, {
      redirect: "manual", // to the login page
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("board").replaceWith(page.getElementById("board"));
  }

  function complain() {
    const board = document.getElementById("board");
    board.querySelector(".note").textContent = board.dataset.lost;
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  setTimeout(keepRefreshing, PERIOD_MS);
})();
