// The home page looks again every five seconds; between two looks its countdowns go on, by the clock
// of the database.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const PATIENCE_MS = 10000;
  const LONGEST_COUNTDOWN_S = 86400;
  const note = document.getElementById("home-note");
  const now = note.parentElement;
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
    now.classList.remove("old");
    showCountdowns();
  }

  // While MySQL is away Redis still knows what is admitted and what waits.
  async function showCounts(article) {
    const said = await (await ask(article.dataset.url, PATIENCE_MS)).json();
    for (const shown of article.querySelectorAll("[data-count]")) {
      const count = said[shown.dataset.count];
      shown.textContent = count === null ? "?" : count.toLocaleString(document.documentElement.lang);
    }
    article.classList.add("known");
  }

  async function complain(error) {
    now.classList.add("old");
    const isAway = error instanceof DatabaseAway;
    const { loggedOut, databaseAway, lost } = note.dataset;
    note.textContent = error instanceof LoggedOut ? loggedOut : isAway ? databaseAway : lost;
    if (!isAway) return;
    const articles = [...now.querySelectorAll("article[data-url]")];
    articles.forEach((article) => article.classList.remove("known"));
    await Promise.allSettled(articles.map(showCounts));
  }

  async function keepRefreshing() {
    if (!document.hidden) await refresh().catch(complain);
    setTimeout(keepRefreshing, PERIOD_MS);
  }

  showCountdowns();
  setInterval(showCountdowns, 250);
  setTimeout(keepRefreshing, PERIOD_MS);
})();
