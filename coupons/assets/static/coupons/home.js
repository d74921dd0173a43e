// The home page looks again every five seconds; between two looks its countdowns go on, by the clock
// of the database.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const PATIENCE_MS = 10000;
  const LONGEST_COUNTDOWN_S = 86400;
  const note = document.getElementById("home-note");
  const homeNowMs = () => Number(document.getElementById("home").dataset.nowMs);
  let aheadMs = homeNowMs() - Date.now();

  const two = (number) => String(number).padStart(2, "0");

  function showCountdowns() {
    for (const shown of document.querySelectorAll("#home .countdown")) {
      const leftS = Math.ceil((Number(shown.dataset.opens) - Date.now() - aheadMs) / 1000);
      const clock = [Math.floor(leftS / 3600), Math.floor(leftS / 60) % 60, leftS % 60];
      const isNear = leftS > 0 && leftS < LONGEST_COUNTDOWN_S;
      shown.textContent = isNear ? clock.map(two).join(":") : "";
    }
  }

  async function refresh() {
    await refreshParts(PATIENCE_MS);
    aheadMs = homeNowMs() - Date.now();
    note.textContent = "";
    showCountdowns();
  }

  function complain(error) {
    note.textContent = error instanceof LoggedOut ? note.dataset.loggedOut : note.dataset.lost;
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  showCountdowns();
  setInterval(showCountdowns, 250);
  setTimeout(keepRefreshing, PERIOD_MS);
})();
